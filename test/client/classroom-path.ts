import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type Workbench, write } from "../support/workbench.ts";
import { problemsInThemes } from "./accessibility-path.ts";

const lab = "05-shadow-paging";
const labs = join(import.meta.dirname, "..", "..", "examples", "labs");
const solution = (file: string) => readFileSync(join(labs, lab, "solution", file), "utf8");

/** A student begins a lab, sees what fails and where, writes the solution, and gets all points. */
export async function classroomPath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await workbench.command("Ringside: New Lab from Template");
  await page.locator(".quick-input-list .monaco-list-row", { hasText: "Lab 5" }).first().waitFor();
  await write(page.locator(".quick-input-box input"), "Lab 5");
  await page.locator(".quick-input-box input").press("Enter");
  const view = await workbench.view("#view .assignment");
  await view.locator("h1", { hasText: "Lab 5" }).first().waitFor();
  await view.locator("article h2").first().waitFor();
  await workbench.screenshot(`${host}-30-assignment`);

  await view.locator("button.primary", { hasText: "Run checks" }).click();
  await view.locator("ol.checks > li.failed").first().waitFor({ timeout: 60_000 });
  expect(await view.locator("ol.checks > li.none").count()).toBe(0);
  await workbench.screenshot(`${host}-31-checks-failed`);

  expect((await problemsInThemes(workbench, view, `${host}-assignment`)).join("\n")).toBe("");

  await workbench.command("Testing: Focus on Test Explorer View");
  const explorer = page.locator(".test-explorer");
  await explorer.getByText("Lab 5", { exact: false }).first().waitFor();
  await workbench.screenshot(`${host}-32-test-explorer`);

  // A failed check leads to the moment that decided it, in the student's own source.
  await view.locator("ol.checks > li.failed button", { hasText: "Debug where it was decided" }).first().click();
  await page.locator(".debug-toolbar").waitFor({ timeout: 60_000 });
  await page.locator(".debug-call-stack .stack-frame", { hasText: "memory.asm" }).first().waitFor({ timeout: 60_000 });
  await page.locator(".tab", { hasText: "memory.asm" }).first().waitFor();
  await workbench.screenshot(`${host}-33-decided-here`);
  await workbench.stopDebugging();
  await workbench.command("Ringside: Show Assignment");
  await page.locator(".tab.active", { hasText: "Lab 5" }).waitFor();

  const file = "memory.asm";
  await view.locator("button.link", { hasText: file }).click();
  await page.locator(`.tab.active[data-resource-name="${file}"]`).waitFor();
  await page.locator(".monaco-editor.focused").first().waitFor();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(solution(file));
  await page.keyboard.press("Control+S");
  await view.locator("button", { hasText: "Compare with what was given" }).waitFor();
  await view.locator("button.primary", { hasText: "Run checks" }).click();
  const checks = await view.locator("ol.checks > li").count();
  await expect.poll(() => view.locator("ol.checks > li.passed").count(), { timeout: 60_000 }).toBe(checks);
  await workbench.screenshot(`${host}-34-all-green`);

  await workbench.command("Test: Run All Tests with Coverage");
  await page.getByText("Close Test Coverage").first().waitFor({ timeout: 120_000 });
  await workbench.screenshot(`${host}-35-coverage`);
  await view.locator("button", { hasText: "Compare with what was given" }).click();
  await page.locator(".diff-editor, .monaco-diff-editor").first().waitFor();
  await workbench.screenshot(`${host}-36-diff`);
  await workbench.command("View: Close All Editors");
}
