import type { Frame } from "playwright-core";
import { expect } from "vitest";
import { accessibilityProblems } from "../support/accessibility.ts";
import type { Workbench } from "../support/workbench.ts";

/** Themes by name, and the class by which a webview knows each. */
const themes = [
  ["Dark Modern", "vscode-dark"],
  ["Dark High Contrast", "vscode-high-contrast"],
  ["Light High Contrast", "vscode-high-contrast-light"],
  ["Light Modern", "vscode-light"],
] as const;

interface Scene {
  readonly file: string;
  readonly technique?: string;
  /** Titles of the commands that show views, and the views' names. */
  readonly views: readonly (readonly [string, string])[];
}

/** Guests, and the views that have something in them at their end. */
export const scenes: readonly Scene[] = [
  {
    file: "exits.asm",
    technique: "vtx-ept",
    views: [
      ["Show VM Exits", "exits"],
      ["Show VMCS or VMCB", "vmcs"],
      ["Show the Translation of an Address", "translation"],
      ["Show Rings and Modes", "rings"],
      ["Show Devices and Console", "devices"],
      ["Show the Schedule", "schedule"],
      ["Compare Techniques", "compare"],
    ],
  },
  {
    file: "is-prime.asm",
    technique: "binary-translation",
    views: [["Show the Translation Cache", "cache"]],
  },
  {
    file: "xen-grants.asm",
    technique: "paravirtualization",
    views: [["Show Hypercalls", "hypercalls"]],
  },
];

/** What axe-core finds wrong on a page that stays open, in every kind of theme. */
export async function problemsInThemes(workbench: Workbench, view: Frame, name: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [theme, look] of themes) {
    await workbench.chooseTheme(theme);
    await view.locator(`body.${look}`).waitFor();
    for (const problem of await accessibilityProblems(view)) found.push(`${theme}: ${problem}`);
    await workbench.screenshot(`${name}-${look}`);
  }
  return found;
}

/** Every view with something in it, in every kind of theme, as axe-core judges it. */
export async function accessibilityPath(workbench: Workbench, host: string): Promise<void> {
  const found: string[] = [];
  for (const { file, technique, views } of scenes) {
    await workbench.debug(file, technique);
    await workbench.continue();
    // At its end, or at a breakpoint that an earlier path has left.
    await workbench.page
      .getByText(/^(Halted|Switched off|Finished|Paused on .*)$/)
      .first()
      .waitFor();
    for (const [theme, look] of themes) {
      await workbench.chooseTheme(theme);
      for (const [title, name] of views) {
        await workbench.command(`Ringside: ${title}`);
        const view = await workbench.view(`main[data-view='${name}']`, true);
        await view.locator(`body.${look}`).waitFor();
        for (const problem of await accessibilityProblems(view)) found.push(`${title}, ${theme}: ${problem}`);
        await workbench.screenshot(`${host}-${name}-${look}`);
      }
    }
    await workbench.stopDebugging();
  }
  expect(found.join("\n")).toBe("");
}
