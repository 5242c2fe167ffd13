import type { Recorder } from "./trace/recorder.ts";

const places: Readonly<Record<string, string>> = {
  UART: "on the serial port",
  "keyboard controller": "from the keyboard",
};

export const haltText = "HLT with interrupts disabled (IF = 0): nothing can wake the guest. This is how a guest ends.";

/**
 * What a halted guest waits for that an interrupt would wake. `listening`: devices at which what is typed would make one;
 * `priority`: PPR of its local APIC, 0–255.
 */
export function waitText(priority: number, listening: readonly string[]): string {
  const waits = "HLT with interrupts enabled (IF = 1)";
  if (listening.length)
    return `${waits}: the guest waits for input ${listening.map((name) => places[name] ?? name).join(" or ")}.`;
  if (priority < 0x10) return `${waits}, but no device is going to raise one: the guest waits for ever.`;
  const hex = (value: number) => `${value.toString(16).toUpperCase().padStart(2, "0")}h`;
  const held = priority >= 0xf0 ? "every vector" : `vectors below ${hex((priority & 0xf0) + 0x10)}`;
  const other = priority >= 0xf0 ? "" : ", and no device is going to raise a higher one";
  return `${waits}, but the local APIC holds back ${held} (its processor priority, PPR, is ${hex(priority)})${other}: the guest waits for ever.`;
}

/** The exceptions of the last delivery, in order: what a triple fault was made of. */
export function exceptionChain(recorder: Recorder): string {
  const exceptions = recorder.after(recorder.lastSequence - 16, 16, ["exception"]);
  const last = exceptions.at(-1)?.step;
  return exceptions
    .flatMap((event) => (event.kind === "exception" && event.step === last ? [event.name] : []))
    .join(", then ");
}

export const shutdownText =
  "Triple fault: an exception could not be delivered, and neither could the double fault. The processor shut down.";

/** Under a VMM. */
export const tripleFaultText = "The guest triple-faulted: an exception occurred while a double fault was delivered.";
