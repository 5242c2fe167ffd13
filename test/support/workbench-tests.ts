import { afterAll, afterEach, beforeEach, describe, it } from "vitest";
import { chromiumPath, type Opening, Workbench } from "./workbench.ts";

/** What a test does, and how; `host` begins the names of its screenshots. */
type WorkbenchTest = readonly [does: string, path: (workbench: Workbench, host: string) => Promise<void>];

/** Against hangs only: a machine that is busy with other work takes its time. */
const limit = 400_000;

/**
 * Tests that share one workbench, one after the other. Of one that fails a screenshot stays, and the next begins in a new workbench:
 * a test that was given up goes on pressing keys until its page is gone.
 */
export function describeWorkbench(
  title: string,
  host: string,
  tests: readonly WorkbenchTest[],
  opening: Opening = {},
): void {
  if (!chromiumPath) console.log(`skipped: ${title} (Debian's chromium is not installed)`);
  describe.skipIf(!chromiumPath)(title, () => {
    let workbench: Workbench | undefined;
    const close = async () => {
      const closing = workbench;
      workbench = undefined;
      await closing?.close();
    };
    beforeEach(async () => {
      workbench ??= await Workbench.open(opening);
    }, limit);
    afterEach(async ({ task }) => {
      if (task.result?.state !== "fail" || !workbench) return;
      await workbench.tellFailure(task.name).finally(close);
    }, limit);
    afterAll(close, limit);
    for (const [does, path] of tests) it(does, () => path(workbench as Workbench, host), limit);
  });
}
