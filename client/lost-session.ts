import * as vscode from "vscode";

const again = "Debug Again";

/** Says that a session has ended although nobody asked for that, what is left of it, and what to do. */
export async function tellLost({ name, workspaceFolder, configuration }: vscode.DebugSession): Promise<void> {
  const chosen = await vscode.window.showErrorMessage(
    `The session "${name}" has ended: its debug adapter was ended from outside, or ran out of memory. ` +
      "Breakpoints are kept, and what the guest has printed is in the debug console. The run itself is gone, and can no longer be saved as a trace.",
    again,
  );
  if (chosen === again) await vscode.debug.startDebugging(workspaceFolder, configuration);
}
