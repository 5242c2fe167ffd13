import { expect } from "vitest";
import { lineIn } from "../support/examples.ts";
import type { Workbench } from "../support/workbench.ts";

/** A person looks at what binary translation makes of a loop, follows a chained exit, and goes to the source. */
export async function cachePath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  const file = "is-prime.asm";
  await workbench.debug(file, "binary-translation");
  await workbench.command("Ringside: Show the Translation Cache");
  const view = await workbench.view(
    "#view table[aria-label='Units of the translation cache'], #view .empty .sample.callout",
  );
  await workbench.runTo(lineIn(file, /^print:/));
  const rows = view.locator("tr[data-unit]");
  await rows.first().waitFor();
  await view.locator("tr[data-unit]", { hasText: `${file}:${lineIn(file, /^nexti:/)}` }).click();
  await view
    .locator(".code tr", { hasText: /cmp|mov/ })
    .first()
    .waitFor();
  expect(await view.locator(".arrow.lit").count()).toBeGreaterThan(0);
  await workbench.screenshot(`${host}-10-translation-cache`);
  const before = await view.locator(".code h2").textContent();
  await view.locator(".exits .link").first().click();
  await expect.poll(() => view.locator(".code h2").textContent()).not.toBe(before);
  await view.locator(".code tbody tr").first().click();
  await page.locator(".monaco-editor.focused, .monaco-editor .view-line").first().waitFor();
  await workbench.stopDebugging();
}
