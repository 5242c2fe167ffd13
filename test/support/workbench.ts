import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Frame, type Locator, type Page } from "playwright-core";
import type { Settings } from "../../scripts/web-host/page.ts";
import { serveWorkbench } from "../../scripts/web-host/server.ts";
import { toNextStop, watchStops } from "./debug-state.ts";

const root = join(import.meta.dirname, "..", "..");
const screenshots = join(root, "test", "screenshots");

/** Debian's browser; elsewhere the tests that need one say that they were skipped. */
export const chromiumPath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path));

export async function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath as string,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** How long one of several attempts may take, in ms. */
export const patience = 20_000;

/** Does what something that begins meanwhile may spoil, such as a stop that takes the focus, again up to twice. */
export async function attempts(act: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

/**
 * Puts a text into a field as typing does. Keys go wherever the focus is by then: a stop that shows its source line meanwhile would
 * have them typed into the guest.
 */
export async function write(field: Locator, text: string, options: { readonly timeout?: number } = {}): Promise<void> {
  await field.waitFor(options);
  await field.focus(options);
  await field.evaluate((element, value) => {
    (element as HTMLInputElement).value = value;
    element.dispatchEvent(new Event("input", { bubbles: true }));
  }, text);
}

/**
 * VS Code takes the focus to the source line of a stop, some time after the stop and without a sign, away from what is typed or chosen
 * just then. A person sees that and tries again; a test would have to guess when.
 */
export const keepFocus = { "debug.focusEditorOnBreak": false };

/** What a workbench is opened with. */
export interface Opening {
  /** Settings that a person has not chosen, beside those of all tests. */
  readonly settings?: Settings;
  /** The folder in it is empty, instead of a copy of examples/. */
  readonly isEmpty?: boolean;
}

/** VS Code's workbench in a browser, driven as a person would: keys, clicks, and waiting for what appears. */
export class Workbench {
  readonly page: Page;
  readonly #end: () => Promise<void>;

  private constructor(page: Page, end: () => Promise<void>) {
    this.page = page;
    this.#end = end;
  }

  /** Serves a copy of examples/, or an empty folder, and opens it in VS Code in the browser. */
  static async open({ settings = {}, isEmpty = false }: Opening = {}): Promise<Workbench> {
    const folder = mkdtempSync(join(tmpdir(), "ringside-"));
    const opened = join(folder, isEmpty ? "empty" : "examples");
    if (isEmpty) mkdirSync(opened);
    else cpSync(join(root, "examples"), opened, { recursive: true });
    const { server, origin } = await serveWorkbench(opened, 0, { ...keepFocus, ...settings });
    return Workbench.at(origin, async () => {
      await new Promise((closed) => (server as Server).close(closed));
      rmSync(folder, { recursive: true });
    });
  }

  /** Opens a VS Code that is served at an address. */
  static async at(address: string, end: () => Promise<void>): Promise<Workbench> {
    const browser = await launchChromium();
    const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
    // Against hangs only, as the tests' own limit.
    page.setDefaultTimeout(60_000);
    await page.goto(address);
    await page.waitForSelector(".monaco-workbench .explorer-viewlet, .monaco-workbench .activitybar", {
      timeout: 60_000,
    });
    return new Workbench(page, async () => {
      await browser.close();
      await end();
    });
  }

  close(): Promise<void> {
    return this.#end();
  }

  command(title: string): Promise<void> {
    return attempts(() => this.#take("F1", `>${title}`, title));
  }

  /** Opens a list by a key, types into it, and takes the first choice that has a text. */
  async #take(key: string, text: string, choice: string): Promise<void> {
    const input = this.page.locator(".quick-input-box input");
    const row = this.page.locator(".quick-input-list .monaco-list-row", { hasText: choice }).first();
    // A view that has the focus would get the key.
    await this.page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await this.page.keyboard.press(key);
    // What begins meanwhile, such as a stop that shows its source line, takes the focus and closes the list.
    await write(input, text, { timeout: patience });
    await row.waitFor({ timeout: patience });
    // A list that gets its choices bit by bit may be made anew under a click, which then closes it and chooses nothing.
    const first = await row.evaluate((element) => element.classList.contains("focused"));
    if (first) await input.press("Enter", { timeout: patience });
    else await row.click({ timeout: patience });
  }

  /** Waits until the Explorer has read its folder: what reads it may be there only later, and until then there is the folder's name alone. */
  async #folderRead(rows: Locator): Promise<void> {
    await attempts(async () => {
      const isAlone = (await rows.count()) === 1;
      if (isAlone) {
        await rows.first().hover();
        await this.page.locator("[aria-label='Refresh Explorer']").first().click({ timeout: patience });
      }
      await rows.nth(1).waitFor({ timeout: patience });
    });
  }

  /** Shows what is in a folder of the workspace; a click on one that is open already would close it. */
  async openFolder(name: string): Promise<void> {
    await this.command("View: Show Explorer");
    const row = this.page.locator(`.explorer-viewlet .monaco-list-row[aria-label="${name}"]`);
    await row.waitFor();
    if ((await row.getAttribute("aria-expanded")) === "false") await row.click();
    await this.page.locator(`.explorer-viewlet [aria-label="${name}"][aria-expanded="true"]`).waitFor();
  }

  async openFile(name: string): Promise<void> {
    const active = this.page.locator(`.tab.active[data-resource-name="${name}"]`);
    const rows = this.page.locator(".explorer-viewlet .monaco-list-row");
    await rows.first().waitFor();
    const row = rows.filter({ hasText: name }).first();
    // Of a folder that was opened, the list may be too long to show all: what is not in sight is not in the page.
    if (!(await row.isVisible())) await this.#folderRead(rows);
    if (!(await row.isVisible())) {
      await rows.first().hover();
      await this.page.locator("[aria-label='Collapse Folders in Explorer']").first().click();
      await row.waitFor();
    }
    for (let attempt = 1; attempt <= 3; attempt++) {
      await row.dblclick();
      await this.page.mouse.move(1000, 990);
      await active.waitFor();
      // A stop of a session shows its source line, some time later and without a sign.
      await this.page.waitForTimeout(700);
      if (await active.isVisible()) break;
    }
    await active.waitFor();
    await this.page.locator(".monaco-editor .view-line").first().waitFor();
  }

  /** Chooses by id in the list that the status bar opens. */
  async chooseTechnique(id: string): Promise<void> {
    await this.command("Ringside: Choose Virtualization Technique");
    const input = this.page.locator(".quick-input-box input");
    await input.waitFor();
    await write(input, id);
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: id }).first().click();
    await input.waitFor({ state: "hidden" });
  }

  /** Chooses a colour theme by its name. */
  async chooseTheme(name: string): Promise<void> {
    const rows = this.page.locator(".quick-input-list .monaco-list-row", { hasText: name });
    await attempts(async () => {
      // Among the commands, one that asks the marketplace comes first.
      await this.page.keyboard.press("Control+K");
      await this.page.keyboard.press("Control+T");
      await rows.first().waitFor({ timeout: patience });
      await rows.first().click({ timeout: patience });
      await rows.first().waitFor({ state: "hidden" });
    });
  }

  /** Debugs a file of the workspace from its entry, under a technique where one is named. */
  async debug(file: string, technique?: string): Promise<void> {
    if (await this.page.locator(".debug-toolbar").isVisible()) await this.stopDebugging();
    await this.command("View: Show Explorer");
    await this.openFile(file);
    if (technique) await this.chooseTechnique(technique);
    await this.stopsAfter(() => this.page.keyboard.press("F5"));
    await this.page.locator(".debug-top-stack-frame-column, .debug-top-stack-frame-line").first().waitFor();
    await this.#showCallStack();
  }

  /** Does what leads to a stop, by a key or a button. What the stop is, the caller waits for. */
  async stopsAfter(act: () => Promise<unknown>): Promise<void> {
    await this.page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    if (await watchStops(this.page)) await toNextStop(this.page, act);
    else await act();
    await this.page.locator(".debug-toolbar .codicon-debug-continue").waitFor();
  }

  /** The same of what leads to a VM exit: VS Code takes the focus to what the editor says of it, some time later. */
  async exitsAfter(act: () => Promise<unknown>): Promise<void> {
    await this.stopsAfter(act);
    await this.page.locator(".exception-widget:focus").waitFor();
  }

  /** Chooses from a context menu, which takes no clicks in its first 100 ms, for the button that opened it may still be down. */
  async choose(name: string): Promise<void> {
    const item = this.page.locator(".context-view a.action-menu-item", { hasText: name }).first();
    await item.waitFor();
    await this.page.waitForTimeout(150);
    await item.click();
    await item.waitFor({ state: "hidden" });
  }

  /** Types a line into the debug console. What the editor says of an exit may take the focus from there. */
  async evaluate(line: string): Promise<void> {
    const wrapper = this.page.locator(".repl-input-wrapper");
    const typed = wrapper.locator(".view-line").filter({ hasText: line.replaceAll(" ", "\u00a0") });
    await attempts(async () => {
      await this.command("Debug Console: Focus on Debug Console View");
      await wrapper.locator(".monaco-editor.focused").waitFor({ timeout: patience });
      await this.page.keyboard.press("Control+A");
      await this.page.keyboard.insertText(line);
      await typed.waitFor({ timeout: patience });
      await this.page.keyboard.press("Escape");
      await this.page.keyboard.press("Enter");
      await typed.waitFor({ state: "hidden", timeout: patience });
    });
  }

  /** Lets the guest run on until it stops. */
  continue(): Promise<void> {
    return this.stopsAfter(() => this.page.locator(".debug-toolbar .codicon-debug-continue").click());
  }

  /** It opens by itself for the first session only, and what begins meanwhile may take the command away. */
  async #showCallStack(): Promise<void> {
    const frame = this.page.locator(".debug-call-stack .stack-frame").first();
    await attempts(async () => {
      if (await frame.isVisible()) return;
      await this.command("View: Show Run and Debug");
      await frame.waitFor({ timeout: patience });
    });
  }

  /** Runs the guest that is being debugged to a line (1-based) of the open file. */
  async runTo(line: number): Promise<void> {
    await this.goToLine(line);
    await this.page.keyboard.press("F9");
    await this.page.locator(".codicon-debug-breakpoint").first().waitFor();
    await this.continue();
    await this.stoppedAt(line);
  }

  async stopDebugging(): Promise<void> {
    await this.command("Debug: Stop");
    await this.page.locator(".debug-toolbar").waitFor({ state: "hidden" });
  }

  goToLine(line: number): Promise<void> {
    return attempts(async () => {
      await this.#take("Control+G", `:${line}`, `line ${line}`);
      await this.page.locator(".quick-input-box input").waitFor({ state: "hidden", timeout: patience });
      await this.page.locator(".statusbar-item", { hasText: `Ln ${line},` }).waitFor({ timeout: patience });
    });
  }

  /** Waits until the topmost frame with a source is at `line`. */
  async stoppedAt(line: number): Promise<void> {
    await this.page
      .locator(".debug-call-stack .stack-frame", { hasText: new RegExp(`(?<!\\d)${line}:\\d+$`) })
      .first()
      .waitFor();
  }

  /** The document inside a webview, found by an element that it has; where it has to be `shown`, by one that is to be seen. */
  async view(selector: string, shown = false): Promise<Frame> {
    for (let attempt = 0; attempt < 600; attempt++) {
      for (const frame of this.page.frames()) {
        const found = frame.locator(selector).first();
        // A frame may go while it is asked.
        if (await (shown ? found.isVisible() : found.count()).catch(() => 0)) return frame;
      }
      await this.page.waitForTimeout(100);
    }
    throw new Error(`no webview shows ${selector}`);
  }

  /** Leaves a screenshot of what a test has failed in, and says what had the focus. */
  async tellFailure(test: string): Promise<void> {
    const name = `failed-${test.replace(/\W+/g, "-").slice(0, 60)}`;
    await this.screenshot(name);
    const focus = await this.page.evaluate(() => document.activeElement?.outerHTML.slice(0, 300));
    console.log(`test/screenshots/${name}.png shows the failure; the focus was at ${focus}`);
  }

  async screenshot(name: string): Promise<void> {
    mkdirSync(screenshots, { recursive: true });
    await this.page.screenshot({ path: join(screenshots, `${name}.png`) });
  }
}
