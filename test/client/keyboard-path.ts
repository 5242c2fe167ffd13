import { expect } from "vitest";
import { type Workbench, write } from "../support/workbench.ts";
import { scenes } from "./accessibility-path.ts";

/** Views with a field that / leads to. */
const filtered = ["exits", "vmcs", "translation", "cache", "hypercalls", "schedule"];

/** A person without a mouse: / leads to the field of a view, Escape empties it, ? opens the page that teaches what the view shows. */
export async function keyboardPath(workbench: Workbench): Promise<void> {
  const { page } = workbench;
  for (const { file, technique, views } of scenes) {
    await workbench.debug(file, technique);
    await workbench.continue();
    for (const [title, name] of views) {
      await workbench.command(`Ringside: ${title}`);
      const view = await workbench.view(`main[data-view='${name}']`, true);
      const has = (selector: string) => view.evaluate((wanted) => document.activeElement?.matches(wanted), selector);
      if (filtered.includes(name) && (await view.locator("#filter").count()) > 0) {
        await view.locator("#time .help").press("/");
        await expect.poll(() => has("#filter")).toBe(true);
        await write(view.locator("#filter"), "e");
        await view.locator("#filter").press("Escape");
        await expect.poll(() => view.locator("#filter").inputValue()).toBe("");
        await view.locator("#filter").press("Tab");
        await expect.poll(() => has("#filter")).toBe(false);
      }
      await view.locator("#time .help").press("?");
      await page.locator(".tab.active", { hasText: ".md" }).waitFor();
      // The debug toolbar may lie over it, and the page takes the focus when it is loaded: neither mouse nor key.
      await page.locator(".tab.active", { hasText: ".md" }).locator(".codicon-close").dispatchEvent("click");
      await page.locator(".tab.active", { hasText: ".md" }).waitFor({ state: "detached" });
    }
    await workbench.stopDebugging();
  }
}
