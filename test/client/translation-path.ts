import { expect } from "vitest";
import { lineIn } from "../support/examples.ts";
import { type Workbench, write } from "../support/workbench.ts";

/** A person asks where an address leads: through two dimensions of tables, and then beside its shadow. */
export async function translationPath(workbench: Workbench, host: string): Promise<void> {
  await workbench.debug("long-mode.asm", "vtx-ept");
  await workbench.runTo(lineIn("long-mode.asm", /^print:/));
  await workbench.command("Ringside: Show the Translation of an Address");
  const view = await workbench.view("#view .walk[role='application']");
  const here = view.locator(".walk .here");
  await view.locator(".player .position", { hasText: "19 references" }).waitFor();
  for (let n = 0; n < 5; n++) await view.locator(".walk[role='application']").press("ArrowRight");
  expect(await here.textContent()).toContain("PML4E");
  await workbench.screenshot(`${host}-9-translation`);
  await write(view.locator("#filter"), "nowhere");
  await view.locator("#filter").press("Enter");
  await view.locator(".failure", { hasText: "Type a register, a label or a number" }).waitFor();
  await workbench.stopDebugging();

  await workbench.debug("shadow-out-of-sync.asm", "vtx-shadow");
  await workbench.runTo(lineIn("shadow-out-of-sync.asm", /^\s+invlpg/));
  await write(view.locator("#filter"), "50000h");
  await view.locator("#filter").press("Enter");
  await view.locator("tr.stale", { hasText: "out of sync" }).waitFor();
  await workbench.command("Preferences: Toggle between Light/Dark Themes");
  await view.locator("body.vscode-dark").waitFor();
  await workbench.screenshot(`${host}-9-translation-shadow`);
  await workbench.command("Preferences: Toggle between Light/Dark Themes");
  await workbench.stopDebugging();
}
