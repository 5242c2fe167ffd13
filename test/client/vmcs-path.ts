import type { Frame } from "playwright-core";
import { expect } from "vitest";
import type { Workbench } from "../support/workbench.ts";
import { problemsInThemes } from "./accessibility-path.ts";

const row = (view: Frame, place: string) => view.locator(`tr[data-place='${place}']`);
const table = (kind: string) => `#view table[aria-label='Fields of the ${kind}']`;

async function toExit(workbench: Workbench, reason: string): Promise<void> {
  await workbench.exitsAfter(() => workbench.page.keyboard.press("F7"));
  await workbench.page.locator(".debug-call-stack", { hasText: `VM exit: ${reason}` }).waitFor();
}

/** A person looks at the VMCS of a guest, goes from exit to exit, and sees what each one changed, also under AMD's names. */
async function fromExitToExit(workbench: Workbench, host: string): Promise<void> {
  await workbench.debug("exits.asm", "vtx-ept");
  await workbench.command("Ringside: Show VMCS or VMCB");
  const view = await workbench.view(table("VMCS"));
  for (const reason of ["EPT_VIOLATION", "CPUID"]) await toExit(workbench, reason);
  await row(view, "4402").locator(".what", { hasText: "CPUID" }).waitFor();
  expect(await row(view, "4402").locator(".before").textContent()).toBe("was 30h");
  await row(view, "4002").click();
  await view.locator(".bits tr", { hasText: "HLT exiting" }).waitFor();
  await row(view, "401E").locator(".what", { hasText: "made 1 exit" }).waitFor();
  await workbench.screenshot(`${host}-8-vmcs`);
  await view.locator(".fold", { hasText: "Host state" }).click();
  await row(view, "6C16").waitFor();
  await view.locator("label", { hasText: "VMCB names" }).click();
  await view.locator(table("VMCB")).waitFor();
  await row(view, "070").locator(".value", { hasText: "72h" }).waitFor();
  await row(view, "00C").click();
  await view.locator(".bits tr", { hasText: "VT-x: HLT exiting (4002h, bit 7)." }).waitFor();
  await workbench.screenshot(`${host}-8-vmcs-as-vmcb`);
  await view.locator("body").press("n");
  await view.locator(table("VMCS")).waitFor();
  await workbench.exitsAfter(() => workbench.page.keyboard.press("Alt+F7"));
  await row(view, "4402").locator(".what", { hasText: "EPT_VIOLATION" }).waitFor();
  await workbench.stopDebugging();
}

/** The VMCB, and the same under Intel's names. */
async function ofAmd(workbench: Workbench, host: string): Promise<void> {
  await workbench.debug("exits.asm", "svm-npt");
  await workbench.command("Ringside: Show VMCS or VMCB");
  const view = await workbench.view(table("VMCB"));
  for (const reason of ["VMEXIT_NPF", "VMEXIT_CPUID"]) await toExit(workbench, reason);
  await row(view, "070").locator(".what", { hasText: "VMEXIT_CPUID" }).waitFor();
  await row(view, "00C").click();
  await view.locator(".bits tr", { hasText: "HLT" }).first().waitFor();
  await workbench.screenshot(`${host}-8-vmcb`);
  await view.locator("label", { hasText: "VMCS names" }).click();
  await row(view, "4402").locator(".value", { hasText: "Ah" }).waitFor();
  await workbench.screenshot(`${host}-8-vmcb-as-vmcs`);
  await view.locator("body").press("n");
  await workbench.stopDebugging();
}

/** A person gives a field a value in the debug console with which the entry of a hypervisor of the guest's own must fail. */
async function failingEntry(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await workbench.debug("hypervisor.asm", "bare-metal");
  await workbench.command("Ringside: Show VMCS or VMCB");
  await workbench.exitsAfter(() => page.keyboard.press("F7"));
  const view = await workbench.view(table("VMCS"));
  await row(view, "4402").locator(".what", { hasText: "CPUID" }).waitFor();
  await workbench.evaluate("vmcs.guest_rflags = 0");
  await page.locator(".repl .value", { hasText: "0x0000000000000000" }).first().waitFor();
  await workbench.command("Ringside: Show VMCS or VMCB");
  const shown = await workbench.view(table("VMCS"), true);
  await shown.locator(".rule-line", { hasText: "RFLAGS" }).waitFor();
  expect(await problemsInThemes(workbench, shown, `${host}-vmcs-failing`)).toEqual([]);
  for (const theme of ["Dark Modern", "Light Modern"]) {
    await workbench.chooseTheme(theme);
    await page.locator(".part.panel [aria-label^='Maximize Panel']").click();
    await shown.locator(".rule-line", { hasText: "RFLAGS" }).waitFor();
    await workbench.screenshot(`${host}-vmcs-full-${theme}`);
    await page.locator(".part.panel [aria-label^='Restore Panel']").click();
  }
  await workbench.stopDebugging();
}

export async function vmcsPath(workbench: Workbench, host: string): Promise<void> {
  await fromExitToExit(workbench, host);
  await ofAmd(workbench, host);
  await failingEntry(workbench, host);
}
