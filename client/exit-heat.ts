import * as vscode from "vscode";
import type { Measured } from "../server/protocol.ts";
import { sourceUri } from "./source-uri.ts";

type MeasuredLine = Measured["lines"][number];

/** From which share of the time on a line is how hot. */
const levels = [
  { from: 0.1, colour: "charts.red" },
  { from: 0.01, colour: "charts.orange" },
  { from: 0, colour: "charts.yellow" },
] as const;

interface Heat {
  readonly line: number;
  readonly text: string;
  /** The same by reason, for who hovers: the end of a long line is out of sight. */
  readonly hover: string;
  /** Number of its level. */
  readonly level: number;
}

/** "812 exits · 11 %", and how hot that is. */
function heatOf({ line, reasons }: MeasuredLine, cycles: number): Heat {
  const count = reasons.reduce((sum, reason) => sum + reason.count, 0);
  const share = cycles > 0 ? reasons.reduce((sum, reason) => sum + reason.cycles, 0) / cycles : 0;
  const percent = share > 0 && share < 0.001 ? "<0.1" : (100 * share).toFixed(share >= 0.0995 ? 0 : 1);
  // An exit that is pending has cost nothing yet.
  const text = `${count.toLocaleString("en")} ${count === 1 ? "exit" : "exits"}${share > 0 ? ` · ${percent} %` : ""}`;
  const byReason = [...reasons]
    .sort((a, b) => b.cycles - a.cycles)
    .map(
      ({ reason, count: times, cycles: spent }) =>
        `${times.toLocaleString("en")} × ${reason}, ${spent.toLocaleString("en")} cycles`,
    );
  return {
    line,
    text,
    hover: [`**${text}${share > 0 ? " of the time" : ""}**`, ...byReason].join("\n\n"),
    level: levels.findIndex(({ from }) => share >= from),
  };
}

/** Shows beside the lines of a guest's source how often they have exited in the session that is shown, and at what cost. */
export class ExitHeat implements vscode.Disposable {
  readonly #decorations = levels.map(({ colour }) =>
    vscode.window.createTextEditorDecorationType({
      isWholeLine: true,
      // No broader, for it lies over the first character.
      borderWidth: "0 0 0 2px",
      borderStyle: "solid",
      borderColor: new vscode.ThemeColor(colour),
      overviewRulerColor: new vscode.ThemeColor(colour),
      overviewRulerLane: vscode.OverviewRulerLane.Left,
      after: { margin: "0 0 0 3em", color: new vscode.ThemeColor("editorCodeLens.foreground") },
    }),
  );
  readonly #listeners: vscode.Disposable;
  /** By URI of the document. */
  #lines = new Map<string, Heat[]>();
  #session: string | undefined;

  constructor() {
    this.#listeners = vscode.Disposable.from(
      vscode.window.onDidChangeVisibleTextEditors(() => this.#draw()),
      vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("ringside") && this.#draw()),
      // Lines of a text that has changed may be others.
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0 && this.#lines.delete(document.uri.toString())) this.#draw();
      }),
      vscode.debug.onDidTerminateDebugSession(({ id }) => {
        if (id !== this.#session) return;
        this.#lines = new Map();
        this.#draw();
      }),
    );
  }

  /** What a session has measured up to now. */
  show(session: vscode.DebugSession, { lines, cycles }: Measured): void {
    this.#session = session.id;
    this.#lines = new Map();
    for (const line of lines) {
      const uri = sourceUri(line.uri, session).toString();
      const heats = this.#lines.get(uri) ?? [];
      this.#lines.set(uri, heats);
      heats.push(heatOf(line, cycles));
    }
    this.#draw();
  }

  #draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const { uri } = editor.document;
      const shown = vscode.workspace.getConfiguration("ringside", uri).get("exitHeat", true);
      const heats = shown ? (this.#lines.get(uri.toString()) ?? []) : [];
      for (const [level, decoration] of this.#decorations.entries())
        editor.setDecorations(
          decoration,
          heats.filter((heat) => heat.level === level).map((heat) => decorated(heat, editor.document)),
        );
    }
  }

  dispose(): void {
    this.#listeners.dispose();
    for (const decoration of this.#decorations) decoration.dispose();
  }
}

function decorated({ line, text, hover }: Heat, document: vscode.TextDocument): vscode.DecorationOptions {
  const at = Math.min(line, document.lineCount - 1);
  return { range: document.lineAt(at).range, hoverMessage: hover, renderOptions: { after: { contentText: text } } };
}
