import type { Recorder } from "./trace/recorder.ts";

const places: Readonly<Record<string, string>> = {
  UART: "on the serial port",
  "keyboard controller": "from the keyboard",
};

/** Why a halted guest cannot go on. `listening`: devices at which what is typed would make an interrupt. */
export function haltText(interruptible: boolean, listening: readonly string[] = []): string {
  if (!interruptible)
    return "HLT with interrupts disabled (IF = 0): nothing can wake the guest. This is how a guest ends.";
  return listening.length
    ? `HLT with interrupts enabled (IF = 1): the guest waits for input ${listening.map((name) => places[name] ?? name).join(" or ")}.`
    : "HLT with interrupts enabled (IF = 1), but no device is going to raise one: the guest waits for ever.";
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
