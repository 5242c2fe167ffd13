import { expect } from "vitest";
import { lineIn } from "../support/examples.ts";
import type { Workbench } from "../support/workbench.ts";

/** A person types into the guest's serial port, sees the interrupt where it is, and what the guest makes of it; then goes back. */
export async function devicesPath(workbench: Workbench, host: string): Promise<void> {
  const file = "serial-echo.asm";
  const { page } = workbench;
  await workbench.debug(file, "vtx-ept");
  await workbench.command("Ringside: Show Devices and Console");
  const view = await workbench.view("#view .terminal .xterm-screen");
  const cell = (aspect: string, irq: number) =>
    view
      .locator("table[aria-label^='8259A'] tr", { has: view.locator("th", { hasText: aspect }) })
      .locator("td")
      .nth(irq)
      .textContent();
  const shown = () => view.locator(".xterm-rows").textContent();
  await workbench.runTo(lineIn(file, /^\s+sti/));
  await expect.poll(shown).toContain("type>");
  await expect.poll(() => cell("masked", 4)).toBe("·");
  await view.locator(".xterm-screen").click();
  await page.keyboard.type("hi");
  await expect.poll(() => cell("requested", 4)).toBe("●");
  await workbench.runTo(lineIn(file, /^typed:/));
  await expect.poll(() => cell("in service", 4)).toBe("●");
  expect(await cell("requested", 4)).toBe("·");
  await workbench.screenshot(`${host}-13-devices`);
  await view.locator("summary", { hasText: "16550A" }).click();
  await expect.poll(() => view.locator("tr", { hasText: "IER" }).textContent()).toContain("received data");
  await workbench.stopsAfter(() => page.locator(".debug-toolbar .codicon-debug-step-back").click());
  await expect.poll(() => cell("in service", 4)).toBe("·");
  await workbench.stopDebugging();
}
