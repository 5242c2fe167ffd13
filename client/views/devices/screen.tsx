import { useEffect, useRef } from "preact/hooks";
import type { ScreenNow } from "../../../debug-adapter/protocol.ts";
import { typed } from "./typed-keys.ts";

const css = (colour: number): string => `#${colour.toString(16).padStart(6, "0")}`;

type Text = ScreenNow & { readonly mode: "text" };

function Row({ runs, cursor }: { runs: Text["rows"][number]; cursor: number | undefined }) {
  let column = 0;
  return (
    <div class="row">
      {runs.map(({ text, foreground, background }) => {
        const first = column;
        column += text.length;
        const at = cursor === undefined ? -1 : cursor - first;
        const look = { color: css(foreground), background: css(background) };
        if (at < 0 || at >= text.length)
          return (
            <span key={first} style={look}>
              {text}
            </span>
          );
        return (
          <span key={first} style={look}>
            {text.slice(0, at)}
            <span class="cursor" style={{ borderColor: css(foreground) }}>
              {text[at]}
            </span>
            {text.slice(at + 1)}
          </span>
        );
      })}
    </div>
  );
}

function TextScreen({ screen }: { screen: Text }) {
  const { columns, rows, cursor } = screen;
  return (
    <pre class="text-screen" style={{ "--columns": columns, "--rows": rows.length }}>
      {rows.map((runs, n) => (
        <Row key={n} runs={runs} cursor={cursor?.row === n ? cursor.column : undefined} />
      ))}
    </pre>
  );
}

function Graphics({ screen }: { screen: ScreenNow & { readonly mode: "graphics" } }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height, palette, pixels, what } = screen;
  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    const image = context.createImageData(width, height);
    for (const [n, character] of [...atob(pixels)].entries()) {
      const colour = palette[character.charCodeAt(0)]!;
      image.data.set([colour >> 16, (colour >> 8) & 0xff, colour & 0xff, 255], 4 * n);
    }
    context.putImageData(image, 0, 0);
  }, [pixels, palette, width, height]);
  return (
    <canvas class="graphics" ref={canvas} width={width} height={height} role="img" aria-label={`Graphics, ${what}`} />
  );
}

/** What the guest shows, with its keyboard: whoever has the focus here types there. */
export function Screen({ screen, type }: { screen: ScreenNow; type: (text: string) => void }) {
  const onKeyDown = (event: KeyboardEvent) => {
    const text = typed(event);
    if (text === undefined) return;
    event.preventDefault();
    // VS Code would take some of these keys as its own.
    event.stopPropagation();
    type(text);
  };
  return (
    <div
      class="screen"
      role="application"
      aria-label="Screen of the guest: keys go to its keyboard, Shift with Tab leaves"
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      {screen.mode === "text" ? <TextScreen screen={screen} /> : <Graphics screen={screen} />}
    </div>
  );
}
