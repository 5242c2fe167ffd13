import type { Why } from "../../trace/event.ts";

/** Why a guest leaves to be reset: the processor's own INIT has nothing to do with it. `rule` is the one by which it leaves. */
export const kick = (rule: string, source: string): Why => ({
  sentence:
    "INIT was sent to the virtual CPU, whose local APIC the VMM emulates: the VMM interrupts the processor, so that the guest leaves and can be reset.",
  rule,
  source,
});

/** Handler of the exit that this makes. */
export const initHandler = "INIT";

/** What was done about the exit in which a virtual CPU waited for its start. */
export const startedText = (at: number): string =>
  `reset by INIT, started by a start-up message at ${at.toString(16).toUpperCase()}h`;
