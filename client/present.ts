import * as vscode from "vscode";
import type { Call, Events } from "../debug-adapter/protocol.ts";

const steps = (count: number): string => `${count.toLocaleString("en")} step${count === 1 ? "" : "s"}`;

/** Says in the status bar that the guest is in its past, leads back to the present, and asks before a change there. */
export class PresentItem implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem("ringside.past", vscode.StatusBarAlignment.Left, -1);
  /** How far in the past each session is, in steps. */
  readonly #past = new Map<string, number>();
  readonly #active = vscode.debug.onDidChangeActiveDebugSession(() => this.#show());

  constructor() {
    this.#item.name = "Ringside: the guest is in its past";
    this.#item.command = "ringside.toPresent";
    this.#item.backgroundColor = new vscode.ThemeColor("statusBarItem.warningBackground");
  }

  advanced({ id }: vscode.DebugSession, { past = 0 }: Events["ringside/advanced"]): void {
    this.#past.set(id, past);
    this.#show();
  }

  ended({ id }: vscode.DebugSession): void {
    this.#past.delete(id);
    this.#show();
  }

  /** Asks whether a change may be made in the past, and tells the adapter. */
  async branching(session: vscode.DebugSession, { steps: lost }: Events["ringside/branching"]): Promise<void> {
    const change = "Change and Forget";
    const answer = await vscode.window.showWarningMessage(
      "Change the guest in its past?",
      {
        modal: true,
        detail: `A new branch begins here: the ${steps(lost)} that had been taken after this moment are forgotten, with all that they recorded.`,
      },
      change,
    );
    const request: Call = (name, args) => Promise.resolve(session.customRequest(name, args));
    await request("ringside/branch", { begin: answer === change });
  }

  #show(): void {
    const past = this.#past.get(vscode.debug.activeDebugSession?.id ?? "") ?? 0;
    void vscode.commands.executeCommand("setContext", "ringside.inPast", past > 0);
    if (past === 0) {
      this.#item.hide();
      return;
    }
    this.#item.text = `$(history) In the past: ${steps(past)} back`;
    this.#item.tooltip = `The guest has been ${steps(past)} further. Going on from here, the same happens again; a change begins a new branch. Click to return to the present.`;
    this.#item.show();
  }

  dispose(): void {
    this.#item.dispose();
    this.#active.dispose();
  }
}
