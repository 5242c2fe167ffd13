import { afterAll, afterEach, beforeAll, describe, it } from "vitest";
import { chromiumPath, Workbench } from "../support/workbench.ts";
import { comparePath } from "./compare-path.ts";
import { editorPath, measuredPath } from "./editor-path.ts";
import { firstPath } from "./first-path.ts";
import { startPath } from "./start-path.ts";

if (!chromiumPath) console.log("skipped: VS Code in the browser (Debian's chromium is not installed)");

describe.skipIf(!chromiumPath)("VS Code in the browser", () => {
  let workbench: Workbench;
  beforeAll(async () => {
    workbench = await Workbench.open();
  }, 120_000);
  afterEach(({ task }) => (task.result?.state === "fail" ? workbench.screenshot("browser-failed") : undefined));
  afterAll(() => workbench?.close());

  it("takes the first path: diagnostics, breakpoint, step over an exit, step back", async () => {
    await firstPath(workbench, "browser");
  }, 180_000);

  it("leads who has nothing yet from the walkthrough to a first exit, through it and back", startPath, 180_000);

  it("compares the techniques: the line at which trap and emulate shows, and where the cycles go", async () => {
    await comparePath(workbench, "browser");
  }, 180_000);

  it("shows how often labels are used, and what a program becomes", async () => {
    await editorPath(workbench);
  }, 180_000);

  it("shows what a session has measured beside what was predicted", async () => {
    await measuredPath(workbench);
  }, 180_000);
});
