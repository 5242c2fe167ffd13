import { expect } from "vitest";
import { lineIn } from "../support/examples.ts";
import { attempts, patience, type Workbench, write } from "../support/workbench.ts";

const file = "exits.asm";
const lineOf = (pattern: RegExp): number => lineIn(file, pattern);
const [hlt, rdmsr, print] = [lineOf(/^\s+hlt/), lineOf(/^\s+rdmsr/), lineOf(/^print:/)];

/** What the status bar says of the past; empty in the present. */
const past = async ({ page }: Workbench): Promise<string> => {
  const items = page.locator(".statusbar-item", { hasText: "In the past" });
  return (await items.evaluateAll((found) => found.map(({ textContent }) => textContent))).join();
};

/** Answers the lists and fields that a command opens one after the other. */
async function answer({ page }: Workbench, ...answers: readonly string[]): Promise<void> {
  const input = page.locator(".quick-input-box input");
  for (const [n, text] of answers.entries()) {
    if (n > 0) await page.locator(".quick-input-title", { hasText: /Go to (instruction|event|cycle)/ }).waitFor();
    await write(input, text);
    if (n === answers.length - 1) await input.press("Enter");
    else await page.locator(".quick-input-list .monaco-list-row", { hasText: text }).first().click();
  }
}

/** From the guest's end back by each key, and to the present again. */
async function byKeys(workbench: Workbench): Promise<void> {
  const { page } = workbench;
  const press = (key: string) => workbench.stopsAfter(() => page.keyboard.press(key));
  await press("Alt+F10");
  await workbench.stoppedAt(hlt);
  await expect.poll(() => past(workbench)).toMatch(/In the past: \d+ steps? back/);
  await press("Alt+F11");
  await workbench.stoppedAt(lineOf(/^\.end:/));
  await press("Shift+Alt+F11");
  await workbench.stoppedAt(hlt - 1);
  await workbench.goToLine(rdmsr);
  await press("Alt+F9");
  await workbench.stoppedAt(rdmsr);
  const exit = (key: string) => workbench.exitsAfter(() => page.keyboard.press(key));
  await exit("F7");
  await page.locator(".debug-call-stack", { hasText: "VM exit: RDMSR" }).waitFor();
  await exit("Alt+F7");
  await page.locator(".debug-call-stack", { hasText: "VM exit: IO_INSTRUCTION" }).waitFor();
  await press("Alt+F5");
  await workbench.stoppedAt(lineOf(/^start:/));
  await press("Shift+Alt+F5");
  await page.getByText("Halted", { exact: true }).first().waitFor();
  await expect.poll(() => past(workbench)).toBe("");
}

/** To the last write of a register and of memory, and to a moment that is counted. */
async function byQuestions(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await page.locator(".debug-view-content .monaco-list-row", { hasText: "EDX" }).first().click({ button: "right" });
  const item = page.locator(".context-view .action-label", { hasText: "Go to the Last Write of" });
  await item.waitFor();
  await workbench.screenshot(`${host}-40-last-write-menu`);
  await workbench.choose("Go to the Last Write of");
  await workbench.stoppedAt(print);
  await workbench.command("Ringside: Go to the Last Write of");
  await answer(workbench, "dword [esp]");
  // The call from which EDX got the value that it kept to the end.
  await workbench.stoppedAt(lineOf(/^\s+mov esi, text\.msr/) + 1);
  await workbench.screenshot(`${host}-41-in-the-past`);
  await workbench.command("Ringside: Go to a Moment");
  await answer(workbench, "Instruction", "2");
  await workbench.stoppedAt(lineOf(/^\s+cpuid\b/));
}

/** A change in the past is asked about first; then the future is another. */
async function branching(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  const dialog = page.locator(".monaco-dialog-box");
  const type = async () => {
    await page.locator(".debug-view-content .monaco-list-row", { hasText: "EAX" }).first().dblclick();
    await write(page.locator(".debug-view-content .monaco-inputbox input"), "7", { timeout: patience });
    await page.locator(".debug-view-content .monaco-inputbox input").press("Enter");
    await dialog.waitFor({ timeout: patience });
  };
  const change = async (button: string) => {
    // A stop of which the variables come only now closes the field.
    await attempts(type);
    await workbench.screenshot(`${host}-42-branching`);
    await dialog.locator(".monaco-button", { hasText: button }).click();
    await dialog.waitFor({ state: "hidden" });
  };
  await change("Cancel");
  expect(await past(workbench)).not.toBe("");
  await change("Change and Forget");
  await expect.poll(() => past(workbench)).toBe("");
  await page
    .locator(".debug-view-content .monaco-list-row", { hasText: /EAX =\s*0x00000007/ })
    .first()
    .waitFor();
}

/** From a triple fault by the buttons of the toolbar to the instruction before, and from exit to exit. */
async function fromTripleFault(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  const click = (icon: string) => page.locator(`.debug-toolbar .codicon-${icon}`).first().click();
  await workbench.openFolder("faults");
  await workbench.debug("triple-fault.asm", "vtx-ept");
  await workbench.continue();
  await page.getByText("Triple fault", { exact: true }).first().waitFor();
  await workbench.screenshot(`${host}-43-triple-fault`);
  await workbench.stopsAfter(() => click("debug-step-back"));
  await workbench.stoppedAt(lineIn("faults/triple-fault.asm", /^\s+ud2/));
  for (const [icon, reason] of [
    ["arrow-circle-right", "EPT_VIOLATION"],
    ["arrow-circle-right", "TRIPLE_FAULT"],
    ["arrow-circle-left", "EPT_VIOLATION"],
  ] as const) {
    await workbench.exitsAfter(() => click(icon));
    await page.locator(".debug-call-stack", { hasText: `VM exit: ${reason}` }).waitFor();
  }
  await workbench.exitsAfter(() => click("history"));
  await page.getByText("Triple fault", { exact: true }).first().waitFor();
  await expect.poll(() => past(workbench)).toBe("");
  await workbench.stopDebugging();
}

/** A person goes back in time by keys, buttons, menus and questions, changes the past, and goes back from a triple fault. */
export async function timePath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await workbench.debug(file, "vtx-ept");
  await workbench.continue();
  await page.getByText("Halted", { exact: true }).first().waitFor();
  await byKeys(workbench);
  await byQuestions(workbench, host);
  await branching(workbench, host);
  await workbench.stopDebugging();
  await fromTripleFault(workbench, host);
}
