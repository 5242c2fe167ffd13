import { expect } from "vitest";
import type { Workbench } from "../support/workbench.ts";

/** A person asks of an open guest how the techniques differ, and goes to the line that tells. */
export async function comparePath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  if (await page.locator(".debug-toolbar").isVisible()) await workbench.stopDebugging();
  await workbench.command("View: Show Explorer");
  await workbench.openFile("silent-lies.asm");
  await workbench.command("Ringside: Compare Techniques");
  const view = await workbench.view("#view table[aria-label='The guest under each technique']");
  const row = (technique: string) => view.locator(`tr[data-technique='${technique}']`);
  await row("svm-npt").waitFor({ timeout: 120_000 });
  expect(await row("trap-and-emulate").locator(".verdict").textContent()).toContain("the guest can tell");
  expect(await row("vtx-ept").locator(".verdict").textContent()).toContain("no difference");
  await workbench.screenshot(`${host}-7-compared`);
  await row("trap-and-emulate").locator("button").first().click();
  const line = view.locator("button.link");
  expect(await line.textContent()).toContain("sgdt [stored]");
  await line.click();
  await page.locator(".monaco-editor .view-line", { hasText: "sgdt [stored]" }).first().waitFor();
  await workbench.stopDebugging();
}
