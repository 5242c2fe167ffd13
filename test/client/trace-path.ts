import { expect } from "vitest";
import { accessibilityProblems } from "../support/accessibility.ts";
import { lineIn } from "../support/examples.ts";
import { type Workbench, write } from "../support/workbench.ts";

/** A person saves a run at an exit, opens the file, and is there again in a session of its own. */
export async function tracePath(workbench: Workbench, host: string): Promise<void> {
  const file = "exits.asm";
  const cpuid = lineIn(file, /^\s+cpuid\b/);
  const { page } = workbench;
  await workbench.debug(file, "vtx-ept");
  await workbench.runTo(cpuid);
  await workbench.exitsAfter(() => page.locator(".debug-toolbar .codicon-debug-step-into").click());
  await page.locator(".debug-call-stack", { hasText: "VM exit: CPUID" }).waitFor();

  await workbench.command("Ringside: Save Trace");
  const input = page.locator(".quick-input-box input");
  await page.locator(".quick-input-title", { hasText: "Save the run up to this moment" }).waitFor();
  await write(input, "CPUID leaves the guest");
  await input.press("Enter");
  await page.locator(".quick-input-title", { hasText: "Save Trace" }).waitFor();
  await expect.poll(() => input.inputValue()).toMatch(/exits\.rstrace$/);
  await input.press("Enter");
  const notification = page.locator(".notification-toast", { hasText: "The run is saved in exits.rstrace." });
  await notification.waitFor();
  await workbench.stopDebugging();
  await notification.locator(".monaco-button", { hasText: "Open" }).click();

  const view = await workbench.view("#view .title");
  await view.locator("h1", { hasText: "CPUID leaves the guest" }).waitFor();
  expect(await view.locator(".facts").textContent()).toContain(`exits.asm:${cpuid}`);
  await view.locator("tr.moment").waitFor();
  const rows = view.locator("tbody tr[data-sequence]");
  await write(view.locator("#filter"), "cpuid exit");
  await expect.poll(() => rows.count()).toBe(1);
  await rows.first().click();
  await page.locator(".tab", { hasText: "exits.asm" }).last().waitFor();
  await view.locator(".detail", { hasText: "CPUID" }).waitFor();
  await workbench.screenshot(`${host}-20-trace`);
  expect(await accessibilityProblems(view)).toEqual([]);

  await workbench.stopsAfter(() => view.locator("button.primary", { hasText: "Debug at this moment" }).click());
  await page.locator(".debug-toolbar").waitFor();
  await page.locator(".debug-call-stack", { hasText: "VM exit: CPUID" }).waitFor();
  await workbench.stoppedAt(cpuid);
  await workbench.screenshot(`${host}-21-trace-debugged`);
  await workbench.stopsAfter(() => page.locator(".debug-toolbar .codicon-debug-step-back").click());
  await page.getByText("In the past, 1 step back").first().waitFor();
  await workbench.stopDebugging();
  await workbench.command("View: Close All Editors");
}
