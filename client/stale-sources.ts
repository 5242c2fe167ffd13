import * as vscode from "vscode";
import type { Events } from "../debug-adapter/protocol.ts";
import { programUri } from "./program-uri.ts";

/** What is read of the answer to `loadedSources`. */
interface LoadedSources {
  readonly sources: readonly {
    readonly path?: string;
    readonly checksums?: readonly { readonly algorithm: string; readonly checksum: string }[];
  }[];
}

/** Milliseconds without a keystroke before a text is looked at. */
const pause = 250;

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Says in the status bar that a source of the active session has changed since it was assembled, saved or not: the session runs the text
 * as it was, and stops are at its lines.
 */
export class StaleSources implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem("ringside.stale", vscode.StatusBarAlignment.Left, 1);
  readonly #listeners: vscode.Disposable;
  /** Of each session its sources with their checksums, by URI. */
  readonly #sources = new Map<string, ReadonlyMap<string, string>>();
  /** Sessions that have not answered yet. */
  readonly #asked = new Set<string>();
  #waiting: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#item.name = "Ringside: Changed Source";
    this.#item.command = "workbench.action.debug.restart";
    this.#item.backgroundColor = new vscode.ThemeColor("statusBarItem.warningBackground");
    this.#listeners = vscode.Disposable.from(
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.#changed(document)),
      vscode.workspace.onDidOpenTextDocument((document) => this.#changed(document)),
      vscode.debug.onDidChangeActiveDebugSession(() => void this.#look()),
    );
  }

  get #active(): ReadonlyMap<string, string> | undefined {
    return this.#sources.get(vscode.debug.activeDebugSession?.id ?? "");
  }

  #changed(document: vscode.TextDocument): void {
    if (!this.#active?.has(document.uri.toString())) return;
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => void this.#look(), pause);
  }

  /** A session has gone on, or stands at its beginning, perhaps again and with another text. */
  async advanced(session: vscode.DebugSession, { now }: Events["ringside/advanced"]): Promise<void> {
    if ((this.#sources.has(session.id) && now.step > 0) || this.#asked.has(session.id)) return;
    this.#asked.add(session.id);
    try {
      const { sources }: LoadedSources = await session.customRequest("loadedSources", {});
      const known = sources.flatMap(({ path, checksums }) => {
        const checksum = checksums?.find(({ algorithm }) => algorithm === "SHA256")?.checksum;
        return path && checksum ? [[programUri(path, session.workspaceFolder).toString(), checksum] as const] : [];
      });
      this.#sources.set(session.id, new Map(known));
      await this.#look();
    } catch (error) {
      // A session that has ended meanwhile does not answer.
      if (this.#asked.has(session.id)) throw error;
    } finally {
      this.#asked.delete(session.id);
    }
  }

  ended({ id }: vscode.DebugSession): void {
    this.#asked.delete(id);
    this.#sources.delete(id);
    void this.#look();
  }

  async #look(): Promise<void> {
    const sources = this.#active;
    const stale: string[] = [];
    for (const document of vscode.workspace.textDocuments) {
      const checksum = sources?.get(document.uri.toString());
      if (checksum !== undefined && checksum !== (await sha256(document.getText())))
        stale.push(document.uri.path.split("/").pop() ?? "");
    }
    if (sources !== this.#active) return;
    this.#show(stale);
  }

  #show(stale: readonly string[]): void {
    const [first] = stale;
    if (first === undefined) {
      this.#item.hide();
      return;
    }
    const what = stale.length === 1 ? first : `${first} and ${stale.length - 1} more`;
    this.#item.text = `$(warning) ${what} changed: restart`;
    this.#item.tooltip =
      `${stale.join(", ")}: changed since the session assembled it. The session runs the text as it was: stops and breakpoints are at the lines ` +
      "that it had. Restart to run it as it is now.";
    this.#item.show();
  }

  dispose(): void {
    clearTimeout(this.#waiting);
    this.#item.dispose();
    this.#listeners.dispose();
  }
}
