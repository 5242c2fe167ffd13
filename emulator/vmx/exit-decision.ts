import type { Why } from "../trace/event.ts";

/** Would it exit, and the rule that says so. */
export interface Decision {
  readonly exits: boolean;
  readonly why: Why;
}

/** Where the manual has the rules. */
export const manual = {
  always: "SDM Vol. 3, 26.1.2: Instructions That Cause VM Exits Unconditionally",
  conditional: "SDM Vol. 3, 26.1.3: Instructions That Cause VM Exits Conditionally",
  other: "SDM Vol. 3, 26.2: Other Causes of VM Exits",
  ioBitmaps: "SDM Vol. 3, 25.6.4: I/O-Bitmap Addresses",
  masks: "SDM Vol. 3, 25.6.6: Guest/Host Masks and Read Shadows for CR0 and CR4",
  targets: "SDM Vol. 3, 25.6.7: CR3-Target Controls",
  msrBitmaps: "SDM Vol. 3, 25.6.9: MSR-Bitmap Address",
  functions: "SDM Vol. 3, 26.5.6: VM Functions",
  log: "SDM Vol. 3, 29.3.6: Page-Modification Logging",
} as const;
