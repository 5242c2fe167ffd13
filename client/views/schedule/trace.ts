import type { LocatedEvent } from "../../../debug-adapter/protocol.ts";
import { type Parameters, runStates, vmStates } from "../../../emulator/schedule/vcpu.ts";
import { mostHeld } from "../shared/event-log.ts";
import { Numbers } from "../shared/numbers.ts";
import { Sharing } from "../shared/sharing.ts";
import { Lane } from "./lane.ts";
import { Standings } from "./standings.ts";

export type Decision = LocatedEvent & { readonly kind: "schedule" };

/** The value of a physical CPU's lane where nothing runs. */
export const idle = -2;
export const running = runStates.indexOf("running");
const wanting = ["running", "runnable", "parked"].map((state) => (runStates as readonly string[]).indexOf(state));
export const hazard = vmStates.indexOf("concurrency hazard");

/** Events whose reasons are kept: they take most of the memory. */
const mostReasons = 200_000;

export interface VcpuTrack {
  readonly id: string;
  readonly vm: string;
  /** Values are places in `runStates`; counted is the time of running, and that of wanting to run. */
  readonly lane: Lane;
  readonly standings: Standings;
  /** What held from which event on. */
  readonly parameters: { readonly event: number; readonly of: Parameters }[];
}

export interface VmTrack {
  readonly name: string;
  /** Values are places in `vmStates`; the time counted is that of the concurrency hazard. */
  readonly lane: Lane;
}

/**
 * What the events tell, as lanes over time. Events are numbered by their place here; of a million of them nothing but numbers is kept, and
 * of the newest the reasons. It changes as events come and go.
 */
export class Trace {
  readonly sequence = new Numbers();
  /** Microseconds of virtual time of the host. */
  readonly time = new Numbers();
  readonly #cycle = new Numbers();
  readonly #what: Decision["what"][] = [];
  readonly #reason: (string | undefined)[] = [];
  readonly #pcpu = new Numbers();
  readonly #subject = new Numbers();
  readonly #from = new Numbers();
  readonly #movedFrom = new Numbers();
  /** The events by which vCPUs came to other physical CPUs than they last ran on. */
  readonly migrations = new Numbers();
  readonly #source: Decision["source"][] = [];
  readonly #sharing = new Sharing();
  /** One for each physical CPU that was heard of; values are places in `vcpus`, or `idle`. */
  readonly pcpus: Lane[] = [];
  /** In the order in which they were heard of; VMs too. */
  readonly vcpus: VcpuTrack[] = [];
  readonly vms: VmTrack[] = [];
  /** What the scheduler orders vCPUs by; empty as long as it did not say. */
  measure = "";
  /** Events that are held before all begins anew. */
  readonly most: number;

  constructor(most = mostHeld) {
    this.most = most;
  }

  get length(): number {
    return this.sequence.length;
  }

  learn(events: readonly LocatedEvent[]): void {
    for (const event of events) if (event.kind === "schedule") this.#add(event);
  }

  #add(event: Decision): void {
    const n = this.length;
    this.sequence.push(event.sequence);
    this.time.push(event.time);
    this.#cycle.push(event.cycle);
    this.#what.push(event.what);
    this.#reason.push(event.reason);
    if (n >= mostReasons) this.#reason[n - mostReasons] = undefined;
    this.#pcpu.push(event.pcpu ?? -1);
    this.#subject.push(event.subject === null ? -1 : this.#numberOf(event.subject));
    this.#from.push(event.from === null ? -1 : this.#numberOf(event.from));
    this.#movedFrom.push(event.movedFrom ?? -1);
    if (event.movedFrom !== undefined) this.migrations.push(n);
    this.#source.push(event.source && this.#sharing.source(event.rip, event.source));
    this.#place(event, n);
    for (const { vcpu, state } of event.states) this.#track(vcpu).lane.enter(event.time, runStates.indexOf(state), n);
    for (const { vm, state } of event.vms) this.#vm(vm).lane.enter(event.time, vmStates.indexOf(state), n);
    for (const { vcpu, ...standing } of event.standings) {
      this.measure = standing.measure;
      this.#track(vcpu).standings.learn(event.time, standing, n);
    }
    if (event.parameters && event.subject !== null)
      this.#track(event.subject).parameters.push({ event: n, of: event.parameters });
  }

  /** Who is on the physical CPU from this event on. */
  #place({ what, time, pcpu, subject, states }: Decision, n: number): void {
    if (pcpu === null) return;
    const lane = this.#lane(pcpu);
    const number = subject === null ? idle : this.#numberOf(subject);
    const track = this.vcpus[number];
    if (what === "switch" || what === "keep") {
      if (lane.latest !== number) lane.enter(time, number, n);
      // Of a vCPU that runs since before the first event kept, this is the first that is heard.
      if (track?.lane.length === 0 && states.length === 0) track.lane.enter(time, running, n);
    } else if (what === "idle" || (what === "block" && lane.latest === number))
      if (lane.latest !== idle) lane.enter(time, idle, n);
  }

  #lane(pcpu: number): Lane {
    while (this.pcpus.length <= pcpu) this.pcpus.push(new Lane());
    return this.pcpus[pcpu]!;
  }

  readonly #numbers = new Map<string, number>();

  #numberOf(id: string): number {
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    const vm = id.slice(0, id.lastIndexOf("/"));
    this.#vm(vm);
    this.vcpus.push({ id, vm, lane: new Lane([running], wanting), standings: new Standings(), parameters: [] });
    this.#numbers.set(id, this.vcpus.length - 1);
    return this.vcpus.length - 1;
  }

  #track(id: string): VcpuTrack {
    return this.vcpus[this.#numberOf(id)]!;
  }

  #vm(name: string): VmTrack {
    const known = this.vms.find((vm) => vm.name === name);
    if (known) return known;
    const vm = { name, lane: new Lane([hazard]) };
    this.vms.push(vm);
    return vm;
  }

  /** Forgets what came after a sequence number. */
  rewind(sequence: number): void {
    const length = this.sequence.upTo(sequence);
    if (length === this.length) return;
    for (const column of [
      this.sequence,
      this.time,
      this.#cycle,
      this.#pcpu,
      this.#subject,
      this.#from,
      this.#movedFrom,
    ])
      column.length = length;
    this.migrations.length = this.migrations.upTo(length - 1);
    for (const list of [this.#what, this.#reason, this.#source]) list.length = length;
    for (const lane of [...this.pcpus, ...this.vms.map((vm) => vm.lane)]) lane.rewind(length);
    for (const { lane, standings, parameters } of this.vcpus) {
      lane.rewind(length);
      standings.rewind(length);
      while ((parameters.at(-1)?.event ?? -1) >= length) parameters.pop();
    }
  }

  /** An event as a row. */
  row(n: number) {
    const [subject, from] = [this.vcpus[this.#subject.at(n)], this.vcpus[this.#from.at(n)]];
    const pcpu = this.#pcpu.at(n);
    const movedFrom = this.#movedFrom.at(n);
    return {
      n,
      sequence: this.sequence.at(n),
      time: this.time.at(n),
      what: this.#what[n]!,
      pcpu: pcpu < 0 ? undefined : pcpu,
      subject,
      from,
      movedFrom: movedFrom < 0 ? undefined : movedFrom,
      reason: this.#reason[n] ?? "so long ago that the reason is no longer kept",
      source: this.#source[n],
    };
  }

  /** The place of an event with this sequence number; undefined if it is not here. */
  placeOf(sequence: number): number | undefined {
    const n = this.sequence.upTo(sequence) - 1;
    return n >= 0 && this.sequence.at(n) === sequence ? n : undefined;
  }

  /** Virtual time of an event in cycles. */
  cycleOf(n: number): number {
    return this.#cycle.at(n);
  }

  /** Number of events up to a virtual time in cycles. */
  upToCycle(cycle: number): number {
    return this.#cycle.upTo(cycle);
  }

  /** Cycles of virtual time as microseconds, by the last event that tells both. */
  microseconds(cycle: number): number {
    for (let n = this.length - 1; n >= 0; n--)
      if (this.#cycle.at(n) > 0 && this.time.at(n) > 0) return (cycle * this.time.at(n)) / this.#cycle.at(n);
    return 0;
  }
}

export type DecisionRow = ReturnType<Trace["row"]>;
