import type { Page } from "playwright-core";
import { expect } from "vitest";
import { lineIn } from "../support/examples.ts";
import { attempts, patience, type Workbench } from "../support/workbench.ts";

/** A person points at a moment in one view, finds it in the next, goes there, and asks what the view is about. */
export async function cursorPath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await workbench.debug("exits.asm", "vtx-ept");
  await workbench.command("Ringside: Show VM Exits");
  await workbench.view("#view .empty");
  await workbench.continue();
  await workbench.stoppedAt(lineIn("exits.asm", /^\s+hlt/));
  await expect.poll(() => textsAtLineEnds(page)).toContainEqual(expect.stringMatching(/^17 exits · \d\d %$/));
  const exits = await workbench.view("#view .timeline");
  const rows = exits.locator("tbody tr[data-sequence]");
  await rows.first().waitFor();
  // What VS Code still shows of the stop may take the focus.
  await attempts(async () => {
    for (const key of ["Home", "ArrowDown"]) await exits.locator("#view .rows").press(key);
    await exits.locator("line.cursor").waitFor({ state: "attached", timeout: patience });
  });
  const chosen = await exits.locator("tr.selected").getAttribute("data-sequence");
  const cursor = await exits.locator("#time input").inputValue();

  await workbench.command("Ringside: Show VMCS");
  const vmcs = await workbench.view("#view table[aria-label='Fields of the VMCS']");
  const slider = vmcs.locator("#time input");
  await expect.poll(() => slider.inputValue()).toBe(cursor);
  await vmcs.locator("#time .now-mark").waitFor();
  await workbench.screenshot(`${host}-22-cursor`);
  await slider.press("Home");
  await expect.poll(() => vmcs.locator("#time .moment").textContent()).toContain("cursor 0");
  await slider.press("ArrowRight");
  await slider.press("ArrowRight");
  await workbench.command("Ringside: Show VM Exits");
  await expect.poll(() => exits.locator("tr.selected").getAttribute("data-sequence")).not.toBe(chosen);
  await workbench.stopsAfter(() => exits.locator("#time button", { hasText: "Go there" }).click());
  await page.getByText("Moved in time").first().waitFor();
  await exits.locator("#time button", { hasText: "Go there" }).waitFor({ state: "detached" });

  await exits.locator("#view .rows").press("?");
  await page.locator(".tab", { hasText: "views.md" }).waitFor();
  await workbench.screenshot(`${host}-23-help`);
  await workbench.stopDebugging();
  await workbench.command("View: Close All Editors");
}

/** What decorations show behind lines of the editor. */
const textsAtLineEnds = (page: Page): Promise<string[]> =>
  page
    .locator(".view-line span")
    .evaluateAll((spans) => spans.map((span) => getComputedStyle(span, "::after").content.replace(/^"|"$/g, "")));
