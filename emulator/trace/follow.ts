import type { MachineInterface } from "../machine-interface.ts";
import type { EventKind, MachineEvent, StopReason } from "./event.ts";

/** How a run ended: as the machine says, or because the limit of steps was reached. */
export interface Ending {
  readonly reason: StopReason | "limit";
  readonly text: string;
}

export const limitText = (steps: number): string =>
  `The guest was still running after ${steps.toLocaleString("en")} steps.`;

/** Steps and events between two looks at the event stream. */
const slice = { steps: 20_000, events: 20_000 };

/**
 * Shows the events after `seen` that are complete, of these kinds, and gives the number up to which it has. An exit gets its cost
 * when the guest is resumed: until then it, and what follows it, waits for the next look, unless the run has ended.
 */
export function drain(
  machine: MachineInterface,
  { seen, ended }: { readonly seen: number; readonly ended: boolean },
  see: (event: MachineEvent) => void,
  kinds?: readonly EventKind[],
): number {
  const pending = ended ? undefined : machine.pendingExit?.sequence;
  const last = pending === undefined ? machine.lastSequence : pending - 1;
  for (const event of machine.events(seen, Number.MAX_SAFE_INTEGER, kinds)) {
    if (event.sequence > last) break;
    see(event);
  }
  return last;
}

/** What is asked for beside the recorded events. */
interface Following {
  /** Called now and then, and at the end. */
  readonly look?: () => void;
  /** Kinds of events that are not recorded, but told where somebody asks for them. */
  readonly observed?: ReadonlySet<EventKind> | undefined;
}

/** Runs a machine to its end or for `steps` steps; every event is seen once, in order. */
export function follow(
  machine: MachineInterface,
  steps: number,
  see: (event: MachineEvent) => void,
  { look, observed }: Following = {},
): Ending {
  let seen = 0;
  const end = machine.now + steps;
  const told: MachineEvent[] = [];
  const accept = (event: MachineEvent): boolean => told.push(event) < 0;
  const stopOnEvent = observed && { kinds: observed, accept };
  const seeUpTo = (sequence: number): void => {
    while (told[0] && told[0].sequence < sequence) see(told.shift()!);
  };
  for (;;) {
    const stop = machine.run({ ...slice, steps: Math.min(slice.steps, end - machine.now), stopOnEvent });
    const ended = stop.kind === "stopped" || machine.now >= end;
    seen = drain(machine, { seen, ended }, (event) => {
      seeUpTo(event.sequence);
      see(event);
    });
    seeUpTo(seen + 1);
    look?.();
    if (stop.kind === "stopped") return { reason: stop.reason, text: stop.text };
    if (ended) return { reason: "limit", text: limitText(steps) };
  }
}
