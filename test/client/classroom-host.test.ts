import { describeWorkbench } from "../support/workbench-tests.ts";
import { classroomPath } from "./classroom-path.ts";

describeWorkbench("A lab in VS Code in the browser", "browser", [
  ["is begun from a template, fails, is solved, and gets all points", classroomPath],
]);
