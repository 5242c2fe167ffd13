import { describeWorkbench } from "../support/workbench-tests.ts";
import { closedPath, editedPath, floodedPath, killedPath } from "./robustness-path.ts";

describeWorkbench("What goes wrong in VS Code in the browser", "browser", [
  ["ends a session whose adapter was killed, says so, and begins another", killedPath],
  ["shows all from the start in a view that was closed while the guest ran", closedPath],
  ["goes on while a guest floods its console, and pauses it", floodedPath],
  // The last, for it reloads the window.
  ["says that a source has changed, runs the new text after a restart, and loses nothing that was typed", editedPath],
]);
