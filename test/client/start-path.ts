import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { serveWorkbench } from "../../scripts/web-host/server.ts";
import { attempts, keepFocus, patience, Workbench } from "../support/workbench.ts";

const example = readFileSync(join(import.meta.dirname, "..", "..", "examples", "exits.asm"), "utf8");

/** VS Code in the browser on an empty folder. */
async function emptyWorkbench(): Promise<{ readonly workbench: Workbench; readonly folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), "ringside-start-"));
  const { server, origin } = await serveWorkbench(folder, 0, keepFocus);
  const workbench = await Workbench.at(origin, async () => {
    await new Promise((closed) => (server as Server).close(closed));
    rmSync(folder, { recursive: true });
  });
  return { workbench, folder };
}

/** The way of somebody who has nothing yet: the walkthrough, a sample, F5, its first exit, through it and back. */
export async function startPath(): Promise<void> {
  const { workbench, folder } = await emptyWorkbench();
  const { page } = workbench;
  let taken = 1;
  /** Opens a step of the walkthrough and presses a button of it. */
  const take = async (title: string, button: string) => {
    const step = page.locator(".getting-started-step", { hasText: title });
    if (!(await step.locator(".monaco-button").first().isVisible())) await step.locator("h3").click();
    await step.locator(".monaco-button", { hasText: button }).waitFor();
    await workbench.screenshot(`start-${++taken}-${button.toLowerCase().replace(/\W+/g, "-")}`);
    await step.locator(".monaco-button", { hasText: button }).click();
  };
  try {
    await workbench.command("View: Show Run and Debug");
    await page.locator(".welcome-view-content", { hasText: "Open a Sample" }).first().waitFor({ timeout: 60_000 });
    await workbench.screenshot("start-1-welcome");
    await page.locator(".welcome-view-content a", { hasText: "see one leave" }).first().click();
    await take("Open a guest", "Open exits.asm");
    await page.locator(`.tab.active[data-resource-name="exits.asm"]`).waitFor({ timeout: 60_000 });
    expect(readFileSync(join(folder, "exits.asm"), "utf8")).toBe(example);
    await page.locator(".squiggly-info, .squiggly-warning").first().waitFor({ timeout: 60_000 });
    const choose = async () => {
      await take("Choose a technique", "Choose Technique");
      await page
        .locator(".quick-input-list .monaco-list-row", { hasText: "vtx-ept" })
        .first()
        .click({ timeout: patience });
    };
    // What the page loads meanwhile may take the focus, and closes the list.
    await attempts(choose);
    await page.locator(".squiggly-info, .squiggly-warning").first().waitFor({ state: "detached" });
    await take("Start debugging", "Debug Guest");
    await page.locator(".debug-top-stack-frame-column, .debug-top-stack-frame-line").first().waitFor();
    await take("Run to the first VM exit", "On to the Next VM Exit");
    const pending = page.locator(".debug-call-stack", { hasText: "VM exit: EPT_VIOLATION" });
    await pending.waitFor();
    await take("Step through the exit", "Step Over");
    await pending.waitFor({ state: "detached" });
    await page.locator(".getting-started-step a", { hasText: "VM Exits" }).click();
    const view = await workbench.view("#view .timeline");
    await view.locator("tbody tr[data-sequence]", { hasText: "EPT_VIOLATION" }).waitFor();
    await take("Step through the exit", "Step Back");
    await page.locator(".statusbar-item", { hasText: "In the past" }).waitFor();
    await view.locator("tbody tr[data-sequence]").waitFor({ state: "detached" });
    // All is done, and the page that led here is still there.
    await expect.poll(() => page.locator(".getting-started-step[aria-checked='true']").count()).toBe(5);
    await workbench.screenshot("start-9-done");
    await workbench.stopDebugging();
    // Without a launch.json under another technique, too.
    await page.locator(`.tab[data-resource-name="exits.asm"]`).click();
    await workbench.command("View: Show Run and Debug");
    await page.getByText("Show all automatic debug configurations").first().click();
    const rows = page.locator(".quick-input-list .monaco-list-row");
    await rows.filter({ hasText: "Ringside guest" }).first().click();
    await rows.filter({ hasText: "Trap and emulate" }).first().click();
    await page.locator(".debug-top-stack-frame-column, .debug-top-stack-frame-line").first().waitFor();
    await workbench.command("Ringside: On to the Next VM Exit");
    await page.locator(".debug-call-stack", { hasText: "Trap: #PF" }).waitFor();
    await workbench.stopDebugging();
    // A view that has nothing to show offers what would fill it.
    await workbench.command("Ringside: Show the Translation Cache");
    const empty = await workbench.view("#view .empty .sample-button", true);
    await empty.locator(".sample-button", { hasText: "is-prime.asm" }).click();
    await page.locator(`.tab.active[data-resource-name="is-prime.asm"]`).waitFor();
  } catch (error) {
    await workbench.screenshot("start-failed");
    throw error;
  } finally {
    await workbench.close();
  }
}
