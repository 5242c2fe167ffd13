import * as vscode from "vscode";
import type { Events } from "../debug-adapter/protocol.ts";
import { showDocumentation } from "./documentation.ts";
import { showPage } from "./page.ts";
import { sourceUri } from "./source-uri.ts";
import type { FromView, ToView } from "./views/shared/messaging.ts";

/** The page of the documentation that teaches what a view shows. */
const pages: Readonly<Record<string, string>> = {
  exits: "views.md#vm-exits",
  compare: "command-line.md#compare",
  vmcs: "vmx.md",
  translation: "techniques.md#shadow-paging",
  cache: "techniques.md#binary-translation-binary-translation",
  hypercalls: "hypercalls.md",
  devices: "devices.md",
  schedule: "scheduling.md",
  rings: "techniques.md#trap-and-emulate-trap-and-emulate",
};

/** Hosts the views and relays between them and the debug session; knows no request by name. */
export class Panel implements vscode.WebviewViewProvider {
  /** The views, as package.json declares them. */
  static readonly views = [
    "ringside.exits",
    "ringside.compare",
    "ringside.vmcs",
    "ringside.translation",
    "ringside.cache",
    "ringside.hypercalls",
    "ringside.schedule",
    "ringside.devices",
    "ringside.rings",
  ] as const;
  readonly #extension: vscode.Uri;
  /** Webviews by the names of their pages. */
  readonly #views = new Map<string, vscode.Webview>();
  /** Pages that are to begin as soon as they have loaded. */
  readonly #awaited = new Set<string>();
  #session: vscode.DebugSession | undefined;
  /** The session that was shown has ended. */
  #ended = false;
  #last: Events["ringside/advanced"] | undefined;
  /** The time cursor of all views; undefined: at the present. */
  #cursor: number | undefined;

  constructor(extension: vscode.Uri) {
    this.#extension = extension;
  }

  /** A session has started or become the active one. */
  show(session: vscode.DebugSession): void {
    if (session === this.#session) return;
    this.#session = session;
    this.#last = undefined;
    this.#ended = false;
    this.#cursor = undefined;
    // Views know sessions by their names, and this one may be called as the one before.
    this.#tell({ kind: "session", name: undefined });
    this.#tell({ kind: "session", name: session.name });
  }

  ended(session: vscode.DebugSession): void {
    if (session !== this.#session) return;
    // The last picture stays readable; it only can no longer travel in time.
    this.#session = undefined;
    this.#last = undefined;
    this.#ended = true;
    this.#tell({ kind: "ended" });
  }

  advanced(session: vscode.DebugSession, body: Events["ringside/advanced"]): void {
    this.show(session);
    this.#last = body;
    this.#tell({ kind: "advanced", body });
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const { webview } = view;
    const name = view.viewType.split(".")[1] ?? "";
    this.#views.set(name, webview);
    view.onDidDispose(() => this.#views.delete(name));
    webview.onDidReceiveMessage((message: FromView) => this.#hear(name, webview, message));
    showPage(webview, this.#extension, { name, title: view.title ?? name });
  }

  #tell(message: ToView): void {
    for (const webview of this.#views.values()) void webview.postMessage(message);
  }

  /** Shows a view and lets it begin with what it does. */
  async begin(view: (typeof Panel.views)[number]): Promise<void> {
    const name = view.split(".")[1]!;
    const shown = this.#views.get(name);
    if (!shown) this.#awaited.add(name);
    await vscode.commands.executeCommand(`${view}.focus`);
    void shown?.postMessage({ kind: "begin" } satisfies ToView);
  }

  async #hear(name: string, webview: vscode.Webview, message: FromView): Promise<void> {
    switch (message.kind) {
      case "ready":
        void webview.postMessage({ kind: "session", name: this.#session?.name } satisfies ToView);
        if (this.#ended) void webview.postMessage({ kind: "ended" } satisfies ToView);
        if (this.#last) void webview.postMessage({ kind: "advanced", body: this.#last } satisfies ToView);
        if (this.#cursor !== undefined)
          void webview.postMessage({ kind: "cursor", cycle: this.#cursor } satisfies ToView);
        if (this.#awaited.delete(name)) void webview.postMessage({ kind: "begin" } satisfies ToView);
        return;
      case "request":
        void webview.postMessage(await this.#relay(message));
        return;
      case "open": {
        const position = new vscode.Position(message.line, 0);
        await vscode.window.showTextDocument(sourceUri(message.uri, this.#session), {
          selection: new vscode.Range(position, position),
          preserveFocus: true,
        });
        return;
      }
      case "cursor":
        this.#cursor = message.cycle;
        for (const [other, view] of this.#views) if (other !== name) void view.postMessage(message satisfies ToView);
        return;
      case "help":
        await showDocumentation(this.#extension, pages[name] ?? "views.md");
        return;
      case "sample":
        await vscode.commands.executeCommand("ringside.openSample", message.name);
        return;
      case "command":
        await vscode.commands.executeCommand(message.command);
    }
  }

  async #relay({ id, name, args }: Extract<FromView, { kind: "request" }>): Promise<ToView> {
    const session = this.#session;
    if (!session) return { kind: "failed", id, message: "The debug session has ended.", ended: true };
    try {
      return { kind: "result", id, result: await session.customRequest(name, args) };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { kind: "failed", id, message, ended: session !== this.#session };
    }
  }
}
