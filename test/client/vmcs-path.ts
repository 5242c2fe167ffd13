import { expect } from "vitest";
import type { Workbench } from "../support/workbench.ts";

/** A person looks at the VMCS of a guest, goes from exit to exit, and sees what each one changed. */
export async function vmcsPath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await workbench.debug("exits.asm", "vtx-ept");
  await workbench.command("Ringside: Show VMCS or VMCB");
  const view = await workbench.view("#view table[aria-label='Fields of the VMCS']");
  const row = (place: string) => view.locator(`tr[data-place='${place}']`);
  for (const reason of ["EPT_VIOLATION", "CPUID"]) {
    await workbench.command("Ringside: On to the Next VM Exit");
    await page.locator(".debug-call-stack", { hasText: `VM exit: ${reason}` }).waitFor();
  }
  await row("4402").locator(".what", { hasText: "CPUID" }).waitFor();
  expect(await row("4402").locator(".before").textContent()).toBe("was 30h");
  await row("4002").click();
  await view.locator(".bits tr", { hasText: "HLT exiting" }).waitFor();
  await workbench.screenshot(`${host}-8-vmcs`);
  await workbench.command("Ringside: Back to the Previous VM Exit");
  await row("4402").locator(".what", { hasText: "EPT_VIOLATION" }).waitFor();
  await workbench.stopDebugging();
}
