import type { EventFilter, MachineInterface, VcpuPlace, Watch, WatchHit } from "../emulator/machine-interface.ts";
import type { EventKind, MachineEvent } from "../emulator/trace/event.ts";
import { instructionAt } from "./code.ts";
import { Pace } from "./pace.ts";
import { readRegisters, registerPart } from "./registers.ts";
import { samePlace } from "./threads.ts";

/**
 * Searching the past. A machine can only go to a moment and run on from there, so an earlier place is found by running
 * ever longer stretches of the past again and keeping the last match in each. Afterwards the machine stands somewhere
 * in the past: callers go where they want to be.
 */

const counters = { 16: "CX", 32: "ECX", 64: "RCX" } as const;

/** Iterations that a repeated instruction at hand still has to do; 0 for others. */
function iterationsLeft(machine: MachineInterface): bigint {
  const decoded = instructionAt(machine, machine.linearRip, machine.bits);
  if (!decoded || decoded.repeat === "none") return 0n;
  return registerPart(readRegisters(machine), counters[decoded.addressSize])?.value ?? 0n;
}

/**
 * Identifies one execution of one instruction, however many steps it takes. Exits and retries retire nothing; each
 * iteration of a repeated instruction counts as retired and decrements its counter, so that their sum stays the same.
 */
export const occurrenceAt = (machine: MachineInterface): string =>
  `${machine.linearRip}/${BigInt(machine.instructions) + iterationsLeft(machine)}`;

const firstStretch = 4096;

export interface Search {
  /** Linear addresses of interest. */
  readonly addresses: ReadonlySet<bigint>;
  /** Asked at each of them, with the machine there. */
  readonly accept: () => boolean;
  /** Memory of interest, and what is asked after an access to it. */
  readonly watches?: readonly Watch[];
  readonly touched?: (hits: readonly WatchHit[]) => boolean;
  /** Events of interest; and what is asked after a step that has recorded some: the moment that matches. Leaves the machine there. */
  readonly events?: { readonly filter: EventFilter; readonly found: () => number | undefined };
  /** The moment at which the guest has come to its end, if it has. */
  readonly endsAt?: number | undefined;
  /** Between slices; false gives the search up. */
  readonly breathe: () => Promise<boolean>;
  /** Moments before this one are of no interest. */
  readonly floor?: number;
}

/** `touched`: it is the moment after an access to watched memory. `event`: events of interest say so. */
export type Found =
  | { readonly moment: number | undefined; readonly touched?: readonly WatchHit[]; readonly event?: true }
  | "given up";

/** Runs from the present to the moment `end`, and gives the last match on the way. */
async function lastWithin(machine: MachineInterface, end: number, search: Search): Promise<Found> {
  let found: Exclude<Found, string> = { moment: undefined };
  let looked = "";
  const look = () => {
    if (machine.now >= end || machine.pendingExit || !search.addresses.has(machine.linearRip)) return;
    const occurrence = occurrenceAt(machine);
    if (occurrence !== looked && search.accept()) found = { moment: machine.now };
    looked = occurrence;
  };
  look();
  const pace = new Pace();
  // The end of a guest may take no step.
  const hasEnd = () => machine.now === end && search.endsAt === end && !machine.stopped;
  while (machine.now < end || hasEnd()) {
    const { now, lastSequence } = machine;
    const { addresses, watches = [], events } = search;
    const steps = Math.max(1, Math.min(end - now, pace.left));
    const stop = machine.run({
      steps,
      breakpoints: addresses,
      watches,
      stopOnEvent: events?.filter,
      only: "as before",
    });
    const moment = events?.found();
    if (moment !== undefined) found = { moment, event: true };
    if (stop.kind === "watch" && search.touched?.(stop.hits)) found = { moment: machine.now, touched: stop.hits };
    look();
    if (stop.kind === "stopped") break;
    if (pace.spend(machine.now - now, machine.lastSequence - lastSequence) && !(await search.breathe()))
      return "given up";
  }
  return found;
}

/** A moment to come back to. */
export interface Present {
  readonly now: number;
  /** The guest had come to its end there. */
  readonly ended: boolean;
}

/** Back to the moment from which a search set out. Where the guest had come to its end there, it does so again. */
export function returnTo(machine: MachineInterface, present: Present): void {
  machine.goTo(present.now);
  if (present.ended) machine.step();
}

/** What `returnTo` needs to know. */
export const presentOf = ({ now, stopped }: MachineInterface): Present => ({ now, ended: stopped !== undefined });

/** The last moment before `limit` at which the machine was at one of the addresses and `accept` agreed. */
export async function lastBefore(machine: MachineInterface, limit: number, search: Search): Promise<Found> {
  const floor = search.floor ?? 0;
  let end = limit;
  for (let stretch = firstStretch; end > floor; stretch *= 4) {
    const start = Math.max(floor, end - stretch);
    machine.goTo(start);
    const found = await lastWithin(machine, end, search);
    if (found === "given up" || found.moment !== undefined) return found;
    end = start;
  }
  return { moment: undefined };
}

/** Where each execution of an instruction started, between the present and the moment `end`. Leaves the machine at the last moment before that. */
function startsUntil(machine: MachineInterface, end: number, turnOf: VcpuPlace | undefined): readonly number[] {
  const starts: number[] = [];
  let occurrence = "";
  while (machine.now < end) {
    if (turnOf && !samePlace(turnOf, machine)) {
      const { now } = machine;
      machine.run({ steps: end - now, turnOf, only: "as before" });
      if (machine.now === now && !samePlace(turnOf, machine)) break;
      continue;
    }
    const current = occurrenceAt(machine);
    if (!machine.pendingExit && !machine.withinInstruction && current !== occurrence) {
      starts.push(machine.now);
      occurrence = current;
    }
    const before = machine.now;
    if (before === end - 1) break;
    machine.step();
    if (machine.now === before) break;
  }
  return starts;
}

/** Steps that are looked at for the start of an instruction: of most, the first few are enough. */
const shortStretch = 4;
const longStretch = 64;

/**
 * The moment before `limit` at which the instruction then at hand started: however many steps it took, through VM exits,
 * retries and repetitions. 0 if there is none. With `of`, of one vCPU among others, which may have had their turns in between.
 * Leaves the machine there in most cases, so that it is quick to go there then.
 */
export function previousStart(machine: MachineInterface, limit: number, of?: VcpuPlace): number {
  for (let stretch = shortStretch; ; stretch *= longStretch / shortStretch) {
    const from = Math.max(0, limit - stretch);
    machine.goTo(from);
    const starts = startsUntil(machine, limit, of);
    // The first start of the stretch may be the middle of an instruction.
    if (from === 0 || starts.length > 1) return starts.at(-1) ?? 0;
    if (of || stretch < longStretch) continue;
    machine.goTo(starts[0] ?? from);
    return startOf(machine, stretch);
  }
}

/** The moment at which the instruction at hand, which is known to have taken `least` steps or more, started. */
function startOf(machine: MachineInterface, least: number): number {
  const { linearRip, now } = machine;
  const occurrence = occurrenceAt(machine);
  for (let stretch = least * 8; ; stretch *= 8) {
    machine.goTo(Math.max(0, now - stretch));
    if (machine.pendingExit) machine.step();
    if (occurrenceAt(machine) === occurrence && machine.now > 0) continue;
    while (occurrenceAt(machine) !== occurrence && machine.now < now)
      machine.run({ steps: now - machine.now, breakpoints: new Set([linearRip]), only: "as before" });
    return machine.now;
  }
}

/** The newest event of a kind up to `sequence` that `accept` agrees to. */
export function lastEvent<K extends EventKind>(
  machine: MachineInterface,
  sequence: number,
  kind: K,
  accept: (event: MachineEvent & { kind: K }) => boolean,
): (MachineEvent & { kind: K }) | undefined {
  for (let end = sequence; end > 0; end -= 1000) {
    const events = machine.events(Math.max(0, end - 1000), 1000, [kind]);
    for (const event of events.toReversed()) {
      const matching = event as MachineEvent & { kind: K };
      if (event.sequence <= end && accept(matching)) return matching;
    }
  }
  return undefined;
}

/** The exit that is pending, or that the last step completed: the guest's own hypervisor is at its handler. */
export function presentExit(machine: MachineInterface): MachineEvent | undefined {
  if (machine.pendingExit) return machine.pendingExit;
  const last = lastEvent(machine, machine.lastSequence, "exit", () => true);
  return last?.step === machine.now - 1 ? last : undefined;
}

/** Goes to the moment at which a past exit is pending, or was completed; false if the machine cannot find it. */
export function goToExit(machine: MachineInterface, event: MachineEvent): boolean {
  for (const step of [event.step, event.step + 1]) {
    machine.goTo(step);
    if (machine.pendingExit?.sequence === event.sequence) return true;
    if (step > event.step && !machine.pendingExit && machine.lastSequence >= event.sequence) return true;
  }
  return false;
}
