import * as vscode from "vscode";
import { AssignmentPages } from "./assignment-page.ts";
import { CheckTests } from "./check-tests.ts";
import { type GraderPort, Grading } from "./grading.ts";
import { newLab } from "./labs.ts";

/** Assignments: their checks in the Testing view, their text with progress, and new ones from the labs that come with Ringside. */
export function registerClassroom(extension: vscode.Uri, open: () => GraderPort): vscode.Disposable[] {
  const grading = new Grading(open);
  const tests = new CheckTests(grading);
  const pages = new AssignmentPages(extension, grading, tests);
  const commands: Readonly<Record<string, (uri?: vscode.Uri) => Promise<void>>> = {
    "ringside.showAssignment": (uri) => pages.show(uri),
    "ringside.newLab": async () => {
      const uri = await newLab(extension);
      if (uri) await pages.show(uri);
    },
  };
  return [
    ...[tests, grading, pages],
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
  ];
}
