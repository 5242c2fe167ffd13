import { describeWorkbench } from "../support/workbench-tests.ts";
import { killedPath } from "./robustness-path.ts";

describeWorkbench("What goes wrong in VS Code in the browser", "browser", [
  ["ends a session whose adapter was killed, says so, and begins another", killedPath],
]);
