import { describeWorkbench } from "../support/workbench-tests.ts";
import { comparePath } from "./compare-path.ts";
import { editorPath, measuredPath } from "./editor-path.ts";
import { firstPath } from "./first-path.ts";
import { startPath } from "./start-path.ts";

describeWorkbench("VS Code in the browser", "browser", [
  ["takes the first path: diagnostics, breakpoint, step over an exit, step back", firstPath],
  ["leads who has nothing yet from the walkthrough to a first exit, through it and back", startPath],
  ["compares the techniques: the line at which trap and emulate shows, and where the cycles go", comparePath],
  ["shows how often labels are used, and what a program becomes", editorPath],
  ["shows what a session has measured beside what was predicted", measuredPath],
]);
