import type { EventFilter, VcpuPlace } from "../emulator/machine-interface.ts";
import type { MachineEvent } from "../emulator/trace/event.ts";
import { conditionHolds, logText } from "./breakpoints.ts";
import type { Subject } from "./evaluate.ts";
import { type ArmedEvent, goJustBefore } from "./event-breakpoints.ts";
import { classById, classesOf, type Stage } from "./event-catalogue.ts";
import { describeEvent } from "./event-text.ts";
import { presentOf, returnTo } from "./history.ts";
import type { Surroundings } from "./run.ts";
import { seenFrom } from "./threads.ts";

/** An event at which the guest stops. */
export interface EventHit {
  readonly event: MachineEvent;
  readonly stage: Stage;
  /** Titles of the breakpoints that stop it; those of the client's own filters have none. */
  readonly by: readonly string[];
  /** The event that was recorded last before the guest can stand there; of an exit after it was handled, the entry. */
  readonly recorded: MachineEvent;
}

/** An event with a breakpoint that accepts it, scope included, but for what the guest's state says. */
interface Met {
  readonly recorded: MachineEvent;
  readonly event: MachineEvent;
  readonly armed: ArmedEvent;
}

/** What is done at events: `run` stops, logs and counts; `step` has stopped anyway; `count` counts only. */
type Mode = "run" | "step" | "count";

/** Until the VMM handles an exit, the guest stands before that: no need to go back. */
const isEarly = ({ event, armed }: Met): boolean => armed.stage === "before" && event.kind !== "exit";

const placeOf = ({ vm, vcpu }: MachineEvent): VcpuPlace => ({ vm, vcpu });

const identity = (event: MachineEvent): string => `${event.sequence} ${event.kind} ${describeEvent(event)}`;

/** Watches the event stream of a machine that runs, and says where breakpoints on events stop it. */
export class EventWatch {
  readonly #subject: Subject;
  readonly #log: Surroundings["log"];
  #armed: readonly ArmedEvent[] = [];
  #byClass = new Map<string, ArmedEvent[]>();
  #filter: EventFilter | undefined;
  #met: Met[] = [];
  /** The events before which the guest stands stopped, and the moment: running on from there passes them. */
  #acknowledged = { step: -1, events: new Set<string>() };

  constructor(subject: Subject, log: Surroundings["log"]) {
    this.#subject = subject;
    this.#log = log;
  }

  get armed(): readonly ArmedEvent[] {
    return this.#armed;
  }
  set armed(armed: readonly ArmedEvent[]) {
    const old = new Set(this.#armed);
    this.#armed = armed;
    this.#byClass = new Map();
    for (const one of armed)
      if (typeof one.event === "string") this.#byClass.set(one.event, [...(this.#byClass.get(one.event) ?? []), one]);
    this.#countRecorded(new Set(armed.filter((one) => !old.has(one) && one.action === "count" && !one.needsState)));
    this.#filter = armed.length === 0 ? undefined : { ...filterOf(armed), accept: (event) => this.#accept(event) };
  }

  /** What has happened before somebody asked counts, too, where the events alone say it. */
  #countRecorded(armed: ReadonlySet<ArmedEvent>): void {
    if (armed.size === 0) return;
    for (const event of this.#subject.machine.events(0, Number.MAX_SAFE_INTEGER, [...filterOf([...armed]).kinds]))
      for (const met of this.#candidates(event)) if (armed.has(met.armed)) met.armed.hits.add(event);
  }

  /** For runs of the machine after which `judge` is asked. */
  get filter(): EventFilter | undefined {
    return this.#filter;
  }

  /** The same for what has been counted already: accepts what may stop the guest. */
  searching(met: (event: MachineEvent) => void): EventFilter | undefined {
    const stopping = this.#armed.filter(({ action }) => action === "stop");
    const accept = (event: MachineEvent) => {
      const accepted = this.#candidates(event).some(({ armed }) => armed.action === "stop");
      if (accepted) met(event);
      return accepted;
    };
    return stopping.length === 0 ? undefined : { ...filterOf(stopping), accept };
  }

  /** The guest is about to run from here: what has been counted after this moment has not happened yet. */
  begin(): void {
    const { machine } = this.#subject;
    this.#met = [];
    if (machine.now !== this.#acknowledged.step) this.#acknowledged.events.clear();
    for (const { hits } of this.#armed) hits.forgetFuture(machine);
  }

  /** What breakpoints say of events since `begin`; after a step of the machine that recorded some. */
  judge(mode: Mode): EventHit | undefined {
    const met = this.#met;
    this.#met = [];
    if (met.length === 0) return undefined;
    return (
      this.#judgeEarly(met, mode) ??
      hitOf(
        this.#performed(
          met.filter((one) => !isEarly(one)),
          mode,
        ),
      )
    );
  }

  /** Goes back to before what happened, and stays there if that stops the guest. */
  #judgeEarly(met: readonly Met[], mode: Mode): EventHit | undefined {
    const early = met.filter((one) => isEarly(one) && !this.#isPassed(one.event));
    const [first] = early;
    if (!first) return undefined;
    const { machine } = this.#subject;
    const present = presentOf(machine);
    goJustBefore(machine, first.recorded);
    const stops = this.#performed(early, mode);
    if (mode === "run" && stops.length > 0) {
      this.acknowledge(early.map(({ event }) => event));
      return hitOf(stops);
    }
    returnTo(machine, present);
    return undefined;
  }

  /** The guest stands before these events, and has stopped for them; in the same place perhaps for others before. */
  acknowledge(events: readonly MachineEvent[]): void {
    const { now } = this.#subject.machine;
    const others = now === this.#acknowledged.step ? this.#acknowledged.events : [];
    this.#acknowledged = { step: now, events: new Set([...others, ...events.map(identity)]) };
  }

  #isPassed(event: MachineEvent): boolean {
    const { step, events } = this.#acknowledged;
    return event.step >= step && event.step <= step + 1 && events.has(identity(event));
  }

  /** Logs and counts what is to be at this moment; gives what stops the guest. */
  #performed(met: readonly Met[], mode: Mode): readonly Met[] {
    const holding = met.filter((one) => this.holds(one));
    for (const { recorded, event, armed } of holding) {
      if (armed.action === "count") armed.hits.add(recorded);
      if (armed.action === "log" && mode !== "count")
        this.#log(this.#text(event, armed), { vm: event.vm, linear: BigInt(`0x${event.rip}`) });
    }
    return holding.filter(({ armed }) => armed.action === "stop");
  }

  #text(event: MachineEvent, { message }: ArmedEvent): string {
    if (!message) return `${event.kind}: ${describeEvent(event)}`;
    return seenFrom(this.#subject.machine, placeOf(event), () => logText({ ...this.#subject, event }, message));
  }

  /** Whether what a breakpoint says of the guest is true now, of the vCPU that the event is about: another may be about to run. */
  holds({ event, armed: { ring, condition } }: Met): boolean {
    const { machine } = this.#subject;
    if (ring === undefined && condition === undefined) return true;
    return seenFrom(machine, placeOf(event), () => {
      const inRing = ring === undefined || machine.register("CPL") === BigInt(ring);
      return inRing && conditionHolds({ ...this.#subject, event }, condition);
    });
  }

  /** The breakpoints that stop at an event of the past, the machine standing at their stage of it. */
  stopsAt(recorded: MachineEvent, stage: Stage): EventHit | undefined {
    const met = this.#candidates(recorded).filter(({ armed }) => armed.action === "stop" && armed.stage === stage);
    return hitOf(met.filter((one) => this.holds(one)));
  }

  /** The stages at which breakpoints may stop at an event, and whether they do so in any state of the guest. */
  stagesOf(recorded: MachineEvent): readonly { readonly stage: Stage; readonly surely: boolean }[] {
    const stopping = this.#candidates(recorded).filter(({ armed }) => armed.action === "stop");
    return (["after", "before"] as const).flatMap((stage) => {
      const here = stopping.filter(({ armed }) => armed.stage === stage);
      return here.length === 0 ? [] : [{ stage, surely: here.some(({ armed }) => !armed.needsState) }];
    });
  }

  #accept(event: MachineEvent): boolean {
    let stops = false;
    for (const met of this.#candidates(event)) {
      if (met.armed.action === "count" && !met.armed.needsState) met.armed.hits.add(event);
      else {
        this.#met.push(met);
        stops = true;
      }
    }
    return stops;
  }

  /** What accepts an event. The VMM has acted on an exit when the guest is entered again. */
  #candidates(recorded: MachineEvent): readonly Met[] {
    const here = this.#accepting(recorded)
      .filter(({ stage }) => recorded.kind !== "exit" || stage === "before")
      .map((armed) => ({ recorded, event: recorded, armed }));
    if (recorded.kind !== "entry" || recorded.exit === 0) return here;
    const [exit] = this.#subject.machine.events(recorded.exit - 1, 1);
    if (exit?.sequence !== recorded.exit) return here;
    const handled = this.#accepting(exit).filter(({ stage }) => stage === "after");
    return [...here, ...handled.map((armed) => ({ recorded, event: exit, armed }))];
  }

  #accepting(event: MachineEvent): readonly ArmedEvent[] {
    const { technique } = this.#subject.machine.configuration;
    const known = classesOf(event, technique).flatMap((id) => this.#byClass.get(id) ?? []);
    const others = this.#armed.filter(
      ({ kinds, event: accepts }) => typeof accepts === "function" && kinds.includes(event.kind) && accepts(event),
    );
    return [...known, ...others].filter(
      ({ vm, vcpu, condition, needsState }) =>
        (vm === undefined || vm === event.vm) &&
        (vcpu === undefined || vcpu === event.vcpu) &&
        (needsState || conditionHolds({ ...this.#subject, event }, condition)),
    );
  }
}

/** What to look at: what the VMM has done about an exit is known at the entry. */
function filterOf(armed: readonly ArmedEvent[]): Pick<EventFilter, "kinds" | "reasons"> {
  const kinds = armed.flatMap(({ kinds: own, stage }) =>
    own.map((kind) => (kind === "exit" && stage === "after" ? ("entry" as const) : kind)),
  );
  const reasons = armed.filter((one) => one.kinds.includes("exit") && one.stage === "before").map(reasonOf);
  return {
    kinds: new Set(kinds),
    reasons: reasons.includes(undefined) ? undefined : new Set(reasons as readonly string[]),
  };
}

/** The reason of the exits that a breakpoint is about; undefined if that can be any. */
function reasonOf({ event }: ArmedEvent): string | undefined {
  const found = typeof event === "string" ? classById(event) : undefined;
  return found?.folder.reasonOf?.(found.leaf.key);
}

function hitOf(stops: readonly Met[]): EventHit | undefined {
  const [first] = stops;
  if (!first) return undefined;
  const { event, recorded, armed } = first;
  const by = stops.filter((one) => one.event === event).map((one) => one.armed.title);
  return { event, recorded, stage: armed.stage, by: by.filter((title) => title !== "") };
}
