import * as vscode from "vscode";
import { debugType } from "../debug-adapter/protocol.ts";
import { readTrace, type Trace } from "../trace-file/index.ts";
import { readBytes } from "./files.ts";
import { showPage } from "./page.ts";
import type { FromTracePage, ToTracePage } from "./views/trace/messages.ts";

export const traceViewType = "ringside.trace";
/** Of sources that are in a trace: the path is the file's name, the query the trace's URI. */
const sourceScheme = "ringside-trace-source";

class TraceDocument implements vscode.CustomDocument {
  readonly uri: vscode.Uri;
  /** Undefined where the file is no trace. */
  readonly trace: Trace | undefined;
  readonly problems: readonly string[];

  constructor(uri: vscode.Uri, trace: Trace | undefined, problems: readonly string[]) {
    this.uri = uri;
    this.trace = trace;
    this.problems = problems;
  }

  dispose(): void {}
}

async function read(uri: vscode.Uri): Promise<TraceDocument> {
  const found = await readTrace(await vscode.workspace.fs.readFile(uri));
  return "trace" in found ? new TraceDocument(uri, found.trace, []) : new TraceDocument(uri, undefined, found.problems);
}

/** What the page is told. */
function shown({ trace, problems }: TraceDocument): ToTracePage {
  if (!trace) return { kind: "problems", problems };
  const { title, note = "", product, moment, summary, configuration, actions, program } = trace;
  const { technique } = configuration;
  const files = Object.keys(program?.files ?? {});
  return { kind: "trace", trace: { title, note, product, moment, summary, technique, actions: actions.length, files } };
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, n) => byte === b[n]);

/** The file beside the trace, if it is the recorded one; else the one in the trace. */
async function sourceUri({ uri, trace }: TraceDocument, file: string): Promise<vscode.Uri> {
  const beside = vscode.Uri.joinPath(uri, "..", file);
  const recorded = trace?.program?.files[file];
  const present = await readBytes(beside.toString());
  if (recorded && present instanceof Uint8Array && sameBytes(recorded, present)) return beside;
  return vscode.Uri.from({ scheme: sourceScheme, path: `/${file}`, query: uri.toString() });
}

/** Shows what is in a trace, without running anything. */
class TraceEditor implements vscode.CustomReadonlyEditorProvider<TraceDocument>, vscode.TextDocumentContentProvider {
  readonly #extension: vscode.Uri;
  readonly #open = new Map<string, TraceDocument>();

  constructor(extension: vscode.Uri) {
    this.#extension = extension;
  }

  async openCustomDocument(uri: vscode.Uri): Promise<TraceDocument> {
    const document = await read(uri);
    this.#open.set(uri.toString(), document);
    return document;
  }

  resolveCustomEditor(document: TraceDocument, panel: vscode.WebviewPanel): void {
    const { webview } = panel;
    webview.onDidReceiveMessage((message: FromTracePage) => this.#hear(document, webview, message));
    showPage(webview, this.#extension, { name: "trace", title: undefined });
  }

  async #hear(document: TraceDocument, webview: vscode.Webview, message: FromTracePage): Promise<void> {
    switch (message.kind) {
      case "ready":
        await webview.postMessage(shown(document));
        return;
      case "debug":
        await debugTrace(document.uri, message.event);
        return;
      case "open": {
        const uri = await sourceUri(document, message.file);
        const position = new vscode.Position(message.line, 0);
        await vscode.window.showTextDocument(uri, {
          selection: new vscode.Range(position, position),
          preserveFocus: true,
          preview: true,
          viewColumn: vscode.ViewColumn.Beside,
        });
      }
    }
  }

  /** The text of a source. */
  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const { trace } = this.#open.get(uri.query) ?? (await read(vscode.Uri.parse(uri.query)));
    return new TextDecoder().decode(trace?.program?.files[uri.path.slice(1)]);
  }
}

/** Starts a session at the moment of a trace, or at one of its events. */
const debugTrace = (uri: vscode.Uri, event: number | undefined): Thenable<boolean> =>
  vscode.debug.startDebugging(vscode.workspace.getWorkspaceFolder(uri), {
    type: debugType,
    request: "launch",
    name: `Trace ${uri.path.split("/").pop()}`,
    program: uri.toString(),
    ...(event !== undefined && { event }),
  });

export function registerTraces(extension: vscode.Uri): vscode.Disposable[] {
  const editor = new TraceEditor(extension);
  return [
    vscode.window.registerCustomEditorProvider(traceViewType, editor),
    vscode.workspace.registerTextDocumentContentProvider(sourceScheme, editor),
  ];
}
