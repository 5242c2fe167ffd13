import * as vscode from "vscode";
import { debugType } from "../../debug-adapter/protocol.ts";
import type { CheckResult, Task } from "../../grader/worker-protocol.ts";
import { type AssignmentFolder, fileOf } from "./assignment-folder.ts";
import type { Grading } from "./grading.ts";

/** The end of the names of traces that are there for one session. */
const traceEnding = ".rstrace";

/** Removes a file when the session that uses it is over. */
function removeAfter(name: string, uri: vscode.Uri): vscode.Disposable {
  const ended = vscode.debug.onDidTerminateDebugSession((session) => {
    if (session.name !== name) return;
    ended.dispose();
    void vscode.workspace.fs.delete(uri);
  });
  return ended;
}

/**
 * Debugs at the moment that decided a check: a trace of the run, beside the sources so that these are the ones shown. Where no moment
 * decided it, from the start.
 */
export async function debugCheck(
  grading: Grading,
  folder: AssignmentFolder,
  task: Task,
  check: CheckResult,
): Promise<void> {
  const [first = ""] = folder.assignment.files;
  const source = await fileOf(folder, first);
  const common = { type: debugType, request: "launch", name: `Check: ${check.title}` };
  const workspace = vscode.workspace.getWorkspaceFolder(folder.uri);
  const trace = check.moment && !check.hidden ? await grading.ask("trace", { ...task, check }) : undefined;
  if (!trace) {
    const { technique, program = first } = folder.assignment;
    const uri = program === first ? source : await fileOf(folder, program);
    await vscode.debug.startDebugging(workspace, {
      ...common,
      program: uri.toString(),
      ...(technique && { technique }),
    });
    return;
  }
  // A name that no file of a person's has.
  const uri = vscode.Uri.joinPath(source, "..", `.check-${check.id}${traceEnding}`);
  await vscode.workspace.fs.writeFile(uri, trace);
  const removal = removeAfter(common.name, uri);
  if (await vscode.debug.startDebugging(workspace, { ...common, program: uri.toString() })) return;
  removal.dispose();
  await vscode.workspace.fs.delete(uri);
}
