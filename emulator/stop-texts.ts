import type { Recorder } from "./trace/recorder.ts";

/** Why a halted guest cannot go on. */
export const haltText = (interruptible: boolean): string =>
  interruptible
    ? "HLT with interrupts enabled (IF = 1), but no device is going to raise one: the guest waits for ever, or for input."
    : "HLT with interrupts disabled (IF = 0): nothing can wake the guest. This is how a guest ends.";

/** How a triple fault came about: the exceptions of the last step, in order. */
export function shutdownText(recorder: Recorder, step: number): string {
  const chain = recorder
    .after(recorder.lastSequence - 8, 8, ["exception"])
    .flatMap((event) => (event.kind === "exception" && event.step >= step - 1 ? [event.name] : []));
  const how = chain.length > 0 ? ` (${chain.join(", then ")})` : "";
  return `Triple fault: an exception could not be delivered, and neither could the double fault${how}. The processor shut down.`;
}
