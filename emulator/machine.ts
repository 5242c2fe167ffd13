import { Computer } from "./computer.ts";
import { configurationProblem } from "./configuration/configuration.ts";
import { adjustmentProblem } from "./configuration/host-configuration.ts";
import {
  type AnyConfiguration,
  type ComputerConfiguration,
  computerOf,
  type VmConfiguration,
} from "./configuration/machine-configuration.ts";
import { restoreCore, type SavedCore, saveCore } from "./cpu/core-state.ts";
import { layout, ramBase } from "./cpu/layout.ts";
import type { Screen } from "./devices/screen.ts";
import { strokesOf } from "./devices/typing.ts";
import { type Digest, digestOf } from "./digest.ts";
import { Execution } from "./execution.ts";
import { Inspection } from "./inspection/inspection.ts";
import type {
  AddressSpace,
  Adjustment,
  MachineInterface,
  RunOptions,
  Stop,
  VcpuPlace,
  VcpuView,
} from "./machine-interface.ts";
import { type Fairness, fairness } from "./schedule/fairness.ts";
import type { Intervened, Intervention } from "./time/intervention.ts";
import { type Kept, type Replayable, Timeline } from "./time/timeline.ts";
import type { EventKind, MachineEvent, Outlook } from "./trace/event.ts";
import { linearText } from "./trace/event-columns.ts";
import type { Printed } from "./trace/recorder.ts";
import type { Stopped, VirtualMachine } from "./virtual-machine/virtual-machine.ts";
import type { NamedField } from "./vmm/control-fields.ts";
import type { DomainView } from "./vmm/xen/domain-view.ts";

/** Snapshots may take this much, or as much as the guests' memory: less would keep none of a guest that writes all of it. */
const leastSnapshotBytes = 32 * 2 ** 20;
const coreIn = ({ large }: Kept): SavedCore => ({ block: large[0] as Float64Array, tlb: large[1] as Int32Array });

/** Steps between snapshots at first, for each VM whose devices have to be saved. */
const snapshotInterval = 2 ** 20;

/**
 * One emulated computer with its VMs, and the way back in time. The present moment is a number of steps, counted for the whole
 * computer.
 *
 * Devices change only at accesses and at their deadlines in virtual time, and every run pauses exactly there, so what
 * happens does not depend on how the time was cut into runs.
 */
export class Machine extends Inspection implements MachineInterface, Replayable<Intervention> {
  readonly configuration: ComputerConfiguration;
  readonly #computer: Computer;
  readonly #execution: Execution;
  readonly #timeline: Timeline<Intervention>;

  /**
   * @param actions what is done to it from outside, and when
   * @param snapshotBytes that snapshots for going back may take; 0: none but the start. Default: as much as the guests' memory
   */
  constructor(given: AnyConfiguration, actions: readonly Intervened[] = [], snapshotBytes?: number) {
    const configuration = computerOf(given);
    const computer = new Computer(configuration);
    super(computer);
    this.configuration = configuration;
    this.#computer = computer;
    this.#execution = new Execution(computer);
    const { vms } = configuration;
    const bytes = vms.reduce((sum, vm) => sum + vm.memory * 2 ** 20, 0);
    this.#timeline = new Timeline(this, computer.ram, {
      limit: snapshotBytes ?? Math.max(leastSnapshotBytes, bytes),
      interval: snapshotInterval * vms.length,
      actions,
      writes: computer.writes(),
    });
    this.#execution.turn();
  }

  // What is, now.

  get now(): number {
    return this.#computer.now;
  }
  get cycle(): number {
    return this.#computer.cycle;
  }
  get instructions(): number {
    return this.#execution.instructions;
  }
  get directInstructions(): number {
    const { cpu, now, vms } = this.#computer;
    const interpreted = vms.reduce((sum, vm) => sum + vm.processors.interpretedInstructions, 0);
    return now - cpu.f64[layout.unretired >> 3]! - interpreted;
  }
  get walkReferences(): number {
    return this.#computer.cpu.f64[layout.walkReferences >> 3]!;
  }
  get guest(): VmConfiguration {
    return this.#computer.vm.configuration;
  }
  get vm(): string {
    return this.#computer.vm.name;
  }
  get vcpu(): number {
    return this.#computer.vm.processors.current;
  }
  get pendingExit(): MachineEvent | undefined {
    const { chronicle } = this.#computer;
    return chronicle.pending === undefined ? undefined : chronicle.at(chronicle.pending);
  }
  get stopped(): Stopped | undefined {
    return this.#computer.stopped;
  }

  /** All machine memory: processor state, TLB and host-physical RAM (`cpu/layout.ts`). To compare, not to change. */
  get bytes(): Uint8Array {
    return this.#computer.cpu.bytes;
  }

  get lastSequence(): number {
    return this.#computer.chronicle.lastSequence;
  }

  events(after: number, limit: number, kinds?: readonly EventKind[]): readonly MachineEvent[] {
    return this.#computer.chronicle.after(after, limit, kinds);
  }

  printed(after: number): readonly Printed[] {
    return this.#computer.chronicle.recorder.printed(after);
  }

  // Running.

  step(): Stop {
    const stop = this.run({ steps: 1, only: "as before" });
    return stop.kind === "limit" ? { kind: "step" } : stop;
  }

  run(options: RunOptions): Stop {
    this.#computer.goHome();
    const only = options.only === "as before" ? undefined : this.#execution.changeFor(options.only);
    if (only !== undefined) this.#timeline.act({ kind: "freeze", only });
    return this.#execution.run(options, this.#timeline);
  }

  advance(steps: number): void {
    this.#execution.run({ steps }, this.#timeline);
  }

  // Looking.

  vcpus(): readonly VcpuView[] {
    const { vms } = this.#computer;
    return vms.flatMap((vm) => Array.from({ length: vm.processors.count }, (_, vcpu) => this.#view(vm, vcpu)));
  }

  #view({ name, processors }: VirtualMachine, vcpu: number): VcpuView {
    const { linear, bits } = processors.placeOf(vcpu);
    const view = {
      ...{ vm: name, vcpu, bits, cycle: processors.cycleOf(vcpu) },
      linearRip: BigInt.asUintN(64, BigInt(linear)),
    };
    return {
      ...view,
      ...(this.#computer.schedule?.view(`${name}/${vcpu}`) ?? {
        ...{ pcpu: vcpu, standing: undefined, parameters: undefined, times: undefined },
        state: processors.isAsleep(vcpu) ? "blocked" : "running",
      }),
    };
  }

  look(at: VcpuPlace | undefined): string | undefined {
    if (!at) {
      this.#computer.goHome();
      return undefined;
    }
    const { vm, vcpu } = at;
    const found = this.#computer.named(vm);
    if (!found) return `There is no VM ${vm}.`;
    const { count } = found.processors;
    if (!(vcpu >= 0 && vcpu < count)) return `${vm} has no vCPU ${vcpu}: it has ${count}, numbered from 0.`;
    this.#computer.visit({ vm, vcpu });
    return undefined;
  }

  /** The vCPU that is meant by what is done: the one that is looked at. Not told where there is but one. */
  get #meant(): { readonly on?: VcpuPlace } {
    const { place, vm, vms } = this.#computer;
    return vms.length > 1 || vm.processors.count > 1 ? { on: place } : {};
  }

  schedule(): Fairness | undefined {
    const { schedule } = this.#computer;
    return schedule && fairness(schedule.cpus);
  }

  walk(linear: bigint): MachineEvent & { kind: "walk" } {
    const { linear: at, ...moment } = this.#computer.chronicle.present();
    return { sequence: this.lastSequence, ...moment, rip: linearText(at), ...this.walked(linear) };
  }

  why(): Outlook | undefined {
    const { pendingExit } = this;
    if (pendingExit?.kind !== "exit") return this.outlook();
    const { what, why } = pendingExit;
    return { outcome: "leaves", what, why, sensitive: true };
  }

  domains(): readonly DomainView[] {
    return this.#computer.vms.flatMap(({ name, processors }) => processors.domain(name) ?? []);
  }

  disk(drive: number): Uint8Array | undefined {
    return this.#computer.vm.disk(drive);
  }

  get screen(): Screen {
    return this.#computer.vm.board.devices.vga.screen();
  }

  get digest(): Digest {
    const looked = this.#computer.visiting ? this.#computer.place : undefined;
    this.#computer.goHome();
    const digest = digestOf(this.bytes.subarray(ramBase), this.save());
    if (looked) this.#computer.visit(looked);
    return digest;
  }

  // Changing.

  adjust(vm: string, vcpu: number | undefined, adjustment: Adjustment): string | undefined {
    const views = this.vcpus().filter((view) => view.vm === vm && (vcpu === undefined || view.vcpu === vcpu));
    const problem = adjustmentProblem({ vm, vcpu, adjustment }, this.configuration, views);
    if (problem !== undefined) return problem;
    this.#timeline.act({ kind: "adjust", vm, ...(vcpu !== undefined && { vcpu }), adjustment });
    return undefined;
  }

  setRegister(name: string, value: bigint): true | string {
    return this.#timeline.act({ kind: "set-register", name, value, ...this.#meant }) as true | string;
  }

  setControlField(field: NamedField, value: bigint): true | string {
    const problem = this.fieldProblem(field, value);
    if (problem !== undefined) return problem;
    const { block, identifier } = field;
    return this.#timeline.act({ kind: "set-field", block, field: identifier, value, ...this.#meant }) as true | string;
  }

  writeMemory(space: AddressSpace, address: bigint, bytes: Uint8Array): number {
    const what = { kind: "write-memory", space, address, bytes: bytes.slice(), ...this.#meant } as const;
    return this.#timeline.act(what) as number;
  }

  input(text: string): void {
    this.#timeline.act({ kind: "input", text, ...this.#meant });
  }

  press(text: string): string | undefined {
    const strokes = strokesOf(text);
    if (typeof strokes === "string") return strokes;
    this.#timeline.act({ kind: "press", text, ...this.#meant });
    return undefined;
  }

  get actions(): readonly Intervened[] {
    return this.#timeline.actions;
  }

  perform(what: Intervention): true | string | number | undefined {
    const looked = this.#computer.visiting ? this.#computer.place : undefined;
    this.#computer.visit(what.on ?? this.#computer.place);
    const result = this.#perform(what);
    this.#computer.goHome();
    this.#computer.schedule?.touched();
    if (what.kind === "freeze") this.#execution.freeze(what.only ?? undefined);
    this.#execution.turn();
    if (looked) this.#computer.visit(looked);
    return result;
  }

  #perform(what: Intervention): true | string | number | undefined {
    switch (what.kind) {
      case "input":
        this.#computer.vm.input(what.text);
        return undefined;
      case "press":
        return this.#computer.vm.press(what.text);
      case "set-register":
        return this.changeRegister(what);
      case "set-field":
        return this.changeControlField(what);
      case "write-memory":
        return this.changeMemory(what);
      case "adjust":
        this.#computer.schedule?.adjust(this.#computer.named(what.vm)!, what.vcpu, what.adjustment);
        return undefined;
      case "freeze":
        return undefined;
    }
  }

  // Going back.

  goTo(step: number): void {
    this.#computer.goHome();
    this.#timeline.goTo(step);
  }

  get settled(): boolean {
    return this.#computer.chronicle.pending === undefined;
  }

  /** All state that is not in memory, registers or TLB, as plain JSON. */
  save(): unknown {
    return { computer: this.#computer.save(), only: this.#execution.save() };
  }

  keep(before: Kept | undefined): Kept {
    const core = saveCore(this.#computer.cpu, before && coreIn(before));
    return { rest: this.save(), large: [core.block, core.tlb] };
  }

  takeBack(kept: Kept): void {
    const { computer, only } = kept.rest as { computer: unknown; only: VcpuPlace | null };
    restoreCore(this.#computer.cpu, coreIn(kept));
    this.#computer.restore(computer);
    this.#execution.restore(only);
  }
}

/** A machine with its guest loaded and ready to run; the parameters are those of `Machine`. @throws RangeError with `configurationProblem`'s sentence */
export function createMachine(
  configuration: AnyConfiguration,
  actions: readonly Intervened[] = [],
  snapshotBytes?: number,
): Machine {
  const problem = configurationProblem(configuration);
  if (problem !== undefined) throw new RangeError(problem);
  return new Machine(configuration, actions, snapshotBytes);
}
