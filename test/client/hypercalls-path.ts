import { expect } from "vitest";
import type { Workbench } from "../support/workbench.ts";

/** A person looks at what a paravirtual guest asks of Xen, sees why it was refused, and goes back to that moment. */
export async function hypercallsPath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await workbench.debug("xen-pagetable.asm", "paravirtualization");
  await workbench.command("Ringside: Show Hypercalls");
  const view = await workbench.view("#view .empty .sample .dot.red, #view table[aria-label='Hypercalls']");
  await page.locator(".debug-toolbar .codicon-debug-continue").click();
  const refused = view.locator("tr[data-sequence]", { has: view.locator("td.refused") });
  await refused.first().waitFor();
  const all = await view.locator("tr[data-sequence]").count();
  await view.getByText("refused only").click();
  await refused.first().waitFor();
  expect(await refused.count()).toBe(await view.locator("tr[data-sequence]").count());
  await view.getByText("refused only").click();
  await refused.first().click();
  await page.locator(".debug-call-stack .stack-frame", { hasText: "xen-pagetable.asm" }).first().waitFor();
  await expect.poll(() => view.locator("tr[data-sequence]").count()).toBeLessThan(all);
  await page.locator(".debug-toolbar .codicon-debug-continue").click();
  await expect.poll(() => view.locator("tr[data-sequence]").count()).toBe(all);
  await view.locator(".rows[role='application']").focus();
  await page.keyboard.press("Home");
  for (let n = 0; n < 3; n++) await page.keyboard.press("ArrowDown");
  await view.locator(".call .exchange").waitFor();
  await workbench.screenshot(`${host}-11-hypercalls`);
  await workbench.stopDebugging();
}
