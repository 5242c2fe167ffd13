import type { MachineInterface, WatchHit } from "../emulator/machine-interface.ts";
import type { MachineEvent } from "../emulator/trace/event.ts";
import { isAt, type Spots } from "./breakpoints.ts";
import { accessText } from "./data-breakpoints.ts";
import { goAnewTo, goJustBefore } from "./event-breakpoints.ts";
import { isObserved } from "./event-text.ts";
import type { EventHit, EventWatch } from "./event-watch.ts";
import { type Found, lastBefore, type Present, presentOf, previousStart, returnTo } from "./history.ts";
import { type Halt, haltAt, type Runner } from "./run.ts";
import { lookAt } from "./threads.ts";

/** Newest events that are looked at one by one, for some may be those of the present moment. */
const mostKnown = 16;

/** Looks for events of the past that would have stopped the guest, while it is run again. */
class EventSearch {
  readonly #machine: MachineInterface;
  readonly #events: EventWatch;
  /** Where the guest stands is not in the past. */
  readonly #present: Present;
  #met: MachineEvent[] = [];
  /** The last one found, and what was recorded with it. */
  #hit: EventHit | undefined;
  #batch: readonly MachineEvent[] = [];

  constructor({ machine, events }: Runner, present: Present) {
    this.#machine = machine;
    this.#events = events;
    this.#present = present;
  }

  readonly filter = (): ReturnType<EventWatch["searching"]> => this.#events.searching((event) => this.#met.push(event));

  /** After a step: the moment at which something that it has recorded stops the guest. */
  readonly found = (): number | undefined => {
    const batch = this.#met;
    this.#met = [];
    if (batch.length === 0) return undefined;
    const moment = this.#foundHere(batch) ?? this.#foundBefore(batch);
    if (moment !== undefined) this.#batch = batch;
    return moment;
  };

  #foundHere(batch: readonly MachineEvent[]): number | undefined {
    const { now, ended } = this.#present;
    // The end of all guests may take no step after the last one.
    if (this.#machine.now >= now && !(ended && !this.#machine.stopped)) return undefined;
    for (const event of batch) {
      const hit = this.#events.stopsAt(event, event.kind === "exit" ? "before" : "after");
      if (!hit) continue;
      this.#hit = hit;
      return this.#machine.now;
    }
    return undefined;
  }

  #foundBefore(batch: readonly MachineEvent[]): number | undefined {
    const early = batch.filter(
      (event) => event.kind !== "exit" && this.#events.stagesOf(event).some(({ stage }) => stage === "before"),
    );
    if (early.length === 0) return undefined;
    const here = presentOf(this.#machine);
    goJustBefore(this.#machine, early[0]!);
    const { now } = this.#machine;
    const hit = early.map((event) => this.#events.stopsAt(event, "before")).find((one) => one !== undefined);
    returnTo(this.#machine, here);
    this.#hit = hit ?? this.#hit;
    return hit && now;
  }

  /** At the event found, where the guest is told to be at that moment. */
  standAt(moment: number): Halt {
    const hit = this.#hit!;
    goAnewTo(this.#machine, moment);
    if (hit.stage === "before" && hit.event.kind !== "exit") this.#events.acknowledge(this.#batch);
    lookAt(this.#machine, hit.event);
    return haltAt(hit);
  }
}

/** Newest first: kept events that stop the guest whatever its state. */
function knownStops({ machine, events }: Runner): readonly MachineEvent[] {
  const known: MachineEvent[] = [];
  const kinds = [...(events.searching(() => {})?.kinds ?? [])];
  for (let end = machine.lastSequence; kinds.length > 0 && end > 0 && known.length < mostKnown; end -= 1000) {
    const some = machine.events(Math.max(0, end - 1000), 1000, kinds).filter(({ sequence }) => sequence <= end);
    known.push(...some.toReversed().filter((event) => events.stagesOf(event).some(({ surely }) => surely)));
  }
  return known.slice(0, mostKnown);
}

/** Where to look: from `floor` on, up to `limit`. */
interface Stretch {
  readonly floor: number;
  readonly limit: number;
}

/** The stretches of the past in which the last stop may be, newest first. Where all is known, only about the known events. */
function* stretches(runner: Runner, present: number, others: boolean): Generator<Stretch> {
  const { machine, events } = runner;
  const known = knownStops(runner);
  const isAllKnown = known.length < mostKnown && (machine.events(0, 1)[0]?.sequence ?? 1) === 1;
  let limit = present;
  for (const { step } of known) {
    const floor = Math.max(0, step - 1);
    yield { floor, limit: others ? limit : Math.min(limit, step + 2) };
    limit = Math.min(limit, floor);
  }
  const stops = events.searching(() => {}) !== undefined;
  if (others || (stops && !isAllKnown)) yield { floor: 0, limit };
}

/**
 * To the last moment at which a breakpoint or an event would have stopped the guest, or at which it was about to execute one of
 * the instructions at `goal`; or to the start.
 */
export async function reverseContinue(runner: Runner, goal: Spots, breathe: () => Promise<boolean>): Promise<Halt> {
  const { machine, watches, events } = runner;
  const present = presentOf(machine);
  const addresses = new Set([...goal.addresses, ...runner.breakpoints.flatMap((breakpoint) => breakpoint.addresses)]);
  const unrecorded = events.armed.some(
    ({ action, needsState, kinds }) => action === "stop" && (needsState || kinds.some(isObserved)),
  );
  const search = new EventSearch(runner, present);
  const stopOnEvent = search.filter();
  for (const { floor, limit } of stretches(runner, present.now, addresses.size + watches.length > 0 || unrecorded)) {
    const found: Found = await lastBefore(machine, limit, {
      addresses,
      accept: () => isAt(goal, machine) || runner.hitInPast().length > 0,
      watches,
      touched: (hits) => runner.touchedInPast(hits).length > 0,
      ...(stopOnEvent ? { events: { filter: stopOnEvent, found: search.found } } : {}),
      breathe,
      floor,
      endsAt: present.ended ? present.now : undefined,
    });
    if (found === "given up") return giveUp(machine, present);
    if (found.moment === undefined) continue;
    return found.event ? search.standAt(found.moment) : standAtBreakpoint(runner, found.moment, found.touched);
  }
  machine.goTo(0);
  return { kind: "start" };
}

function giveUp(machine: MachineInterface, present: Present): Halt {
  returnTo(machine, present);
  return { kind: "pause" };
}

/** At a breakpoint of the past, or at the instruction that touched watched memory before the moment. */
function standAtBreakpoint(runner: Runner, moment: number, touched: readonly WatchHit[] | undefined): Halt {
  const { machine } = runner;
  machine.goTo(moment);
  const here = touched ? [] : runner.hitInPast();
  if (!touched) return here.length > 0 ? { kind: "breakpoint", breakpoints: here } : { kind: "goto" };
  const breakpoints = runner.touchedInPast(touched);
  machine.goTo(previousStart(machine, moment));
  const access = touched.find(({ watch }) => watch === breakpoints[0]?.watch);
  if (access) lookAt(machine, access.by);
  return { kind: "breakpoint", breakpoints, ...(access && { text: accessText(runner, access, true) }) };
}
