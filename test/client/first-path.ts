import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Workbench } from "../support/workbench.ts";

const source = readFileSync(join(import.meta.dirname, "..", "..", "examples", "exits.asm"), "utf8").split("\n");

/** 1-based line of the first match. */
const lineOf = (pattern: RegExp) => source.findIndex((line) => pattern.test(line)) + 1;
const cpuid = lineOf(/^\s+cpuid\b/);
const start = lineOf(/^start:/);

/**
 * The first complete path, as a person takes it: open a guest, see what breaks virtualization, run to a breakpoint,
 * step over a CPUID, see its exit, step back, see it gone. The same in every host.
 */
export async function firstPath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await workbench.openFile("exits.asm");
  await page.locator(".squiggly-info, .squiggly-warning").first().waitFor();
  await workbench.screenshot(`${host}-1-diagnostics`);
  await workbench.chooseTechnique("vtx-ept");
  await page.locator(".squiggly-info, .squiggly-warning").first().waitFor({ state: "detached" });

  await workbench.goToLine(cpuid);
  await page.keyboard.press("F9");
  await page.locator(".codicon-debug-breakpoint").first().waitFor();
  await workbench.stopsAfter(() => page.keyboard.press("F5"));
  await page.locator(".debug-top-stack-frame-column, .debug-top-stack-frame-line").first().waitFor();
  await workbench.screenshot(`${host}-2-stopped-on-entry`);

  await workbench.stopsAfter(() => page.keyboard.press("F5"));
  await workbench.stoppedAt(cpuid);
  await workbench.command("Ringside: Show VM Exits");
  const view = await workbench.view("#view .empty, #view header");
  const rows = view.locator("tbody tr[data-sequence]", { hasText: "CPUID" });
  expect(await rows.count()).toBe(0);
  await workbench.screenshot(`${host}-3-breakpoint`);

  await workbench.stopsAfter(() => workbench.command("Debug: Step Over"));
  await workbench.stoppedAt(cpuid + 1);
  await rows.first().waitFor();
  expect(await rows.count()).toBe(1);
  await workbench.screenshot(`${host}-4-exit-seen`);

  // A click on an exit goes to its line and its moment: the first one, of fetching the first instruction.
  await workbench.stopsAfter(() => view.locator("tbody tr[data-sequence]").first().click());
  await workbench.stoppedAt(start);
  await page.locator(".debug-call-stack", { hasText: "VM exit: EPT_VIOLATION" }).waitFor();
  await rows.first().waitFor({ state: "detached" });
  await workbench.screenshot(`${host}-5-gone-to-an-exit`);
  await workbench.continue();
  await workbench.stoppedAt(cpuid);
  await workbench.stopsAfter(() => page.locator(".debug-toolbar .codicon-debug-step-over").click());
  await workbench.stoppedAt(cpuid + 1);
  await rows.first().waitFor();

  await workbench.stopsAfter(() => page.locator(".debug-toolbar .codicon-debug-step-back").click());
  await workbench.stoppedAt(cpuid);
  await rows.first().waitFor({ state: "detached" });
  await workbench.screenshot(`${host}-6-stepped-back`);
}
