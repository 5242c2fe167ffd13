import { expect } from "vitest";
import { type Workbench, write } from "../support/workbench.ts";
import { eventRows } from "./event-rows.ts";

/** A person lets the guest stop at one exit, on a condition, and counts another; then goes back. */
export async function eventsPath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await workbench.debug("exits.asm", "vtx-ept");
  const { pane, row, reach, open, check } = await eventRows(workbench);
  await (await reach("VM Exits: VT-x")).waitFor();
  // Only what can happen under the technique in force.
  expect(await pane.locator(".monaco-list-row", { hasText: "AMD-V" }).count()).toBe(0);

  await open("Device I/O");
  await check("UART");
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
