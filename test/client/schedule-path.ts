import { expect } from "vitest";
import type { Workbench } from "../support/workbench.ts";
import { eventRows } from "./event-rows.ts";

/** A person runs a machine with four VMs, sees who ran when and why, looks closer by keyboard, and goes to a decision. */
export async function schedulePath(workbench: Workbench, host: string): Promise<void> {
  await workbench.openFolder("schedule");
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
  // The second physical CPU, and along it from decision to decision.
  await picture.press("ArrowDown");
  await picture.press("ArrowDown");
  for (let n = 0; n < 6; n++) await picture.press("ArrowRight");
  await expect.poll(() => view.locator(".detail").textContent()).toContain("on pCPU 1");
  await workbench.screenshot(`${host}-14-schedule`);
  await expect.poll(() => view.locator("tr.selected").isVisible()).toBe(true);
  await picture.press("+");
  await picture.press("+");
  await expect.poll(() => view.locator("button", { hasText: "all" }).isEnabled()).toBe(true);
  const events = async () => Number(/([\d,]+) events/.exec((await view.locator(".summary").textContent())!)![1]);
  const all = await events();
  await picture.press("Enter");
  await expect.poll(events).toBeLessThan(all);
  await workbench.stopDebugging();
}

/** Where a vCPU goes on on another physical CPU there is a mark on its lane, and the decision says where it was before. */
export async function migrationPath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await workbench.openFolder("schedule");
  await workbench.debug("ticket-lock-pause-loop.ringside.json");
  const { open, check } = await eventRows(workbench);
  await open("Scheduling");
  await check("migrate");
  await workbench.command("Ringside: Show the Schedule");
  const view = await workbench.view("#view .empty .sample .fill, #view .picture canvas");
  // VS Code looks at no frame where none has a source, as that of a processor which starts: the view tells of the stops.
  const summary = view.locator(".summary");
  for (let stop = 1; stop <= 4; stop++) {
    const before = (await summary.count()) === 0 ? "" : await summary.textContent();
    await page.locator(".debug-toolbar .codicon-debug-continue").click();
    await expect
      .poll(async () => (await summary.count()) > 0 && (await summary.textContent()), { timeout: 60_000 })
      .not.toBe(before || false);
    await page.locator(".debug-toolbar .codicon-debug-continue").waitFor();
  }
  await view.locator(".picture canvas").waitFor();
  await expect.poll(() => view.locator(".summary").textContent()).toMatch(/2 physical CPUs · 4 vCPUs/);
  const moved = view.locator("tr[data-sequence]", { hasText: "migrated from pCPU" }).last();
  await moved.click();
  await expect.poll(() => view.locator(".detail").textContent()).toContain("migrated from pCPU");
  for (const [theme, look] of [
    ["Light Modern", "vscode-light"],
    ["Dark Modern", "vscode-dark"],
  ] as const) {
    await workbench.chooseTheme(theme);
    await view.locator(`body.${look}`).waitFor();
    await workbench.screenshot(`${host}-14-migration-${look}`);
  }
  await workbench.command("Ringside: Uncheck All Event Breakpoints");
  await workbench.stopDebugging();
}
