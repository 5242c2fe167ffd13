import type { Frame, Worker } from "playwright-core";
import { expect } from "vitest";
import { lineIn } from "../support/examples.ts";
import type { Workbench } from "../support/workbench.ts";
import { eventRows } from "./event-rows.ts";

/** Errors that pages and their workers report from now on. */
function errorsOf({ page }: Workbench): string[] {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    // Of its own error messages VS Code makes a note there.
    if (message.type() === "error" && !message.text().includes("has ended: its debug adapter"))
      errors.push(`${message.text()} (${message.location().url})`);
  });
  return errors;
}

/** The worker that holds the debug adapter: VS Code names workers by their scripts. */
async function adapterOf({ page }: Workbench): Promise<Worker> {
  for (const worker of page.workers())
    if ((await worker.evaluate(() => (globalThis as { readonly name?: string }).name))?.includes("adapter-worker"))
      return worker;
  throw new Error("no worker holds a debug adapter");
}

/** The debug adapter is ended while the guest stands; then all says so, and a new session has what was set. */
export async function killedPath(workbench: Workbench, host: string): Promise<void> {
  const file = "exits.asm";
  const cpuid = lineIn(file, /^\s+cpuid\b/);
  const { page } = workbench;
  await workbench.debug(file, "vtx-ept");
  await workbench.command("Ringside: Show VM Exits");
  await workbench.runTo(cpuid);
  const view = await workbench.view("#view .rows tbody tr");
  const before = await view.locator(".summary").textContent();
  const errors = errorsOf(workbench);
  const worker = await adapterOf(workbench);
  await worker.evaluate(() => globalThis.close());

  const notice = page.locator(".notification-toast", {
    hasText: "has ended: its debug adapter was ended from outside",
  });
  await notice.waitFor();
  await page.locator(".debug-toolbar").waitFor({ state: "hidden" });
  await view.locator("#time .moment", { hasText: "The session has ended" }).waitFor();
  // What it showed stays, and can still be looked through.
  expect(await view.locator(".summary").textContent()).toBe(before);
  // The notice may lie over the end of the row.
  await view
    .locator(".rows tbody tr")
    .first()
    .click({ position: { x: 20, y: 8 } });
  await workbench.screenshot(`${host}-60-adapter-killed`);
  expect(errors).toEqual([]);

  await workbench.stopsAfter(() => notice.locator(".monaco-button", { hasText: "Debug Again" }).click());
  await view.locator("#time .moment", { hasText: "now 0 cycles" }).waitFor();
  await workbench.continue();
  await workbench.stoppedAt(cpuid);
  await expect.poll(() => view.locator(".summary").textContent()).toBe(before);
  await workbench.goToLine(cpuid);
  await page.keyboard.press("F9");
  await page.locator(".codicon-debug-breakpoint").first().waitFor({ state: "hidden" });
  await workbench.stopDebugging();
}

/** What is checked in the tree of events before and after the adapter was killed is in force in the session that begins then. */
export async function eventsKeptPath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await workbench.debug("exits.asm", "vtx-ept");
  const { reach, open, check, uncheck } = await eventRows(workbench);
  await open("VM Exits: VT-x");
  await check("CR_ACCESS");
  // What can never happen here says so, checked or not.
  await check("GETSEC");
  await expect.poll(async () => (await reach("GETSEC")).textContent()).toContain("never here");
  const why = page.locator(".monaco-hover", { hasText: /nothing\sthat\sexits\sfor\sGETSEC/ }).first();
  await expect
    .poll(
      async () => {
        // A hover begins with a movement, and ends where the row is made anew.
        await page.mouse.move(800, 300);
        await (await reach("GETSEC")).locator(".label-name").first().hover();
        return why.waitFor({ timeout: 4000 }).then(
          () => true,
          () => false,
        );
      },
      { timeout: 60_000 },
    )
    .toBe(true);
  await workbench.screenshot(`${host}-66-never-here`);
  await (await adapterOf(workbench)).evaluate(() => globalThis.close());
  const again = page.locator(".notification-toast .monaco-button", { hasText: "Debug Again" });
  await again.waitFor();
  await page.locator(".debug-toolbar").waitFor({ state: "hidden" });
  await workbench.command("Debug: Focus on Event Breakpoints View");
  await (await reach("VM Exits: VT-x")).locator(".monaco-tl-twistie").click();
  await open("Device I/O");
  await check("UART");
  await workbench.stopsAfter(() => again.click());
  for (const stop of ["Event breakpoint Device I/O › UART", "VM exit: CR_ACCESS"]) {
    await workbench.continue();
    await page.locator(".zone-widget", { hasText: stop }).waitFor();
    await workbench.command("Debug: Focus on Event Breakpoints View");
    if (stop.endsWith("UART")) await uncheck("UART");
  }
  await workbench.screenshot(`${host}-67-events-kept`);
  await workbench.command("Ringside: Uncheck All Event Breakpoints");
  await workbench.stopDebugging();
}

/** Whether the browser's database has a text in one of its values: there VS Code keeps its backups. */
const keptInBrowser = ({ page }: Workbench, text: string): Promise<boolean> =>
  page.evaluate(async (wanted) => {
    const done = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const decoder = new TextDecoder();
    for (const { name } of await indexedDB.databases()) {
      const database = await done(indexedDB.open(name!));
      for (const store of database.objectStoreNames) {
        const values: unknown[] = await done(database.transaction(store).objectStore(store).getAll());
        if (values.some((value) => value instanceof Uint8Array && decoder.decode(value).includes(wanted))) return true;
      }
      database.close();
    }
    return false;
  }, text);

/** Nothing is saved by hand, and VS Code saves nothing by itself: what was typed is there when the window comes again, and unsaved. */
export async function unsavedPath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await workbench.openFile("hello.asm");
  await page.locator(".editor-instance .view-line").first().click();
  await page.keyboard.press("Control+End");
  await page.keyboard.insertText("; typed last");
  await page.locator(".tab.active.dirty").waitFor();
  // VS Code keeps a backup some time after the last keystroke.
  await expect.poll(() => keptInBrowser(workbench, "typed last"), { timeout: 60_000 }).toBe(true);
  await page.reload();
  await page.locator(".tab.active.dirty", { hasText: "hello.asm" }).waitFor();
  await page.locator(".editor-instance .view-line").first().click();
  await page.keyboard.press("Control+End");
  await page.locator(".view-line", { hasText: /typed\slast/ }).waitFor();
  await workbench.screenshot(`${host}-68-unsaved`);
}

/** Where there is nothing yet, Run and Debug says what to begin with; in a window without a folder the Explorer does, too. */
export async function emptyPath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  const offer = page
    .locator(".sidebar .welcome-view-content", { hasText: "A guest to run and step through" })
    .locator(".monaco-button", { hasText: "Open a Sample" });
  await workbench.command("View: Show Run and Debug");
  await offer.first().waitFor();
  await workbench.screenshot(`${host}-69-welcome-debug`);
  await page.route("**/", async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace(/workspace: \{ folderUri[^\n]*/, "workspace: undefined,");
    await route.fulfill({ response, body });
  });
  await page.reload();
  await page.locator(".explorer-viewlet, .activitybar").first().waitFor();
  await workbench.command("View: Show Explorer");
  await page.locator(".sidebar", { hasText: "No Folder Opened" }).waitFor();
  await offer.first().waitFor();
  await workbench.screenshot(`${host}-69-welcome-explorer`);
  await offer.first().click();
  await page.locator(".quick-input-list .monaco-list-row").first().waitFor();
}

/** Prints a number and a line, now and then, for ever. */
const talking = `%pragma ringside mode protected
        org 100000h
        bits 32
        mov edx, 3F8h
again:  mov ecx, 30000000
delay:  loop delay
        mov esi, text
        mov ecx, text.end - text
next:   lodsb
        out dx, al
        loop next
        jmp again
text:   db "still here", 10
.end:
`;

/** Puts a text into the file that is open, and saves it. */
async function write({ page }: Workbench, text: string): Promise<void> {
  await page.locator(".editor-instance .view-line").first().click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(text);
  await page.keyboard.press("Control+S");
  await page.locator(".tab.active:not(.dirty)").waitFor();
}

/** How many exits the view of them has. */
async function exitsIn(view: Frame): Promise<number> {
  const summary = await view.locator(".summary").textContent();
  return Number(/[\d,]+/.exec(summary ?? "")?.[0].replaceAll(",", ""));
}

/** A view is closed while the guest runs, and opened again: it has everything from the start. */
export async function closedPath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await workbench.command("View: Show Explorer");
  await workbench.openFile("hello.asm");
  await write(workbench, talking);
  await workbench.debug("hello.asm", "vtx-ept");
  const errors = errorsOf(workbench);
  await workbench.command("Ringside: Show VM Exits");
  await workbench.view("#view .empty");
  await page.locator(".debug-toolbar .codicon-debug-continue").click();
  const exits = await workbench.view("#view .rows tbody tr");
  await workbench.command("Ringside: Show Devices and Console");
  const devices = await workbench.view("#view .terminal .xterm-screen");
  await expect.poll(() => devices.locator(".xterm-rows").textContent()).toContain("still here");
  const before = await exitsIn(exits);
  for (const title of ["VM Exits", "Devices and Console"]) {
    const tab = page.getByRole("tab", { name: title });
    await tab.click({ button: "right" });
    await workbench.choose(`Hide '${title}'`);
    await tab.waitFor({ state: "detached" });
  }
  await page.locator(".debug-toolbar .codicon-debug-pause").waitFor();
  await workbench.command("Ringside: Show VM Exits");
  await expect.poll(() => exitsIn(exits)).toBeGreaterThan(before);

  // A page that is loaded again knows nothing, and asks for all.
  await workbench.command("Developer: Reload Webviews");
  await expect.poll(() => exits.isDetached()).toBe(true);
  const again = await workbench.view("#view .rows tbody tr");
  await page.locator(".debug-toolbar .codicon-debug-pause").waitFor();
  await expect.poll(() => exitsIn(again)).toBeGreaterThan(before);
  await workbench.stopsAfter(() => page.locator(".debug-toolbar .codicon-debug-pause").click());
  await again.locator(".rows").evaluate((rows) => {
    rows.scrollTop = 0;
  });
  await again.locator("tbody tr", { hasText: "execute of guest-physical 100000h" }).waitFor();
  expect(await again.locator(".summary").textContent()).not.toContain("no longer kept");
  await workbench.screenshot(`${host}-61-view-opened-again`);
  expect(errors).toEqual([]);
  await workbench.stopDebugging();
}

/** A source is edited while its guest stands: what the session shows is said to be of the text before, until it is restarted. */
export async function editedPath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  const stale = page.locator(".statusbar-item", { hasText: "boot-sector.asm changed: restart" });
  const source = (text: string, more: string) =>
    `%pragma ringside technique bare-metal\n${more}org 7C00h\nmov al, '${text}'\nout 0E9h, al\nhere: cli\nhlt\n`;
  await workbench.command("View: Show Explorer");
  await workbench.openFile("boot-sector.asm");
  await write(workbench, source("A", ""));
  await workbench.debug("boot-sector.asm", "bare-metal");
  await workbench.stoppedAt(3);
  expect(await stale.count()).toBe(0);

  // Not saved: the editor has another text than the session.
  await page.locator(".editor-instance .view-line").first().click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(source("B", "; one line more\n"));
  await stale.waitFor();
  // Saved, it is still not what runs; and breakpoints there say so.
  await page.keyboard.press("Control+S");
  await page.locator(".tab.active:not(.dirty)").waitFor();
  await workbench.goToLine(6);
  await page.keyboard.press("F9");
  await page
    .locator(".margin .codicon-debug-breakpoint, .glyph-margin-widgets .codicon-debug-breakpoint")
    .first()
    .hover();
  await page
    .locator(".monaco-hover", { hasText: /changed\ssince\sit\swas\sassembled/ })
    .first()
    .waitFor();
  await workbench.screenshot(`${host}-62-source-changed`);
  expect(await stale.count()).toBe(1);

  await workbench.stopsAfter(() => stale.click());
  await workbench.stoppedAt(4);
  await stale.waitFor({ state: "hidden" });
  await page.locator(".codicon-debug-breakpoint:not(.codicon-debug-breakpoint-unverified)").first().waitFor();
  await workbench.continue();
  await workbench.stoppedAt(6);
  await workbench.command("Debug Console: Focus on Debug Console View");
  await expect.poll(() => page.locator(".repl").textContent()).toContain("B");
  expect(await page.locator(".repl .output.expression").allTextContents()).not.toContain("A");

  // The window goes in the midst of it all, and with it the session; what was typed last was not saved by hand.
  await page.locator(".editor-instance .view-line").first().click();
  await page.keyboard.press("Control+End");
  await page.keyboard.insertText("; typed last");
  // VS Code saves by itself here, some time after the last keystroke.
  await expect
    .poll(() => page.evaluate(async () => (await fetch("/files/examples/boot-sector.asm")).text()), { timeout: 60_000 })
    .toContain("typed last");
  await page.reload();
  await page.locator(".tab.active", { hasText: "boot-sector.asm" }).waitFor();
  await page.locator(".view-line", { hasText: "typed last" }).waitFor();
  await page.locator(".codicon-debug-breakpoint, .codicon-debug-breakpoint-unverified").first().waitFor();
  await workbench.screenshot(`${host}-63-window-reloaded`);
}

/** Prints without end, as quickly as it can. */
const flooding = `%pragma ringside mode protected
        org 100000h
        bits 32
        mov edx, 3F8h
again:  mov esi, text
        mov ecx, 4096
        rep outsb
        jmp again
text:   times 64 db "a line that is printed again and again, without end, in vain..", 10
`;

/** A guest floods its console: VS Code goes on, and so does everything in it. */
export async function floodedPath(workbench: Workbench, host: string): Promise<void> {
  const { page } = workbench;
  await workbench.command("View: Show Explorer");
  await workbench.openFile("hello.asm");
  await write(workbench, flooding);
  await workbench.debug("hello.asm", "bare-metal");
  await workbench.command("Ringside: Show Devices and Console");
  const view = await workbench.view("#view .terminal .xterm-screen");
  await page.locator(".debug-toolbar .codicon-debug-continue").click();
  await view.locator("header [role=status]", { hasText: "More was printed than is kept for views" }).waitFor();
  await workbench.command("View: Show Explorer");
  await workbench.stopsAfter(() => page.locator(".debug-toolbar .codicon-debug-pause").click());
  await expect.poll(() => view.locator(".xterm-rows").textContent()).toContain("again and again");
  await workbench.screenshot(`${host}-64-flooded`);
  await workbench.command("Debug Console: Focus on Debug Console View");
  await expect.poll(() => page.locator(".repl").textContent()).toContain("again");
  await workbench.screenshot(`${host}-65-flooded-console`);
  await workbench.stopDebugging();
}
