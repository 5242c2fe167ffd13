import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { attempts, patience, type Workbench } from "../support/workbench.ts";
import { problemsInThemes } from "./accessibility-path.ts";

/** A person looks at what a paravirtual guest asks of Xen, sees why it was refused, and goes back to that moment. */
export async function hypercallsPath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await workbench.debug("xen-pagetable.asm", "paravirtualization");
  await workbench.command("Ringside: Show Hypercalls");
  const view = await workbench.view("#view .empty .sample .dot.red, #view table[aria-label='Hypercalls']");
  await workbench.continue();
  const refused = view.locator("tr[data-sequence]", { has: view.locator("td.refused") });
  await refused.first().waitFor();
  // Of a long list, only the rows in sight are in the page.
  const summary = (calls: string) => view.getByText(new RegExp(`^${calls} hypercalls?\\b`));
  await summary("13").waitFor();
  await view.getByText("refused only").click();
  await summary("2 of 13").waitFor();
  expect(await refused.count()).toBe(await view.locator("tr[data-sequence]").count());
  await view.getByText("refused only").click();
  // What the view learns meanwhile makes rows anew, under a click too.
  await attempts(async () => {
    await workbench.stopsAfter(() => refused.first().click({ timeout: patience }));
    await page.locator(".debug-call-stack .stack-frame", { hasText: "xen-pagetable.asm" }).first().waitFor();
    await summary("[12]").waitFor({ timeout: patience });
  });
  await workbench.continue();
  await summary("13").waitFor();
  await attempts(async () => {
    for (const key of ["Home", "ArrowDown", "ArrowDown", "ArrowDown"])
      await view.locator(".rows[role='application']").press(key);
    await view.locator(".call .exchange").waitFor({ timeout: patience });
  });
  await workbench.screenshot(`${host}-11-hypercalls`);
  await workbench.stopDebugging();
  await listsPath(workbench, host);
}

const file = "xen-grants.asm";
const lines = readFileSync(join(import.meta.dirname, "../../examples", file), "utf8").split("\n");
/** 1-based. */
const lineWith = (text: string): number => lines.findIndex((line) => line.includes(text)) + 1;

/** Below the calls: event channels and grants of the moment, what has changed in them since the last stop, and the past. */
async function listsPath(workbench: Workbench, host: string): Promise<void> {
  await workbench.debug(file, "paravirtualization");
  await workbench.command("Ringside: Show Hypercalls");
  const view = await workbench.view("#view section[aria-label='Grants']");
  await view.getByText("No port is open.").waitFor();
  for (const [n, text] of ["upcall: pushad", "mov eax, [map.handle]"].entries()) {
    await workbench.goToLine(lineWith(text));
    await workbench.page.keyboard.press("F9");
    await expect
      .poll(() => workbench.page.locator(".debug-breakpoints .breakpoint", { hasText: file }).count())
      .toBe(n + 1);
  }
  await workbench.continue();
  await workbench.stoppedAt(lineWith("upcall: pushad"));
  await view.getByLabel("channels and grants").check();
  const rowOf = (list: string, number: number) =>
    view.locator(`table[aria-label='${list}'] tr[data-key$=' ${number}']`);
  await rowOf("Event channels", 2).getByText("2, 1 merged").waitFor();
  await workbench.continue();
  await workbench.stoppedAt(lineWith("mov eax, [map.handle]"));
  await rowOf("Grants", 8).locator(".new", { hasText: "103000h (handle 0, to read)" }).waitFor();
  await rowOf("Event channels", 2).locator(".new").first().waitFor();
  await view.locator(".list-rows").first().focus();
  const shot = `${host}-24-event-channels-and-grants`;
  expect((await problemsInThemes(workbench, view, shot)).join("\n")).toBe("");
  await workbench.stopsAfter(() => workbench.page.locator(".debug-toolbar .codicon-debug-reverse-continue").click());
  await workbench.stoppedAt(lineWith("upcall: pushad"));
  await rowOf("Event channels", 2)
    .locator("td", { hasText: /^pending$/ })
    .waitFor();
  await expect.poll(() => rowOf("Grants", 8).locator("td").last().textContent()).toBe("–");
  await workbench.stopDebugging();
}
