import type { Page } from "playwright-core";

/** What the debugger of VS Code says of itself. */
interface DebugService {
  /** Defined while a session is being started; at the end of that, the stop that was reached meanwhile is shown once more. */
  readonly initializingOptions?: object;
  getViewModel(): { readonly focusedThread?: Thread; readonly focusedStackFrame?: object };
  /** Shows a frame in its source. */
  focusStackFrame(...frame: readonly unknown[]): Promise<void>;
  getModel(): Stacks;
}

interface Stacks {
  /** Asks for the frames, from some adapters for the newest first and 420 ms later for the others; then it is shown once more. */
  refreshTopOfCallstack(...thread: readonly unknown[]): { readonly wholeCallStack: Promise<void> };
}

interface Thread {
  /** Another object at each stop. */
  readonly stoppedDetails?: object;
}

/** Where the debugger stands: nowhere while the guest runs. */
interface Stop {
  readonly details: object | undefined;
  /** All of it is shown, and nothing will be shown once more by itself. */
  readonly shown: boolean;
}

/** What is left in VS Code's page, beside its module loader. */
interface InPage {
  readonly require?: (module: string) => Record<string, unknown>;
  stopOfDebugger?: () => Stop;
  stopBefore?: Stop["details"];
}

/**
 * Lets the tests see which stop VS Code's debugger is at. Nothing on the screen says whether a key leads to the debugger by now: a step
 * is over before the buttons change, and a key that comes too early is lost. So its services are asked, by their names.
 * @returns false where VS Code does not load its modules by name; then the screen is all there is.
 */
export function watchStops(page: Page): Promise<boolean> {
  return page.evaluate(() => {
    const inPage = globalThis as InPage;
    if (!inPage.require) return false;
    if (inPage.stopOfDebugger) return true;
    const exported = (module: string, is: (value: unknown) => boolean): unknown => {
      const found = Object.values(inPage.require!(module)).find(is);
      if (found === undefined) throw new Error(`This VS Code has nothing of the kind in ${module}.`);
      return found;
    };
    const service = (module: string, id: string) =>
      exported(module, (value) => typeof value === "function" && String(value) === id);
    const debug = service("vs/workbench/contrib/debug/common/debug", "debugService");
    const keys = service("vs/platform/contextkey/common/contextkey", "contextKeyService");
    const commands = exported(
      "vs/platform/commands/common/commands",
      (value) => typeof value === "object" && value !== null && "registerCommand" in value,
    ) as { registerCommand(id: string, handler: (accessor: { get(id: unknown): unknown }) => void): void };
    commands.registerCommand("test.watchStops", (accessor) => {
      const debugger_ = accessor.get(debug) as DebugService;
      const context = accessor.get(keys) as { getContextKeyValue(key: string): unknown };
      let underWay = 0;
      const counted = <T>(work: Promise<T>): Promise<T> => {
        underWay++;
        return work.finally(() => underWay--);
      };
      const show = debugger_.focusStackFrame.bind(debugger_);
      debugger_.focusStackFrame = (...frame) => counted(show(...frame));
      const stacks = debugger_.getModel();
      const refresh = stacks.refreshTopOfCallstack.bind(stacks);
      stacks.refreshTopOfCallstack = (...thread) => {
        const stack = refresh(...thread);
        return { ...stack, wholeCallStack: counted(stack.wholeCallStack) };
      };
      inPage.stopOfDebugger = () => {
        const { focusedThread, focusedStackFrame } = debugger_.getViewModel();
        const keysLeadThere = context.getContextKeyValue("debugState") === "stopped";
        const settled = underWay === 0 && debugger_.initializingOptions === undefined;
        return {
          details: focusedThread?.stoppedDetails,
          shown: focusedStackFrame !== undefined && keysLeadThere && settled,
        };
      };
    });
    const workbench = inPage.require("vs/workbench/workbench.web.main") as {
      commands: { executeCommand(id: string): Promise<void> };
    };
    return workbench.commands.executeCommand("test.watchStops").then(() => true);
  });
}

/** Does what leads to another stop, and waits until that is shown and keys lead to the debugger again. */
export async function toNextStop(page: Page, act: () => Promise<unknown>): Promise<void> {
  await page.evaluate(() => {
    const inPage = globalThis as InPage;
    inPage.stopBefore = inPage.stopOfDebugger?.().details;
  });
  await act();
  // An editor that another one replaces while it opens is never finished.
  await page.waitForFunction(
    ({ begun, patience }) => {
      const inPage = globalThis as InPage;
      const stop = inPage.stopOfDebugger?.();
      if (!stop?.details || stop.details === inPage.stopBefore) return false;
      return stop.shown || performance.now() > begun + patience;
    },
    { begun: await page.evaluate(() => performance.now()), patience: 20_000 },
  );
  // The buttons are made anew 20 ms after that, by a timer that was set before this one. A click meanwhile may be taken twice.
  await page.evaluate(() => new Promise((later) => setTimeout(later, 50)));
}
