import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Workbench } from "../support/workbench.ts";

const example = readFileSync(join(import.meta.dirname, "..", "..", "examples", "hello.asm"), "utf8").split("\n");
const lineOf = (pattern: RegExp) => example.findIndex((line) => pattern.test(line)) + 1;

/** After a session its measurement stays: in the lens of the loop that prints. */
export async function measuredPath(workbench: Workbench): Promise<void> {
  const { page } = workbench;
  await workbench.debug("hello.asm");
  await workbench.runTo(lineOf(/^done:/));
  await workbench.stopDebugging();
  await workbench.goToLine(lineOf(/^print:/));
  await page.locator(".codelens-decoration", { hasText: /last run: 22 exits/ }).waitFor();
  await workbench.screenshot("browser-measured");
  await workbench.command("View: Close All Editors");
}

/** A person reads a guest: how often a label is used, and what the program becomes. */
export async function editorPath(workbench: Workbench): Promise<void> {
  const { page } = workbench;
  // The whole height, so that a label is in sight.
  await workbench.command("View: Hide Panel");
  await workbench.command("View: Show Explorer");
  await workbench.openFile("boot-sector.asm");
  await page.locator(".codelens-decoration", { hasText: "reference" }).first().waitFor();
  for (const [title, shown] of [
    ["Show Listing", /7C00\s+31C0\s+xor\s+ax,/],
    ["Show Preprocessed Source", /^%line\s/],
    ["Show Disassembly", /7C00\s+31C0\s+xor\s+ax,/],
  ] as const) {
    await page.locator(".tab[data-resource-name='boot-sector.asm']").first().click();
    await workbench.command(`Ringside: ${title}`);
    await page.locator(".monaco-editor .view-line", { hasText: shown }).first().waitFor();
  }
  await workbench.command("View: Close All Editors");
}
