import type { StandingValue } from "./schedule-event.ts";
import { allowed, type Vcpu } from "./vcpu.ts";

/** What a scheduler answers when it is asked who runs on a pCPU. */
export interface Choice {
  /** Undefined: the pCPU idles. */
  readonly vcpu: Vcpu | undefined;
  /** When it wants to be asked again, in microseconds; null: when something happens. */
  readonly until: number | null;
  /** Why, with the numbers that decided. */
  readonly reason: string;
}

/** What a scheduler sees of the host, and how it speaks to it. */
export interface Context {
  readonly pcpus: number;
  /** Virtual time in whole microseconds. */
  readonly now: number;
  /** In the order in which they were added. */
  readonly vcpus: readonly Vcpu[];
  vcpu(id: string): Vcpu;
  running(pcpu: number): Vcpu | undefined;
  /** Who runs on this pCPU shall be decided anew. */
  tickle(pcpu: number): void;
  /** Something happened that belongs into the trace. */
  note(kind: NoteKind, vcpu: Vcpu | undefined, reason: string): void;
}

/** What schedulers record besides decisions: credits handed out, cap reached, priority raised, work taken from a peer. */
export type NoteKind = "account" | "park" | "unpark" | "boost" | "steal" | "replenish" | "slot";

/**
 * A scheduler only decides. The host keeps time, run states, accounting and events; it has charged all running vCPUs up to now
 * before it calls anything here. All state is plain JSON.
 */
export interface Scheduler {
  add(vcpu: Vcpu): void;
  /** The vCPU does not run, and is not runnable any more. */
  remove(vcpu: Vcpu): void;
  /** Its parameters have changed. */
  adjust(vcpu: Vcpu): void;
  wake(vcpu: Vcpu): void;
  block(vcpu: Vcpu): void;
  /** The running vCPU lets others go first, best of all `to`. */
  yield(vcpu: Vcpu, to: Vcpu | undefined): void;
  /** It has run for so many microseconds. */
  charge(vcpu: Vcpu, time: number): void;
  /** When `timer` is to be called; null: never. */
  readonly deadline: number | null;
  timer(): void;
  /** A runnable vCPU that may not run for now. */
  parked(vcpu: Vcpu): boolean;
  /** `current` runs there and still could. Whom it gives must be runnable and allowed there. */
  pick(pcpu: number, current: Vcpu | undefined): Choice;
  /** What it orders this vCPU by, in words; for reasons. */
  standing(vcpu: Vcpu): string;
  /** The same as a number, for pictures over time. */
  standingValue(vcpu: Vcpu): StandingValue;
  save(): unknown;
  restore(state: unknown): void;
}

/** Plain data is copied by way of its text: what would not survive that must not be in a snapshot. */
export const copy = <T>(state: T): T => JSON.parse(JSON.stringify(state)) as T;

const places = (pcpus: number): number[] => Array.from({ length: pcpus }, (_, pcpu) => pcpu);

/** The pCPUs a vCPU may run on, the one where it last ran first. */
export const placesFor = (context: Context, vcpu: Vcpu): number[] =>
  places(context.pcpus)
    .filter((pcpu) => allowed(vcpu, pcpu))
    .sort((a, b) => Number(b === vcpu.pcpu) - Number(a === vcpu.pcpu) || a - b);

/** Asks an idle pCPU to look again, or else the one where the vCPU would gain most; `gain` above 0 says that it should. */
export function tickleFor(context: Context, vcpu: Vcpu, gain: (current: Vcpu) => number): void {
  let best = { pcpu: -1, gain: 0 };
  for (const pcpu of placesFor(context, vcpu)) {
    const current = context.running(pcpu);
    if (!current) {
      context.tickle(pcpu);
      return;
    }
    const here = gain(current);
    if (here > best.gain) best = { pcpu, gain: here };
  }
  if (best.pcpu >= 0) context.tickle(best.pcpu);
}

/** The others that could have run, for a reason. */
export const waitingText = (vcpus: readonly Vcpu[], standing: (vcpu: Vcpu) => string): string =>
  vcpus.length === 0
    ? "nobody else waits"
    : `waiting: ${vcpus.map((vcpu) => `${vcpu.id} ${standing(vcpu)}`).join(", ")}`;

export const earliest = (...times: (number | null)[]): number | null =>
  times.reduce((a, b) => (a === null ? b : b === null ? a : Math.min(a, b)), null);

export const milliseconds = (time: number): string => `${Number((time / 1000).toFixed(3))} ms`;

/** @throws Error if a scheduler chose what cannot be: our own fault */
export function checkChoice({ vcpu, until }: Choice, pcpu: number, current: Vcpu | undefined, now: number): void {
  if (until !== null && until <= now) throw new Error(`A turn on pCPU ${pcpu} has no length.`);
  if (!vcpu) return;
  if (!allowed(vcpu, pcpu)) throw new Error(`${vcpu.id} may not run on pCPU ${pcpu}.`);
  if (vcpu !== current && vcpu.state !== "runnable")
    throw new Error(`${vcpu.id} was chosen for pCPU ${pcpu}, but is ${vcpu.state}.`);
}
