import type { Computer } from "./computer.ts";
import { layout } from "./cpu/layout.ts";
import type { EngineStop } from "./engine/interpreter.ts";
import type { RunOptions, Stop, VcpuPlace, Watch } from "./machine-interface.ts";
import { observedKinds } from "./mmu/translation-events.ts";
import { shutdownText } from "./stop-texts.ts";
import { TranslationObserver } from "./translation-observer.ts";
import type { VirtualMachine } from "./virtual-machine/virtual-machine.ts";
import { Watches } from "./watches.ts";

const noWatches: readonly Watch[] = [];

/** What the way back in time wants of runs. */
export interface Journey {
  /** Step at which a run should pause; what is to be done there is done. */
  readonly nextPause: number;
  pause(): void;
  /** A journey is at its end. */
  readonly arrived: boolean;
}

const isSame = (a: VcpuPlace | undefined, b: VcpuPlace | undefined): boolean => a?.vm === b?.vm && a?.vcpu === b?.vcpu;

/**
 * Runs a computer, in slices that end where something other than the processor may happen. After each slice and whatever is done
 * from outside, the vCPU in the core is the one that is about to run.
 */
export class Execution {
  readonly #computer: Computer;
  readonly #watches: Watches;
  readonly #translations: TranslationObserver;
  /** The vCPU that runs while all others are frozen. */
  #only: VcpuPlace | undefined;

  constructor(computer: Computer) {
    this.#computer = computer;
    const vms = {
      get place() {
        return computer.place;
      },
      hostOf: (address: number, vm?: string) => this.#hostOf(address, vm),
    };
    this.#watches = new Watches(computer.cpu, vms, () => computer.endRun());
    this.#translations = new TranslationObserver(computer.cpu, (body) => computer.chronicle.observe(body));
  }

  get #vm(): VirtualMachine {
    return this.#computer.vm;
  }

  #hostOf(address: number, name: string | undefined): number | undefined {
    const computer = this.#computer;
    if (name === undefined || name === this.#vm.name) return this.#vm.memory.hostOf(address);
    if (!computer.named(name)) return undefined;
    computer.visit({ vm: name, vcpu: 0 });
    const host = this.#vm.memory.hostOf(address);
    computer.goHome();
    return host;
  }

  get #linear(): number {
    return this.#vm.processors.linear;
  }

  /** Guest instructions retired. */
  get instructions(): number {
    const { f64 } = this.#computer.cpu;
    return this.#computer.now - f64[layout.unretired >> 3]! + f64[layout.emulated >> 3]!;
  }

  run(options: RunOptions, journey: Journey): Stop {
    const { chronicle } = this.#computer;
    chronicle.stopOn(options.stopOnEvent);
    chronicle.makeRoom(options.events);
    this.#translations.use(observedKinds.some((kind) => options.stopOnEvent?.kinds.has(kind)));
    const stop = this.#run(options, journey);
    chronicle.stopOn(undefined);
    chronicle.makeRoom(undefined);
    return stop;
  }

  #run({ steps, breakpoints, watches = noWatches, stopOnExit, turnOf }: RunOptions, journey: Journey): Stop {
    const computer = this.#computer;
    const { chronicle } = computer;
    this.#watches.use(watches);
    const end = computer.now + steps;
    const start = { linear: this.#linear, instructions: this.instructions };
    const moved = () => this.#linear !== start.linear || this.instructions !== start.instructions;
    // One that idles is not about to execute what is behind its HLT.
    let idles = false;
    const atBreakpoint = () => !idles && breakpoints?.has(BigInt.asUintN(64, BigInt(this.#linear))) === true;
    for (;;) {
      journey.pause();
      const { stopped } = computer;
      if (stopped) return stopped;
      if (journey.arrived) return { kind: "limit" };
      const { pending } = chronicle;
      if (breakpoints?.size && pending === undefined && moved() && atBreakpoint()) return this.#atBreakpoint();
      if (computer.now >= end || chronicle.isFull || (turnOf && isSame(turnOf, this.#computer.place)))
        return { kind: "limit" };
      const { now, place } = computer;
      const stop = this.#slice(Math.min(end, journey.nextPause), breakpoints, Boolean(stopOnExit));
      idles = stop.kind === "idle" && computer.now > now && isSame(place, computer.place);
      const hits = this.#watches.take();
      if (hits.length > 0) return { kind: "watch", hits };
      if (stop.kind === "breakpoint") return stop;
      const exit = chronicle.pending ?? chronicle.completed;
      if (exit !== undefined && exit !== pending && this.#stopsAt(exit, stopOnExit))
        return { kind: "exit", sequence: exit };
      // What devices do between two steps belongs to the next one.
      if (chronicle.accepted !== undefined && computer.now > now && !computer.stopped)
        return { kind: "event", sequence: chronicle.accepted };
    }
  }

  #atBreakpoint(): Stop & { kind: "breakpoint" } {
    return { kind: "breakpoint", address: BigInt.asUintN(64, BigInt(this.#linear)) };
  }

  #stopsAt(exit: number, stopOnExit: RunOptions["stopOnExit"]): boolean {
    return typeof stopOnExit === "function" ? stopOnExit(this.#computer.chronicle.at(exit)!) : stopOnExit === true;
  }

  /** Runs to the next moment at which something other than the processor may happen, at most to `end`, but one step at least. */
  #slice(end: number, breakpoints: ReadonlySet<bigint> | undefined, stopOnExit: boolean): EngineStop {
    const { chronicle, engine, now } = this.#computer;
    chronicle.beginSlice(stopOnExit);
    const time = this.#vm.time.serve();
    const steps = Math.ceil(Math.min(Math.max(1, end - now), time));
    // A pending exit is handled first; the engine would return for it again.
    const single = chronicle.pending !== undefined || chronicle.accepted !== undefined;
    const run = single ? { steps: 1 } : { steps, stopOnExit };
    const places = breakpoints && (this.#vm.monitor?.breakpointsFor?.(breakpoints) ?? breakpoints);
    const stop = engine.run({ ...run, breakpoints: places });
    const seen = stop.kind === "breakpoint" ? this.#atBreakpoint() : stop;
    // What follows from idling belongs to the next step, however the time was cut: it must not come with the last one.
    const isDue = stop.kind !== "idle" || this.#computer.now === now;
    if (isDue && !this.#vm.stopped) this.#conclude(stop);
    this.turn();
    return seen;
  }

  #conclude(stop: EngineStop): void {
    const computer = this.#computer;
    if (stop.kind === "idle") this.#idle();
    else if (stop.kind === "shutdown") computer.stop(this.#vm, "triple-fault", shutdownText);
    else if (stop.kind === "unsupported") computer.stop(this.#vm, "unsupported", `Ringside has no ${stop.what}.`);
    else if (stop.kind === "ran-off-code") {
      const place = stop.address.toString(16);
      const text = `The guest ran off its code: at ${place}h memory is empty, and no code was loaded there.`;
      computer.stop(this.#vm, "ran-off-code", text);
    }
  }

  #idle(): void {
    // Where nobody else may run, nothing would ever happen again.
    if (this.#only) this.freeze(undefined);
    const { schedule } = this.#computer;
    if (schedule) {
      schedule.sleep(this.#vm);
      return;
    }
    const standstill = this.#vm.time.idle();
    if (standstill) this.#vm.standStill(standstill);
  }

  /** Where a turn is over, gives the core to whose turn it is. */
  turn(): void {
    const { chronicle, schedule, stopped } = this.#computer;
    // Of a VM that has stopped in the midst of an exit, that stays pending.
    if (chronicle.pending !== undefined && !this.#vm.stopped) return;
    if (stopped || this.#vm.processors.turnLeft > 0) return;
    (schedule ?? this.#vm.processors).next();
  }

  // One alone.

  /** Who is to be frozen or to run alone for a run that wants this, if that is another than now; null: all run. */
  changeFor(wanted: VcpuPlace | undefined): VcpuPlace | null | undefined {
    const only = wanted && this.#canRun(wanted) ? wanted : undefined;
    return isSame(only, this.#only) ? undefined : (only ?? null);
  }

  /** Whether there is such a vCPU, with something to do; another has to be done with its exit first. */
  #canRun(place: VcpuPlace): boolean {
    const vm = this.#computer.named(place.vm);
    if (this.#computer.chronicle.pending !== undefined && !isSame(place, this.#computer.place)) return false;
    if (!vm || vm.stopped || !(place.vcpu < vm.processors.count) || vm.processors.isAsleep(place.vcpu)) return false;
    return vm.processors.state(place.vcpu) !== "offline";
  }

  /** From now on only this vCPU runs, or all do. */
  freeze(only: VcpuPlace | undefined): void {
    const computer = this.#computer;
    this.#hold(only);
    if (!only) {
      this.#vm.processors.endTurn();
      computer.schedule?.endTurn();
      return;
    }
    const stays = isSame(only, this.#computer.place);
    const vm = computer.named(only.vm)!;
    vm.processors.passTime(computer.hostCycle);
    computer.put(vm, only.vcpu);
    vm.processors.take(Math.max(computer.hostCycle, vm.processors.cycle), stays);
  }

  #hold(only: VcpuPlace | undefined): void {
    this.#only = only;
    for (const vm of this.#computer.vms) vm.processors.held = vm.name === only?.vm;
  }

  save(): VcpuPlace | null {
    return this.#only ?? null;
  }

  restore(only: VcpuPlace | null): void {
    this.#hold(only ?? undefined);
  }
}
