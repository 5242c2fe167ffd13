import type { MachineInterface } from "../machine-interface.ts";
import type { MachineEvent, StopReason } from "./event.ts";

/** How a run ended: as the machine says, or because the limit of steps was reached. */
export interface Ending {
  readonly reason: StopReason | "limit";
  readonly text: string;
}

export const limitText = (steps: number): string =>
  `The guest was still running after ${steps.toLocaleString("en")} steps.`;

/** Steps between two looks at the event stream, so that no event is dropped in between. */
const slice = 20_000;

/**
 * Runs a machine to its end or for `steps` steps; every event is seen once, in order. `look` is called now and then, and at the
 * end.
 */
export function follow(
  machine: MachineInterface,
  steps: number,
  see: (event: MachineEvent) => void,
  look?: () => void,
): Ending {
  let seen = 0;
  const end = machine.now + steps;
  for (;;) {
    const stop = machine.run({ steps: Math.min(slice, end - machine.now) });
    const ended = stop.kind === "stopped" || machine.now >= end;
    // An exit gets its cost when the guest is resumed: until then it, and what follows it, waits for the next look.
    const ready = (!ended && machine.pendingExit?.sequence) || Number.POSITIVE_INFINITY;
    for (const event of machine.events(seen, Number.MAX_SAFE_INTEGER)) {
      if (event.sequence >= ready) break;
      see(event);
      seen = event.sequence;
    }
    look?.();
    if (stop.kind === "stopped") return { reason: stop.reason, text: stop.text };
    if (ended) return { reason: "limit", text: limitText(steps) };
  }
}
