import { expect } from "vitest";
import type { Workbench } from "../support/workbench.ts";

/** A person runs a machine with four VMs, sees who ran when and why, looks closer by keyboard, and goes to a decision. */
export async function schedulePath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await workbench.command("View: Show Explorer");
  await page.locator(".explorer-viewlet .monaco-list-row", { hasText: "schedule" }).first().click();
  await workbench.debug("four-guests.ringside.json");
  await workbench.command("Ringside: Show the Schedule");
  const view = await workbench.view("#view .empty .sample .fill, #view .picture canvas");
  await workbench.continue();
  await view.locator(".picture canvas").waitFor();
  await expect
    .poll(() => view.locator(".summary").textContent())
    .toMatch(/2 physical CPUs · 4 vCPUs · \d+ events · 300 ms/);
  const share = (vm: string) => view.locator("tr.vm", { hasText: vm }).locator("td.number").first().textContent();
  expect(Number.parseFloat((await share("heavy"))!)).toBeGreaterThan(80);
  expect(Number.parseFloat((await share("capped"))!)).toBeLessThan(55);
  // The view is live: the newest event is in sight.
  const rows = view.locator(".rows");
  const newest = view.locator("tr[data-sequence]").last();
  await expect
    .poll(async () => {
      const [table, row] = [await rows.boundingBox(), await newest.boundingBox()];
      return row!.y + row!.height <= table!.y + table!.height + 1;
    })
    .toBe(true);
  expect(await rows.evaluate((element) => element.scrollHeight)).toBeGreaterThan(22 * 90);
  const picture = view.locator(".picture");
  await picture.focus();
  // The second physical CPU, and along it from decision to decision.
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  for (let n = 0; n < 6; n++) await page.keyboard.press("ArrowRight");
  await expect.poll(() => view.locator(".detail").textContent()).toContain("on pCPU 1");
  await workbench.screenshot(`${host}-14-schedule`);
  await expect.poll(() => view.locator("tr.selected").isVisible()).toBe(true);
  await picture.focus();
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  await expect.poll(() => view.locator("button", { hasText: "all" }).isEnabled()).toBe(true);
  const events = async () => Number(/([\d,]+) events/.exec((await view.locator(".summary").textContent())!)![1]);
  const all = await events();
  await picture.focus();
  await page.keyboard.press("Enter");
  await expect.poll(events).toBeLessThan(all);
  await workbench.stopDebugging();
}
