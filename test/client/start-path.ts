import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { serveWorkbench } from "../../scripts/web-host/server.ts";
import { Workbench } from "../support/workbench.ts";

const example = readFileSync(join(import.meta.dirname, "..", "..", "examples", "exits.asm"), "utf8");

/** VS Code in the browser on an empty folder. */
async function emptyWorkbench(): Promise<{ readonly workbench: Workbench; readonly folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), "ringside-start-"));
  const { server, origin } = await serveWorkbench(folder, 0);
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
  try {
    await workbench.command("View: Show Run and Debug");
    await page.locator(".welcome-view-content", { hasText: "Open a Sample" }).first().waitFor({ timeout: 60_000 });
    await workbench.screenshot("start-1-welcome");
    await page.locator(".welcome-view-content a", { hasText: "see one leave" }).first().click();
    await page.locator(".getting-started-step", { hasText: "Step through the exit" }).first().waitFor();
    await workbench.screenshot("start-2-walkthrough");
    await page.locator(".getting-started-step .monaco-button", { hasText: "Open exits.asm" }).first().click();
    await page.locator(`.tab.active[data-resource-name="exits.asm"]`).waitFor({ timeout: 60_000 });
    expect(readFileSync(join(folder, "exits.asm"), "utf8")).toBe(example);
    await workbench.chooseTechnique("vtx-ept");
    await page.locator(".monaco-editor .view-line").first().click();
    await page.keyboard.press("F5");
    await page
      .locator(".debug-top-stack-frame-column, .debug-top-stack-frame-line")
      .first()
      .waitFor({ timeout: 60_000 });
    await workbench.command("Ringside: On to the Next VM Exit");
    const pending = page.locator(".debug-call-stack", { hasText: "VM exit: EPT_VIOLATION" });
    await pending.waitFor();
    await workbench.screenshot("start-3-first-exit");
    await page.locator(".debug-toolbar .codicon-debug-step-over").click();
    await pending.waitFor({ state: "detached" });
    await page.locator(".debug-toolbar .codicon-debug-step-back").click();
    await workbench.screenshot("start-4-back");
    await workbench.stopDebugging();
  } catch (error) {
    await workbench.screenshot("start-failed");
    throw error;
  } finally {
    await workbench.close();
  }
}
