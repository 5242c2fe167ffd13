import type { Ending, EventKind, MachineEvent, MachineInterface } from "../emulator/index.ts";
import { drain, limitText } from "../emulator/trace/follow.ts";
import type { Limit } from "./assignment.ts";
import type { Spectator } from "./watcher.ts";

/** Steps between two looks at events and limits: always at the same moments, whatever is watched. */
const slice = 20_000;
/** Events that are shown at once: a step may bring many. */
const mostEvents = 20_000;

/** The watchers by where they want to look, and by what they want to be told. */
class Audience {
  readonly #watchers: readonly Spectator[];
  readonly kinds: readonly EventKind[];
  #stops: ReadonlySet<bigint> = new Set();

  constructor(watchers: readonly Spectator[]) {
    this.#watchers = watchers;
    this.kinds = [...new Set(watchers.flatMap(({ kinds }) => kinds ?? [])).add("exit")];
    this.#gather();
  }

  #gather(): void {
    this.#stops = new Set(this.#watchers.flatMap(({ stops }) => [...(stops ?? [])]));
  }

  /** Where the run is to stop now. The same set means the same places. */
  get stops(): ReadonlySet<bigint> {
    return this.#stops;
  }

  see(event: MachineEvent): void {
    for (const watcher of this.#watchers) if (watcher.kinds?.includes(event.kind)) watcher.see?.(event);
  }

  look(address: bigint): void {
    let left = false;
    for (const watcher of this.#watchers) {
      if (!watcher.stops?.has(address)) continue;
      watcher.look?.(address);
      left ||= !watcher.stops.has(address);
    }
    if (left) this.#gather();
  }
}

/** Runs a new machine to its end or its limit; gives also how many exits there were. */
export function watched(
  machine: MachineInterface,
  watchers: readonly Spectator[],
  { steps, cycles }: Required<Limit>,
): { readonly ended: Ending; readonly exits: number } {
  const audience = new Audience(watchers);
  let seen = 0;
  let exits = 0;
  const see = (event: MachineEvent): void => {
    if (event.kind === "exit") exits++;
    audience.see(event);
  };
  if (audience.stops.has(machine.linearRip)) audience.look(machine.linearRip);
  for (;;) {
    const pause = Math.min(steps, (Math.floor(machine.now / slice) + 1) * slice);
    const stop = machine.run({ steps: pause - machine.now, events: mostEvents, breakpoints: audience.stops });
    if (stop.kind === "breakpoint") {
      audience.look(stop.address);
      continue;
    }
    if (stop.kind === "limit" && machine.now < pause) {
      seen = drain(machine, { seen, ended: false }, see, audience.kinds);
      continue;
    }
    const limit = limitReached(machine, { steps, cycles });
    const isOver = stop.kind === "stopped" || limit !== undefined;
    seen = drain(machine, { seen, ended: isOver }, see, audience.kinds);
    if (stop.kind === "stopped") return { ended: { reason: stop.reason, text: stop.text }, exits };
    if (limit !== undefined) return { ended: { reason: "limit", text: limit }, exits };
  }
}

function limitReached({ now, cycle }: MachineInterface, { steps, cycles }: Required<Limit>): string | undefined {
  if (now >= steps) return limitText(steps);
  return cycle >= cycles ? `The guest was still running after ${cycles.toLocaleString("en")} cycles.` : undefined;
}
