import * as vscode from "vscode";
import { debugType, type Requests } from "../debug-adapter/protocol.ts";
import { fromBase64, traceEnding } from "../trace-file/index.ts";
import { programUri } from "./program-uri.ts";

/** A file beside the guest, for the dialog to begin with. */
function proposal(session: vscode.DebugSession): vscode.Uri {
  const program = programUri(session.configuration["program"], session.workspaceFolder);
  const name = (program.path.split("/").pop() ?? "run").replace(/\.\w+$/, "");
  return vscode.Uri.joinPath(program, "..", `${name}${traceEnding}`);
}

/** Saves the run of the session that is shown, up to now. */
export async function saveTrace(): Promise<void> {
  const session = vscode.debug.activeDebugSession;
  if (session?.type !== debugType) {
    void vscode.window.showInformationMessage("Start debugging a guest first (F5).");
    return;
  }
  const title = await vscode.window.showInputBox({
    title: "Save the run up to this moment",
    prompt: "Title of the trace: what is to be seen at this moment",
    value: session.name,
    ignoreFocusOut: true,
  });
  if (title === undefined) return;
  const target = await vscode.window.showSaveDialog({
    title: "Save Trace",
    defaultUri: proposal(session),
    filters: { "Ringside traces": [traceEnding.slice(1)] },
  });
  if (!target) return;
  const answer: Requests["ringside/saveTrace"]["result"] = await session.customRequest("ringside/saveTrace", { title });
  await vscode.workspace.fs.writeFile(target, fromBase64(answer.file)!);
  const open = "Open";
  const done = `The run is saved in ${target.path.split("/").pop()}.`;
  if ((await vscode.window.showInformationMessage(done, open)) === open)
    await vscode.commands.executeCommand("vscode.open", target);
}
