import type { Locator } from "playwright-core";
import { expect } from "vitest";
import type { Workbench } from "../support/workbench.ts";

/** The tree of event breakpoints in the debug side bar. */
export interface EventRows {
  readonly pane: Locator;
  readonly row: (label: string) => Locator;
  /** The same, brought into sight. */
  readonly reach: (label: string) => Promise<Locator>;
  /** Waits in a session until the tree says what never happens there: a click while it is made anew would be lost. */
  readonly open: (folder: string) => Promise<void>;
  readonly check: (label: string) => Promise<void>;
  readonly uncheck: (label: string) => Promise<void>;
}

/** Shows the tree. It is the last of six views there, so that few of its rows are seen. */
export async function eventRows(workbench: Workbench): Promise<EventRows> {
  const { page } = workbench;
  await workbench.command("Debug: Focus on Event Breakpoints View");
  const pane = page.locator(".pane", { has: page.locator(".pane-header", { hasText: "Event Breakpoints" }) });
  const row = (label: string) => pane.locator(".monaco-list-row", { hasText: label }).first();
  const list = pane.locator(".monaco-list").first();
  const painted = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
  const reach = async (label: string) => {
    for (let n = 0; n < 200 && !(await row(label).isVisible()); n++) {
      await list.focus();
      await page.keyboard.press(n === 0 ? "Home" : "PageDown");
      await painted();
      await painted();
    }
    return row(label);
  };
  const mark = async (label: string, checked: boolean) => {
    for (let attempt = 1; ; attempt++) {
      try {
        const box = (await reach(label)).locator(".custom-view-tree-node-item-checkbox");
        const isMarked = (await box.getAttribute("aria-checked")) === `${checked}`;
        if (!isMarked) await box.click();
        await row(label)
          .locator(`.custom-view-tree-node-item-checkbox[aria-checked=${checked}]`)
          .waitFor({ timeout: 20_000 });
        return;
      } catch (error) {
        // The tree is made anew when more is known of the session: a click may come just then.
        if (attempt === 3) throw error;
      }
    }
  };
  return {
    pane,
    row,
    reach,
    open: async (folder) => {
      await (await reach(folder)).locator(".monaco-tl-twistie").click();
      if (await page.locator(".debug-toolbar").isVisible())
        await expect.poll(async () => (await reach("never here")).count(), { timeout: 60_000 }).toBeGreaterThan(0);
    },
    check: (label) => mark(label, true),
    uncheck: (label) => mark(label, false),
  };
}
