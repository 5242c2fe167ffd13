import type { MachineInterface, Stop, VcpuPlace, Watch, WatchHit } from "../emulator/machine-interface.ts";
import type { MachineEvent, StopReason } from "../emulator/trace/event.ts";
import { type Breakpoint, conditionHolds, isAt, logText, satisfiesHitCondition } from "./breakpoints.ts";
import { accessText } from "./data-breakpoints.ts";
import { type EventHit, EventWatch } from "./event-watch.ts";
import { occurrenceAt, previousStart } from "./history.ts";
import { Pace } from "./pace.ts";
import type { Program } from "./program.ts";
import type { Programs } from "./programs.ts";
import { Standing } from "./standing.ts";
import { lookAt, samePlace, seenFrom } from "./threads.ts";

/** Why the debugger stopped. */
export type Halt =
  /** Before the first instruction. */
  | { readonly kind: "entry" }
  | { readonly kind: "step" }
  | { readonly kind: "pause" }
  /** Somewhere a person asked to go; with the exit that is pending there, if that was it. */
  | { readonly kind: "goto"; readonly exit?: ExitEvent }
  /** The instruction pointer was set. */
  | { readonly kind: "jump" }
  /** There is no moment such as a person asked for, and why. */
  | { readonly kind: "stay"; readonly text: string }
  /** Going backwards, the beginning was reached. */
  | { readonly kind: "start" }
  | { readonly kind: "breakpoint"; readonly breakpoints: readonly Breakpoint[]; readonly text?: string }
  /** An exit is pending; with the titles of the event breakpoints that stop there, if any do. */
  | { readonly kind: "exit"; readonly event: ExitEvent; readonly by?: readonly string[] }
  /** The instruction about to run will raise this. */
  | { readonly kind: "exception"; readonly event: ExceptionEvent; readonly by: readonly string[] }
  /** Any other event, or the same after it was acted upon; there may be breakpoints in the same place. */
  | (EventHit & { readonly kind: "event"; readonly breakpoints?: readonly Breakpoint[] })
  /** With the event breakpoints that want to see it. */
  | { readonly kind: "end"; readonly reason: StopReason; readonly text: string; readonly by?: readonly string[] };

export type ExitEvent = MachineEvent & { kind: "exit" };
export type ExceptionEvent = MachineEvent & { kind: "exception" };

export function haltAt(hit: EventHit): Halt {
  const { event, stage, by } = hit;
  if (stage === "before" && event.kind === "exit") return { kind: "exit", event, by };
  if (stage === "before" && event.kind === "exception") return { kind: "exception", event, by };
  return { kind: "event", ...hit };
}

/** An event and something else stop the guest at once. */
function merged(hit: EventHit, other: Halt | undefined): Halt {
  if (other?.kind === "end") return { ...other, by: hit.by };
  const halt = haltAt(hit);
  return halt.kind === "event" && other?.kind === "breakpoint" ? { ...halt, breakpoints: other.breakpoints } : halt;
}

export interface LoggedPlace {
  readonly vm: string;
  readonly linear: bigint;
}

/** What the debugger needs of the process it lives in. */
export interface Surroundings {
  /** Lets other work, such as a request to pause, come in; called between slices. */
  breathe(): Promise<void>;
  /** Waits, unless it is over, until those who follow the guest's events have read most of them. */
  awaitReaders(isOver: () => boolean): Promise<void>;
  /** A slice has run forwards, or the present has moved. */
  advanced(running: boolean): void;
  /** A logpoint was passed, or an event logged, by the instruction at a linear address of a VM. */
  log(text: string, place: LoggedPlace): void;
}

/** Where a forward run ends besides breakpoints and events. */
export interface Goal {
  readonly addresses: readonly bigint[];
  /** Asked at each of the addresses. */
  readonly reached: () => boolean;
  /** Any VM exit will do. */
  readonly exits?: boolean;
}

/** Steps of other vCPUs that are waited for between two chances to pause. */
const mostOfOthers = 100_000;
const mostEventsOfOthers = 8_000;

const nowhere: Goal = { addresses: [], reached: () => false };

/** Runs a machine forwards in slices, and stops it where breakpoints and events say. */
export class Runner {
  readonly machine: MachineInterface;
  readonly programs: Programs;
  readonly surroundings: Surroundings;
  #breakpoints: readonly Breakpoint[] = [];
  #watches: readonly Watch[] = [];
  /** Watched memory that the last step has touched. */
  #met: readonly WatchHit[] = [];
  readonly events: EventWatch;
  /** The event that stops the guest after the last step, and when that was. */
  #hit: { readonly hit: EventHit; readonly now: number } | undefined;
  pausing = false;
  /** The vCPU that is stepped; undefined: whose turn it is. */
  #attended: VcpuPlace | undefined;
  #alone = false;
  /** The instruction at which breakpoints have been looked at; it may take several steps. */
  #looked = "";
  readonly #standing: Standing;

  constructor(machine: MachineInterface, programs: Programs, surroundings: Surroundings) {
    this.machine = machine;
    this.programs = programs;
    this.surroundings = surroundings;
    this.#standing = new Standing(machine);
    const subject = {
      machine,
      get program() {
        return programs.here;
      },
    };
    this.events = new EventWatch(subject, (text, place) => surroundings.log(text, place));
  }

  /** The program of the VM whose vCPU is in the core, or is looked at. */
  get program(): Program {
    return this.programs.here;
  }

  attend(place: VcpuPlace | undefined, alone: boolean): void {
    this.#attended = place;
    this.#alone = alone;
    this.lookAtAttended();
  }

  /** What is asked of the machine now is about the vCPU that is stepped. */
  lookAtAttended(): void {
    if (this.#attended) this.machine.look(this.#attended);
  }

  /** The vCPU that is stepped is in the core, or is looked at. */
  get attends(): boolean {
    return this.#attended === undefined || samePlace(this.#attended, this.machine);
  }

  /** Where the others stand still, the one that does not. */
  get #only(): { readonly only?: VcpuPlace } {
    return this.#alone && this.#attended ? { only: this.#attended } : {};
  }

  /** The moment before `limit` at which the instruction then at hand of the vCPU that is stepped started. */
  previousStart(limit: number): number {
    return previousStart(this.machine, limit, this.#attended);
  }

  get breakpoints(): readonly Breakpoint[] {
    return this.#breakpoints;
  }
  set breakpoints(breakpoints: readonly Breakpoint[]) {
    this.#breakpoints = breakpoints;
    this.#watches = breakpoints.flatMap(({ watch }) => watch ?? []);
  }

  /** The memory that data breakpoints watch. */
  get watches(): readonly Watch[] {
    return this.#watches;
  }

  /** One step of the machine; what it touches of watched memory is for `arrive` to report. */
  step(): Stop {
    this.events.begin();
    const stop = this.machine.run({ steps: 1, watches: this.#watches, stopOnEvent: this.events.filter, ...this.#only });
    if (stop.kind === "watch") this.#met = [...this.#met, ...stop.hits];
    const hit = this.events.judge("step");
    this.#hit = hit && { hit, now: this.machine.now };
    // The next turn may be another's.
    this.lookAtAttended();
    return stop.kind === "stopped" ? stop : { kind: "step" };
  }

  /** Runs the other vCPUs until it is the turn of the one that is stepped; gives what came in between. */
  async turn(): Promise<Halt | undefined> {
    const turnOf = this.#attended;
    if (!turnOf || this.#alone) return undefined;
    this.pausing = false;
    for (;;) {
      const { now } = this.machine;
      this.events.begin();
      const stop = this.machine.run({
        ...{ steps: mostOfOthers, events: mostEventsOfOthers },
        ...{ breakpoints: this.#addresses(nowhere), watches: this.#watches },
        ...{ stopOnEvent: this.events.filter, turnOf },
      });
      if (stop.kind === "limit" && this.machine.now - now < mostOfOthers && this.attends) return undefined;
      const halt = this.#halt(stop, nowhere);
      if (halt) return halt;
      await this.#breathe();
      if (this.pausing) return { kind: "pause" };
    }
  }

  /** Between two slices of a run. */
  async #breathe(): Promise<void> {
    this.surroundings.advanced(true);
    await this.surroundings.breathe();
    await this.surroundings.awaitReaders(() => this.pausing);
  }

  /** Runs on without stopping for anything, and only counts events. May end early. */
  pass(steps: number): void {
    this.events.begin();
    this.machine.run({ steps, stopOnEvent: this.events.filter, only: "as before" });
    this.events.judge("count");
  }

  get occurrence(): string {
    return occurrenceAt(this.machine);
  }

  async forward(goal: Goal = nowhere): Promise<Halt> {
    this.pausing = false;
    // What a person has looked at is not about to run.
    if (!this.#attended) this.machine.look(undefined);
    this.#looked = this.occurrence;
    this.#standing.forgetMoved();
    this.#standing.note();
    this.#met = [];
    this.#forgetFuture();
    this.events.begin();
    const pace = new Pace();
    for (;;) {
      const { now, lastSequence } = this.machine;
      const stop = this.machine.run({
        ...{ steps: pace.left, events: pace.events },
        breakpoints: this.#addresses(goal),
        watches: this.#watches,
        stopOnExit: goal.exits === true,
        stopOnEvent: this.events.filter,
        ...this.#only,
      });
      const halt = this.#halt(stop, goal);
      if (halt) return halt;
      if (!pace.spend(this.machine.now - now, this.machine.lastSequence - lastSequence)) continue;
      await this.#breathe();
      if (this.pausing) return { kind: "pause" };
    }
  }

  #halt(stop: Stop, goal: Goal): Halt | undefined {
    const hit = this.events.judge("run");
    // The guest was taken back to where nothing else has happened yet.
    const isEarly = hit?.stage === "before" && hit.event.kind !== "exit";
    const other = isEarly ? undefined : this.#judge(stop, goal);
    if (!hit) return other;
    lookAt(this.machine, hit.event);
    return merged(hit, other);
  }

  /** The event breakpoint that stops at the present moment, the last step having led there. */
  get eventHit(): EventHit | undefined {
    return this.#hit?.now === this.machine.now ? this.#hit.hit : undefined;
  }

  /** Hits after the present have not happened yet. */
  #forgetFuture(): void {
    const { now } = this.machine;
    for (const breakpoint of this.breakpoints) breakpoint.hits = breakpoint.hits.filter((moment) => moment <= now);
  }

  #addresses(goal: Goal): ReadonlySet<bigint> {
    return new Set([...this.breakpoints.flatMap(({ addresses }) => addresses), ...goal.addresses]);
  }

  #judge(stop: Stop, goal: Goal): Halt | undefined {
    if (stop.kind === "stopped") return { kind: "end", reason: stop.reason, text: stop.text };
    if (stop.kind === "exit") {
      const event = this.machine.events(stop.sequence - 1, 1)[0];
      if (event?.kind === "exit") return { kind: "exit", event };
    }
    if (stop.kind === "watch") this.#met = stop.hits;
    // A slice may end exactly before a breakpoint, which the next one would pass over.
    if (this.machine.pendingExit) return this.#dataHit();
    if (this.attends && goal.addresses.includes(this.machine.linearRip) && goal.reached()) return this.arrive();
    return this.#hitNow();
  }

  /** A step ends here; a breakpoint in the same place is reported instead. */
  arrive(): Halt {
    const { eventHit } = this;
    this.#hit = undefined;
    const other = this.#hitNow();
    return eventHit ? merged(eventHit, other) : (other ?? { kind: "step" });
  }

  /** What the last step has touched, and what stands before the next instruction. */
  #hitNow(): Halt | undefined {
    // First what is before the vCPU about to run: then it is another that is looked at, perhaps.
    const here = this.hitHere();
    const data = this.#dataHit();
    if (data?.kind !== "breakpoint" || here?.kind !== "breakpoint") return data ?? here;
    return { ...data, breakpoints: [...data.breakpoints, ...here.breakpoints] };
  }

  /** The data breakpoints that stop after the last step. */
  #dataHit(): Halt | undefined {
    const met = this.#met;
    this.#met = [];
    const hit = this.#breakpoints.filter((breakpoint) => {
      const by = met.find(({ watch }) => watch === breakpoint.watch)?.by;
      if (!by) return false;
      const { condition, hitCondition } = breakpoint.wish;
      if (!seenFrom(this.machine, by, () => conditionHolds(this, condition))) return false;
      return !hitCondition || satisfiesHitCondition(hitCondition, this.#countHit(breakpoint));
    });
    const access = met.find(({ watch }) => watch === hit[0]?.watch);
    if (access) lookAt(this.machine, access.by);
    return access ? { kind: "breakpoint", breakpoints: hit, text: accessText(this, access) } : undefined;
  }

  /** Data breakpoints that these accesses, before this moment of the past, stopped at or would have. Counts nothing. */
  touchedInPast(hits: readonly WatchHit[]): readonly Breakpoint[] {
    return this.#breakpoints.filter((breakpoint) => {
      const by = hits.find(({ watch }) => watch === breakpoint.watch)?.by;
      return by !== undefined && seenFrom(this.machine, by, () => this.#stoppedInPast(breakpoint));
    });
  }

  #stoppedInPast({ wish, hits }: Breakpoint): boolean {
    if (wish.logMessage || !conditionHolds(this, wish.condition)) return false;
    const n = hits.indexOf(this.machine.now) + 1;
    return !wish.hitCondition || (n > 0 && satisfiesHitCondition(wish.hitCondition, n));
  }

  /** The breakpoints that stop before the next instruction. Logs, and counts hits; does nothing twice for one execution. */
  hitHere(): Halt | undefined {
    if (this.machine.pendingExit || this.#looked === this.occurrence || this.#standing.isKnown) return undefined;
    this.#looked = this.occurrence;
    this.#standing.note();
    const hit = this.breakpoints.filter((breakpoint) => {
      if (!isAt(breakpoint, this.machine)) return false;
      const { condition, hitCondition, logMessage } = breakpoint.wish;
      if (!conditionHolds(this, condition)) return false;
      if (hitCondition && !satisfiesHitCondition(hitCondition, this.#countHit(breakpoint))) return false;
      if (!logMessage) return true;
      const { vm, linearRip: linear } = this.machine;
      this.surroundings.log(logText(this, logMessage), { vm, linear });
      return false;
    });
    return hit.length > 0 ? { kind: "breakpoint", breakpoints: hit } : undefined;
  }

  #countHit(breakpoint: Breakpoint): number {
    const { now } = this.machine;
    if (breakpoint.hits.at(-1) !== now) breakpoint.hits.push(now);
    return breakpoint.hits.length;
  }

  /** Which breakpoints stopped, or would have, at this moment of the past. Logs and counts nothing. */
  hitInPast(): readonly Breakpoint[] {
    return this.breakpoints.filter((breakpoint) => isAt(breakpoint, this.machine) && this.#stoppedInPast(breakpoint));
  }
}
