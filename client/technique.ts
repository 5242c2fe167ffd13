import * as vscode from "vscode";
import { defaultTechnique, type TechniqueId, techniqueById, techniques } from "../isa/technique.ts";
import type { TechniqueInForce } from "../server/protocol.ts";
import { guestDocument, guestInEditor } from "./guest-in-editor.ts";

/** Which technique applies to which document: chosen in the status bar, said by the source, or set. */
export class Techniques implements vscode.Disposable {
  readonly #chosen = new Map<string, TechniqueId>();
  readonly #inForce = new Map<string, TechniqueInForce>();
  readonly #item = vscode.window.createStatusBarItem("ringside.technique", vscode.StatusBarAlignment.Right, 90);
  readonly #editors: vscode.Disposable;
  readonly #tellServer: (uri: string, technique: TechniqueId | undefined) => void;

  constructor(tellServer: (uri: string, technique: TechniqueId | undefined) => void) {
    this.#tellServer = tellServer;
    this.#item.name = "Ringside: virtualization technique";
    this.#item.command = "ringside.chooseTechnique";
    this.#editors = vscode.window.onDidChangeActiveTextEditor(() => this.#show());
    this.#show();
  }

  /** The status-bar choice for a document, if one was made. */
  chosen(uri: vscode.Uri): TechniqueId | undefined {
    return this.#chosen.get(uri.toString());
  }

  /** The setting, for documents that say nothing themselves. */
  fallback(uri: vscode.Uri): TechniqueId | undefined {
    return vscode.workspace.getConfiguration("ringside", uri).get<TechniqueId | null>("technique") ?? undefined;
  }

  /** What applies to a document, as far as that is known. */
  of(uri: vscode.Uri): TechniqueId {
    return this.#inForce.get(uri.toString())?.technique ?? this.fallback(uri) ?? defaultTechnique;
  }

  /** What the language server says now applies to a document. */
  nowInForce(said: TechniqueInForce): void {
    this.#inForce.set(said.uri, said);
    this.#show();
  }

  async choose(): Promise<void> {
    const uri = guestInEditor();
    if (!uri) {
      void vscode.window.showInformationMessage("Open a guest (an .asm file) first.");
      return;
    }
    const inForce = this.#inForce.get(uri.toString());
    const picked = await vscode.window.showQuickPick(
      techniques.map((t) => ({
        id: t.id,
        label: t.title,
        description: [t.id, ...(t.id === inForce?.technique ? ["(now)"] : [])].join(" "),
        detail: t.doc,
      })),
      {
        title: "How is this guest virtualized?",
        placeHolder: "Decides what F5 runs and which instructions are flagged",
        matchOnDescription: true,
      },
    );
    if (!picked) return;
    this.#chosen.set(uri.toString(), picked.id);
    this.#tellServer(uri.toString(), picked.id);
  }

  #show(): void {
    const document = guestDocument();
    if (document?.languageId !== "ringside") {
      this.#item.hide();
      return;
    }
    const inForce = this.#inForce.get(document.uri.toString());
    const id = this.of(document.uri);
    const technique = techniqueById(id);
    this.#item.text = `$(circuit-board) ${technique?.title ?? id}`;
    this.#item.tooltip = `${technique?.doc ?? id}\n${inForce?.from ?? ""}. Click to choose another for this file.`;
    this.#item.show();
  }

  dispose(): void {
    this.#item.dispose();
    this.#editors.dispose();
  }
}
