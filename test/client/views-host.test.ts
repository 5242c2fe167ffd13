import { afterAll, afterEach, beforeAll, describe, it } from "vitest";
import { chromiumPath, Workbench } from "../support/workbench.ts";
import { accessibilityPath } from "./accessibility-path.ts";
import { cachePath } from "./cache-path.ts";
import { cursorPath } from "./cursor-path.ts";
import { devicesPath } from "./devices-path.ts";
import { eventsPath } from "./events-path.ts";
import { hypercallsPath } from "./hypercalls-path.ts";
import { ringsPath } from "./rings-path.ts";
import { schedulePath } from "./schedule-path.ts";
import { tracePath } from "./trace-path.ts";
import { translationPath } from "./translation-path.ts";
import { vmcsPath } from "./vmcs-path.ts";

if (!chromiumPath) console.log("skipped: views in the browser (Debian's chromium is not installed)");

describe.skipIf(!chromiumPath)("Views in VS Code in the browser", () => {
  let workbench: Workbench;
  beforeAll(async () => {
    workbench = await Workbench.open();
  }, 120_000);
  afterEach(({ task }) => (task.result?.state === "fail" ? workbench.screenshot("views-failed") : undefined));
  afterAll(() => workbench?.close());

  it("shows the VMCS, and what each exit changes in it", async () => {
    await vmcsPath(workbench, "browser");
  }, 180_000);

  it("shows the translation of an address, reference by reference, and beside its shadow", async () => {
    await translationPath(workbench, "browser");
  }, 180_000);

  it("shows the translation cache: units, their code, and how they are chained", async () => {
    await cachePath(workbench, "browser");
  }, 180_000);

  it("shows hypercalls by name over time, with arguments, results and refusals", async () => {
    await hypercallsPath(workbench, "browser");
  }, 180_000);

  it("shows in which ring a guest is, and in which one it thinks it is", async () => {
    await ringsPath(workbench, "browser");
  }, 180_000);

  it("shows who runs on which physical CPU, and why", async () => {
    await schedulePath(workbench, "browser");
  }, 180_000);

  it("shows a serial terminal to type into, and where the interrupt of what is typed is", async () => {
    await devicesPath(workbench, "browser");
  }, 180_000);

  it("stops at events that are checked in a tree, and counts others", async () => {
    await eventsPath(workbench, "browser");
  }, 180_000);

  it("shares a time cursor between views, and tells what a view is about", async () => {
    await cursorPath(workbench, "browser");
  }, 180_000);

  it("is accessible in every view and theme", async () => {
    await accessibilityPath(workbench, "browser");
  }, 400_000);

  // The last, for it leaves a file.
  it("saves a run as a trace, and opens it at its moment", async () => {
    await tracePath(workbench, "browser");
  }, 180_000);
});
