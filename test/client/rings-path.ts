import { expect } from "vitest";
import { lineIn } from "../support/examples.ts";
import type { Workbench } from "../support/workbench.ts";

/** A person sees on which floor a guest kernel lives, and on which one it thinks it does; then its process. */
export async function ringsPath(workbench: Workbench, host: string): Promise<void> {
  const file = "user-mode.asm";
  await workbench.debug(file, "trap-and-emulate");
  await workbench.command("Ringside: Show Rings and Modes");
  const view = await workbench.view("#view .towers");
  const floor = (look: string) => view.locator(`.floor.${look} .ring`).textContent();
  await workbench.runTo(lineIn(file, /^\s+iretd/));
  await expect.poll(() => floor("lit")).toBe("ring 1");
  expect(await floor("seen")).toBe("ring 0");
  await workbench.screenshot(`${host}-12-rings`);
  // IRET at CPL 1 traps, and so the VMM has it.
  await workbench.stopsAfter(() => workbench.command("Debug: Step Into"));
  await expect.poll(() => floor("lit")).toBe("ring 0");
  await workbench.stopsAfter(() => workbench.page.locator(".debug-toolbar .codicon-debug-step-back").click());
  await expect.poll(() => floor("lit")).toBe("ring 1");
  await workbench.runTo(lineIn(file, /^user:/));
  await expect.poll(() => floor("lit")).toBe("ring 3");
  expect(await view.locator(".floor.seen").count()).toBe(0);
  await workbench.stopDebugging();
}
