import { type ITheme, Terminal as Xterm } from "@xterm/xterm";
import { useEffect, useRef } from "preact/hooks";
import type { ConsoleLog } from "./console-log.ts";

const colourNames = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;

/** The theme of VS Code's own terminal. */
function theme(): ITheme {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string, otherwise: string): string =>
    style.getPropertyValue(`--vscode-${name}`).trim() || otherwise;
  const foreground = colour("terminal-foreground", colour("foreground", "gray"));
  const background = colour("terminal-background", colour("panel-background", "black"));
  const ansi = colourNames.flatMap((name) => {
    const capital = `${name[0]!.toUpperCase()}${name.slice(1)}`;
    return [
      [name, colour(`terminal-ansi${capital}`, foreground)],
      [`bright${capital}`, colour(`terminal-ansiBright${capital}`, foreground)],
    ];
  });
  return {
    foreground,
    background,
    cursor: colour("terminalCursor-foreground", foreground),
    selectionBackground: colour("terminal-selectionBackground", "#8886"),
    ...Object.fromEntries(ansi),
  };
}

function open(element: HTMLElement, label: string, type: (text: string) => void): Xterm {
  const style = getComputedStyle(document.documentElement);
  const terminal = new Xterm({
    convertEol: true,
    scrollback: 5000,
    theme: theme(),
    minimumContrastRatio: 4.5,
    fontSize: Number.parseInt(style.getPropertyValue("--vscode-editor-font-size"), 10) || 13,
    fontFamily: style.getPropertyValue("--vscode-editor-font-family").trim() || "monospace",
    screenReaderMode: document.body.classList.contains("vscode-using-screen-reader"),
  });
  terminal.open(element);
  terminal.textarea?.setAttribute("aria-label", label);
  terminal.onData(type);
  // Shift with Tab leaves the terminal; function keys are VS Code's.
  terminal.attachCustomKeyEventHandler(({ key, shiftKey }) => !(key === "Tab" && shiftKey) && !/^F\d+$/.test(key));
  return terminal;
}

/** As many columns and rows as there is room for, by the size of those there are. */
function fill(terminal: Xterm, element: HTMLElement): void {
  const screen = element.querySelector(".xterm-screen");
  if (!screen || element.clientHeight === 0) return;
  const { width, height } = screen.getBoundingClientRect();
  const [wide, high] = [width / terminal.cols, height / terminal.rows];
  if (!(wide > 0 && high > 0)) return;
  terminal.resize(
    Math.max(20, Math.floor((element.clientWidth - 16) / wide)),
    Math.max(2, Math.floor(element.clientHeight / high)),
  );
}

interface Props {
  readonly log: ConsoleLog | undefined;
  readonly label: string;
  readonly type: (text: string) => void;
}

/** A terminal at the other end of a line: shows what was sent up to the present, sends what is typed. */
export function Terminal({ log, label, type }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const shown = useRef<{ terminal: Xterm; log: ConsoleLog | undefined; generation: number; count: number } | undefined>(
    undefined,
  );
  const typing = useRef(type);
  typing.current = type;
  useEffect(() => {
    const place = element.current!;
    const terminal = open(place, label, (text) => typing.current(text));
    shown.current = { terminal, log: undefined, generation: 0, count: 0 };
    const resized = new ResizeObserver(() => fill(terminal, place));
    resized.observe(place);
    const themed = new MutationObserver(() => {
      terminal.options.theme = theme();
    });
    themed.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    return () => {
      resized.disconnect();
      themed.disconnect();
      terminal.dispose();
    };
  }, [label]);
  useEffect(() => {
    const now = shown.current!;
    if (now.log !== log || now.generation !== (log?.generation ?? 0)) {
      now.terminal.reset();
      Object.assign(now, { log, generation: log?.generation ?? 0, count: 0 });
    }
    if (log && log.count > now.count) now.terminal.write(log.after(now.count));
    now.count = log?.count ?? 0;
  });
  return <div class="terminal" ref={element} />;
}
