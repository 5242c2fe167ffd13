import { type CostProfile, costProfile, defaultCosts } from "../isa/costs.ts";
import { Chronicle, type Whereabouts } from "./chronicle.ts";
import type { ComputerConfiguration } from "./configuration/machine-configuration.ts";
import { Cpu } from "./cpu/cpu.ts";
import { layout, ramBase } from "./cpu/layout.ts";
import { virtualTime } from "./cpu/virtual-time.ts";
import { Engine } from "./engine/interpreter.ts";
import { HostSchedule } from "./host/host-schedule.ts";
import { disconnected, slicesOf } from "./host/slices.ts";
import type { VcpuPlace } from "./machine-interface.ts";
import { exceptionChain } from "./stop-texts.ts";
import { freeCrossings } from "./time/costs.ts";
import type { Writes } from "./time/snapshots.ts";
import type { StopReason } from "./trace/event.ts";
import { observeProcessor } from "./virtual-machine/observer.ts";
import { imageExtent, type Stopped, type Surroundings, VirtualMachine } from "./virtual-machine/virtual-machine.ts";

/**
 * One physical computer: host-physical memory with the VMs one behind the other, the core that executes their vCPUs in turn, the
 * scheduler, and the record of what happens.
 */
export class Computer implements Whereabouts {
  readonly configuration: ComputerConfiguration;
  readonly memory: WebAssembly.Memory;
  readonly cpu: Cpu;
  readonly engine: Engine;
  readonly vms: readonly VirtualMachine[];
  readonly chronicle: Chronicle;
  /** Undefined where each vCPU has a physical CPU for itself. */
  readonly schedule: HostSchedule | undefined;
  readonly #costs: CostProfile;
  #vm: VirtualMachine;
  /** A vCPU is in the core only to be looked at: who is about to run, and who was in the core last of the VM that is visited. */
  #visit: { readonly home: VcpuPlace; readonly vm: VirtualMachine; readonly last: number } | undefined;
  /** How the VM did that stopped last. */
  #lastStopped: Stopped | undefined;

  constructor(configuration: ComputerConfiguration) {
    this.configuration = configuration;
    const { vms, technique, costs, clock, fiveLevelPaging, translate } = configuration;
    this.#costs = clock === "instructions" ? freeCrossings : costProfile(costs ?? defaultCosts)!;
    this.chronicle = new Chronicle(this, this.#costs);
    const { places, ramBytes, memory } = slicesOf(vms, technique);
    this.memory = memory;
    this.cpu = new Cpu({ memory, ramBytes, bus: disconnected, fiveLevelPaging });
    const images = vms.map((vm, n) => {
      const { start, end } = imageExtent(vm);
      return { start: places[n]!.guestBase + start, end: places[n]!.guestBase + end };
    });
    this.engine = new Engine(this.cpu, { images, ...(translate === false ? {} : { translate: { memory } }) });
    this.vms = vms.map((vm, n) => new VirtualMachine(vm, { ...this.#surroundings(), ...places[n]! }));
    this.#vm = this.vms[0]!;
    this.cpu.deadlineChanged = () => this.#vm.time.changed();
    observeProcessor(
      this.cpu,
      () => this.#vm.board.interrupts,
      (body) => this.chronicle.record(body),
    );
    this.schedule = this.#start();
  }

  #surroundings(): Omit<Surroundings, "slice" | "guestBase"> {
    const { technique, vmx, clock, hypervisor = {} } = this.configuration;
    const { chronicle, engine } = this;
    return {
      ...{ technique, offersVmx: vmx !== false, costs: this.#costs, hypervisor, cpu: this.cpu },
      countsInstructions: clock === "instructions",
      interpret: () => engine.interpret(),
      isCode: (physical) => engine.isCode(physical),
      endRunIn: (steps) => engine.stopBy(this.now + steps),
      record: (vm, body) => chronicle.recordOf(vm, body),
      recordExit: (...exit) => chronicle.recordExit(...exit),
      recordCompletedExit: (...exit) => chronicle.recordCompletedExit(...exit),
      settle: (sequence, cost) => chronicle.settle(sequence, cost),
      stop: (vm, reason, why) => this.stop(vm, reason, why),
    };
  }

  /** Loads the guests, one after the other, and lets the scheduler begin if there is one. */
  #start(): HostSchedule | undefined {
    for (const vm of this.vms) {
      if (vm !== this.#vm) this.#vm.processors.leave();
      this.#vm = vm;
      vm.connect();
      vm.start();
    }
    const { host } = this.configuration;
    const schedule =
      host &&
      new HostSchedule(host, this.vms, {
        put: (vm, vcpu) => this.put(vm, vcpu),
        endRun: () => this.endRun(),
        record: (event) => this.chronicle.recordDecision(event),
        stop: (vm, reason, why) => this.stop(vm, reason, why),
      });
    schedule?.start();
    return schedule;
  }

  // Where it is.

  get vm(): VirtualMachine {
    return this.#vm;
  }

  /** Puts a vCPU into the core. Nothing else changes. */
  put(vm: VirtualMachine, vcpu: number): void {
    if (vm !== this.#vm) {
      this.#vm.processors.leave();
      this.#vm = vm;
      vm.connect();
    }
    vm.processors.show(vcpu);
  }

  /** The vCPU in the core. */
  get place(): VcpuPlace {
    return { vm: this.#vm.name, vcpu: this.#vm.processors.current };
  }

  /** Puts a vCPU into the core to be looked at, until `goHome`. @throws RangeError if there is none */
  visit({ vm: name, vcpu }: VcpuPlace): void {
    this.goHome();
    const vm = this.named(name);
    if (!vm || !(vcpu >= 0 && vcpu < vm.processors.count)) throw new RangeError(`There is no vCPU ${name}/${vcpu}.`);
    this.#visit = { home: this.place, vm, last: vm.processors.current };
    this.put(vm, vcpu);
  }

  get visiting(): boolean {
    return this.#visit !== undefined;
  }

  /** The vCPU that is about to run is in the core again, and all is as it was. */
  goHome(): void {
    if (!this.#visit) return;
    const { home, vm, last } = this.#visit;
    this.#visit = undefined;
    this.put(this.named(home.vm)!, home.vcpu);
    vm.processors.resume(last);
  }

  named(wanted: string): VirtualMachine | undefined {
    return this.vms.find(({ name }) => name === wanted);
  }

  get now(): number {
    return this.cpu.f64[layout.steps >> 3]!;
  }

  get cycle(): number {
    return virtualTime(this.cpu);
  }

  get hostCycle(): number {
    return this.schedule?.clock ?? 0;
  }

  endRun(): void {
    this.engine.stopBy(this.now);
  }

  spend(cycles: number): void {
    this.cpu.f64[layout.extraCycles >> 3]! += cycles;
    this.#vm.time.passes(0);
  }

  // Ends.

  /** When all VMs have: as the last of them did. */
  get stopped(): Stopped | undefined {
    return this.vms.every((vm) => vm.stopped) ? this.#lastStopped : undefined;
  }

  stop(vm: VirtualMachine, reason: StopReason, why: string): void {
    if (vm.stopped) return;
    const chain = reason === "triple-fault" ? exceptionChain(this.chronicle.recorder) : "";
    const text = chain ? `${why} The exceptions: ${chain}.` : why;
    vm.consoles.flush();
    vm.board.devices.vga.show();
    this.chronicle.recordOf(vm, { kind: "stop", reason, text });
    vm.stopped = { kind: "stopped", reason, text };
    this.#lastStopped = vm.stopped;
    this.schedule?.stopped(vm);
    this.endRun();
  }

  // Snapshots.

  /** Host-physical memory. */
  get ram(): Int32Array {
    return new Int32Array(this.memory.buffer, ramBase);
  }

  /** What snapshots ask about writes to memory. What a VMM has taken for itself has to be looked at. */
  writes(): Writes {
    const { cpu, engine } = this;
    const { physical } = cpu;
    return {
      get written() {
        return physical.dirtyPages;
      },
      get perhaps() {
        return physical.exposedPages;
      },
      get count() {
        return physical.notClean;
      },
      start: () => cpu.clean(),
      replaced: (page) => engine.forget(page),
    };
  }

  /** All that is neither RAM nor `saveCore`'s. */
  save(): unknown {
    return {
      chronicle: this.chronicle.save(this.vms.flatMap((vm) => vm.processors.openExits)),
      present: this.vms.indexOf(this.#vm),
      vms: this.vms.map((vm) => vm.save()),
      lastStopped: this.#lastStopped,
      ...(this.schedule && { schedule: this.schedule.save() }),
    };
  }

  /** After RAM and core have been restored. */
  restore(state: unknown): void {
    const { chronicle, present, vms, lastStopped, schedule } = state as {
      chronicle: ReturnType<Chronicle["save"]>;
      present: number;
      vms: readonly unknown[];
      lastStopped: Stopped | undefined;
      schedule?: unknown;
    };
    this.chronicle.restore(chronicle);
    for (const [n, vm] of this.vms.entries()) vm.restore(vms[n]);
    this.#vm = this.vms[present]!;
    this.#vm.connect();
    this.#lastStopped = lastStopped;
    this.schedule?.restore(schedule);
  }
}
