import { describeWorkbench } from "../support/workbench-tests.ts";
import { accessibilityPath } from "./accessibility-path.ts";
import { cachePath } from "./cache-path.ts";
import { cursorPath } from "./cursor-path.ts";
import { devicesPath } from "./devices-path.ts";
import { eventsPath } from "./events-path.ts";
import { hypercallsPath } from "./hypercalls-path.ts";
import { keyboardPath } from "./keyboard-path.ts";
import { ringsPath } from "./rings-path.ts";
import { migrationPath, schedulePath } from "./schedule-path.ts";
import { timePath } from "./time-path.ts";
import { tracePath } from "./trace-path.ts";
import { translationPath } from "./translation-path.ts";
import { vmcsPath } from "./vmcs-path.ts";

describeWorkbench("Views in VS Code in the browser", "browser", [
  ["shows the VMCS, and what each exit changes in it", vmcsPath],
  ["shows the translation of an address, reference by reference, and beside its shadow", translationPath],
  ["shows the translation cache: units, their code, and how they are chained", cachePath],
  ["shows hypercalls by name over time, with arguments, results and refusals", hypercallsPath],
  ["shows in which ring a guest is, and in which one it thinks it is", ringsPath],
  ["shows who runs on which physical CPU, and why", schedulePath],
  ["marks where a vCPU goes on on another physical CPU", migrationPath],
  ["shows a serial terminal to type into, and where the interrupt of what is typed is", devicesPath],
  ["stops at events that are checked in a tree, and counts others", eventsPath],
  ["shares a time cursor between views, and tells what a view is about", cursorPath],
  ["goes back in time by keys, buttons and questions, and asks before the past is changed", timePath],
  ["is accessible in every view and theme", accessibilityPath],
  ["leads by keys to the field of each view and to the page that teaches it", keyboardPath],
  // The last, for it leaves a file.
  ["saves a run as a trace, and opens it at its moment", tracePath],
]);
