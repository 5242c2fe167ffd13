import { describeWorkbench } from "../support/workbench-tests.ts";
import {
  closedPath,
  editedPath,
  emptyPath,
  eventsKeptPath,
  floodedPath,
  killedPath,
  unsavedPath,
} from "./robustness-path.ts";

describeWorkbench("What goes wrong in VS Code in the browser", "browser", [
  ["ends a session whose adapter was killed, says so, and begins another", killedPath],
  ["has the event breakpoints that are checked in a session after one whose adapter was killed", eventsKeptPath],
  ["shows all from the start in a view that was closed while the guest ran", closedPath],
  ["goes on while a guest floods its console, and pauses it", floodedPath],
  // The last, for it reloads the window.
  ["says that a source has changed, runs the new text after a restart, and loses nothing that was typed", editedPath],
]);

describeWorkbench(
  "VS Code in the browser that does not save by itself",
  "browser",
  [["has what was typed after the window was loaded again", unsavedPath]],
  { settings: { "files.autoSave": "off" } },
);

describeWorkbench(
  "VS Code in the browser with an empty folder",
  "browser",
  [["offers a sample where there is nothing yet", emptyPath]],
  { isEmpty: true },
);
