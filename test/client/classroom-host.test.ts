import { afterAll, afterEach, beforeAll, describe, it } from "vitest";
import { chromiumPath, Workbench } from "../support/workbench.ts";
import { classroomPath } from "./classroom-path.ts";

if (!chromiumPath) console.log("skipped: the classroom in the browser (Debian's chromium is not installed)");

describe.skipIf(!chromiumPath)("A lab in VS Code in the browser", () => {
  let workbench: Workbench;
  beforeAll(async () => {
    workbench = await Workbench.open();
  }, 120_000);
  afterEach(({ task }) => (task.result?.state === "fail" ? workbench.screenshot("classroom-failed") : undefined));
  afterAll(() => workbench?.close());

  it("is begun from a template, fails, is solved, and gets all points", async () => {
    await classroomPath(workbench, "browser");
  }, 180_000);
});
