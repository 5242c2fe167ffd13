import { expect } from "vitest";
import { type Workbench, write } from "../support/workbench.ts";

/** A person lets the guest stop at one exit, on a condition, and counts another; then goes back. */
export async function eventsPath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await workbench.debug("exits.asm", "vtx-ept");
  await workbench.command("Debug: Focus on Event Breakpoints View");
  const pane = page.locator(".pane", { has: page.locator(".pane-header", { hasText: "Event Breakpoints" }) });
  const row = (label: string) => pane.locator(".monaco-list-row", { hasText: label }).first();
  await row("VM Exits: VT-x").waitFor();
  // Only what can happen under the technique in force.
  expect(await pane.locator(".monaco-list-row", { hasText: "AMD-V" }).count()).toBe(0);

  // The tree is the last of six views, so that few of its rows are seen.
  const reach = async (label: string) => {
    await pane.locator(".monaco-list").hover();
    for (let n = 0; n < 40 && !(await row(label).isVisible()); n++) {
      await page.mouse.wheel(0, 44);
      await page.waitForTimeout(50);
    }
    return row(label);
  };
  await (await reach("Device I/O")).locator(".monaco-tl-twistie").click();
  await (await reach("UART")).locator(".custom-view-tree-node-item-checkbox").click();
  await workbench.continue();
  await page.locator(".zone-widget", { hasText: "Event breakpoint Device I/O › UART" }).waitFor();
  await workbench.screenshot(`${host}-22-event-breakpoint`);

  await workbench.command("Debug: Focus on Event Breakpoints View");
  await row("UART").click();
  await row("UART").hover();
  await row("UART")
    .locator(".action-label", { has: page.locator(":scope.codicon-debug-breakpoint-log") })
    .click();
  await page.locator(".quick-input-list .monaco-list-row", { hasText: "Count" }).click();
  await workbench.continue();
  await page.getByText("Halted").first().waitFor();
  await expect.poll(() => row("UART").textContent()).toContain("17 ×");
  await workbench.screenshot(`${host}-23-event-count`);
  await workbench.stopsAfter(() => page.locator(".debug-toolbar .codicon-debug-reverse-continue").click());
  await expect.poll(() => row("UART").textContent()).toMatch(/(^|\D)0 ×/);

  // A condition is looked at while it is typed, and counted again with it.
  const button = (icon: string) =>
    row("UART").locator(".action-label", { has: page.locator(`:scope.codicon-${icon}`) });
  await row("UART").hover();
  await button("filter").click();
  const input = page.locator(".quick-input-box input");
  await write(input, "event.value ==");
  await page.locator(".quick-input-message", { hasText: "A value is missing before the end." }).waitFor();
  await write(input, "event.value == 'C'");
  await input.press("Enter");
  await expect.poll(() => row("UART").textContent()).toContain("if event.value == 'C'");
  await workbench.continue();
  await expect.poll(() => row("UART").textContent()).toContain("2 ×");
  await workbench.command("Ringside: Uncheck All Event Breakpoints");
  await workbench.stopDebugging();
}
