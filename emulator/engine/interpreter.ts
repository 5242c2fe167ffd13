import type { DecodeFailure } from "../../isa/decode.ts";
import type { Cpu } from "../cpu/cpu.ts";
import type { Unsupported } from "../cpu/environment.ts";
import { vector } from "../cpu/fault.ts";
import { layout } from "../cpu/layout.ts";
import type { Fault, VmExit } from "../cpu/monitor.ts";
import { CS, unsigned64 } from "../cpu/state.ts";
import { Breakpoints } from "./breakpoints.ts";
import { type CachedInstruction, flow } from "./cached-instruction.ts";
import { CodeCache, modeIndex } from "./code-cache.ts";
import { Handlers } from "./handlers.ts";
import { pageBytes } from "./page.ts";
import { repeatQuickly } from "./repetition.ts";
import { Translator, type TranslatorOptions } from "./translator/index.ts";
import { openWindow, type Window } from "./window.ts";

/** Why `run` returned. */
export type EngineStop =
  /** The steps asked for were taken, or `stopBy` ended the run. */
  | { readonly kind: "limit" }
  | { readonly kind: "breakpoint"; readonly address: bigint }
  /** A VM exit is pending. */
  | { readonly kind: "exit" }
  /** Halted, and nothing the processor knows of can wake it. Took no step. */
  | { readonly kind: "idle" }
  | { readonly kind: "shutdown" }
  /** Execution left the loaded images and reached memory full of zeros. RIP is there. */
  | { readonly kind: "ran-off-code"; readonly address: bigint }
  | { readonly kind: "unsupported"; readonly what: string };

export interface EngineRun {
  /** At most this many steps. */
  readonly steps: number;
  /** Linear addresses (unsigned) to stop before. The one at which the run starts is passed over. */
  readonly breakpoints?: ReadonlySet<bigint> | undefined;
  readonly stopOnExit?: boolean | undefined;
}

export interface EngineOptions {
  /** Host-physical ranges of the loaded images: outside them, eight zero bytes are no code. Default: all is code. */
  readonly images?: readonly { readonly start: number; readonly end: number }[];
  /** Translate hot code to WebAssembly. Default: interpret everything. */
  readonly translate?: TranslatorOptions;
}

const ripLow = layout.rip >> 2;
const ripHigh = ripLow + 1;
const steps = layout.steps >> 3;
const unretired = layout.unretired >> 3;
const emulated = layout.emulated >> 3;
const attention = layout.attention >> 2;

/** Thrown by the engine itself to leave the loop. */
interface EngineBreak {
  readonly kind: "break";
  readonly stop: EngineStop;
}

/**
 * Executes instructions on a processor. A step is one pass over an instruction boundary: an instruction (or one iteration
 * of a repeated one) retired or faulted or left to the monitor, an interrupt was delivered, or the monitor handled an exit.
 */
export class Engine {
  readonly cpu: Cpu;
  readonly code: CodeCache;
  readonly #images: EngineOptions["images"];
  readonly #translator: Translator | undefined;
  /** Value of the step counter at which the run ends. An array, so that the host keeps the number as a number. */
  readonly #end = new Float64Array(1);
  readonly #run: { readonly end: Float64Array; breakpoints: Breakpoints | undefined } = {
    end: this.#end,
    breakpoints: undefined,
  };
  /** Windows opened in this run, by host-physical address, and `Cpu.generation` since when they are good. */
  readonly #windows = new Map<number, Window>();
  #generation = 0;
  /** Where and when the run began: a breakpoint there is passed over until an instruction has retired. */
  #started = { linear: 0, retired: 0 };

  readonly #codeWritten = (physical: number, bytes: number): void => this.code.written(physical, bytes);

  constructor(cpu: Cpu, options: EngineOptions = {}) {
    this.cpu = cpu;
    this.#images = options.images;
    this.code = new CodeCache(cpu, new Handlers(cpu));
    cpu.memoryObserver.codeWritten = this.#codeWritten;
    cpu.decodedInstruction = () => this.#decodedHere()?.decoded;
    this.#translator = options.translate && new Translator(cpu, options.translate, this.code, this.#run);
  }

  /** Steps taken as translated code by this engine; no part of the machine's state. */
  get translatedSteps(): number {
    return this.#translator?.executed ?? 0;
  }

  /** A page of RAM was replaced, or by default any: forgets code that is no longer there. `Cpu.reload` must follow. */
  forget(page?: number): void {
    this.code.review(page);
  }

  /** Makes the run under way end when the step counter reaches this value, if it would not end before. */
  stopBy(step: number): void {
    this.#end[0] = Math.min(this.#end[0]!, step);
  }

  step(): EngineStop {
    return this.run({ steps: 1 });
  }

  run({ steps: count, breakpoints, stopOnExit }: EngineRun): EngineStop {
    const { f64 } = this.cpu;
    this.#end[0] = f64[steps]! + count;
    if (this.cpu.memoryObserver.codeWritten !== this.#codeWritten)
      throw new Error("a memory observer was set that hides from the engine that code is written");
    this.#windows.clear();
    this.#started = { linear: this.#linear, retired: this.#retired };
    this.#run.breakpoints = breakpoints?.size ? new Breakpoints(breakpoints) : undefined;
    while (f64[steps]! < this.#end[0]!) {
      if (stopOnExit && this.cpu.monitor?.exitPending) return { kind: "exit" };
      try {
        const stop = this.#advance();
        if (stop) return stop;
      } catch (thrown) {
        const stop = this.#caught(thrown as Fault | VmExit | Unsupported | EngineBreak);
        if (stop) return stop;
      }
    }
    return stopOnExit && this.cpu.monitor?.exitPending ? { kind: "exit" } : { kind: "limit" };
  }

  /** Work at the boundary, if there is any, or instructions until something needs attention. */
  #advance(): EngineStop | undefined {
    const { cpu } = this;
    if (cpu.monitor?.exitPending) {
      this.#countUnretired();
      cpu.monitor.handleExit();
      return undefined;
    }
    if (cpu.attention)
      switch (cpu.atBoundary()) {
        case "stepped":
          this.#countUnretired();
          return undefined;
        case "idle":
          return { kind: "idle" };
        case "shutdown":
          return { kind: "shutdown" };
        case "run":
      }
    this.#execute();
    return undefined;
  }

  #caught(thrown: Fault | VmExit | Unsupported | EngineBreak): EngineStop | undefined {
    switch (thrown.kind) {
      case "fault":
        this.#countUnretired();
        return this.#deliver(thrown);
      case "exit":
        this.#countUnretired();
        return undefined;
      case "unsupported":
        return { kind: "unsupported", what: thrown.what };
      case "break":
        return thrown.stop;
      default:
        throw thrown;
    }
  }

  /** Delivery is part of the step that faulted, also if it leaves to the monitor. */
  #deliver(fault: Fault): EngineStop | undefined {
    try {
      this.cpu.deliverOrLeave(fault);
      return undefined;
    } catch (thrown) {
      const { kind } = thrown as VmExit | Unsupported;
      if (kind === "exit") return undefined;
      if (kind === "unsupported") return { kind, what: (thrown as Unsupported).what };
      throw thrown;
    }
  }

  #countUnretired(): void {
    const { f64 } = this.cpu;
    f64[steps]! += 1;
    f64[unretired]! += 1;
  }

  /** At least one instruction, then on until attention is set or the run ends. */
  #execute(): void {
    const { r32, f64 } = this.cpu;
    do {
      const window = this.#window();
      if (window) this.#executeIn(window);
      else this.#executeUncached();
    } while (f64[steps]! < this.#end[0]! && r32[attention] === 0);
  }

  /** The page at RIP; undefined where code is not in RAM. */
  #window(): Window | undefined {
    const { cpu } = this;
    const { rip } = cpu;
    const linear = cpu.codeLinear(rip);
    const physical = cpu.fetchPage(linear);
    if (!cpu.physical.isRam(physical)) return undefined;
    const offset = physical & (pageBytes - 1);
    const host = physical - offset;
    if (this.#generation !== cpu.generation) {
      this.#generation = cpu.generation;
      this.#windows.clear();
    }
    const known = this.#windows.get(host);
    if (known?.page.current && known.rip === rip - offset) return known;
    const made = openWindow(cpu, this.code.page(physical), linear, offset, this.#run.breakpoints);
    this.#windows.set(host, made);
    return made;
  }

  #executeIn(window: Window): void {
    const { r32, f64 } = this.cpu;
    const { start, high, end } = window;
    const translator = this.#translator;
    let block = translator !== undefined && r32[attention] === 0;
    do {
      const offset = (r32[ripLow]! - start) | 0;
      if (offset >>> 0 >= end || r32[ripHigh] !== high) return;
      if (block) {
        block = false;
        // A fault of the fetch comes first.
        this.#instructionAt(window, offset);
        if (translator!.reach(window, offset)) {
          if (translator!.displaced) return;
          block = translator!.jumped || window.code.entries?.[(r32[ripLow]! - start) | 0] !== undefined;
          continue;
        }
      }
      const last = this.#executeFrom(window, offset);
      if (last === flow.system) return;
      block = translator !== undefined && last !== flow.straight;
    } while (f64[steps]! < this.#end[0]! && r32[attention] === 0);
  }

  /** The instruction at RIP, which is at an offset in the page, in front of which no breakpoint stops. */
  #instructionAt(window: Window, offset: number): CachedInstruction {
    const { breakpoints, instructions } = window;
    if (breakpoints !== undefined && breakpoints.marks[offset] !== 0) this.#reachBreakpoint();
    const known = instructions[offset];
    return known === undefined || offset + known.length > window.end ? this.#fetch(window, offset) : known;
  }

  /** Executes at least one instruction, up to one behind which it is not clear what follows, and gives that one's flow. */
  #executeFrom(window: Window, first: number): CachedInstruction["flow"] {
    const { r32, f64 } = this.cpu;
    const { instructions, end } = window;
    const breakpoints = window.breakpoints?.marks;
    const last = this.#end;
    const { straight } = flow;
    let offset = first;
    for (;;) {
      const instruction = instructions[offset];
      if (instruction === undefined || (breakpoints !== undefined && breakpoints[offset] !== 0)) break;
      const next = offset + instruction.length;
      if (instruction.flow !== straight || next >= end) break;
      instruction.execute(instruction);
      const now = f64[steps]! + 1;
      f64[steps] = now;
      if (now >= last[0]! || r32[attention] !== 0) return straight;
      offset = next;
    }
    return this.#executeOne(window, offset);
  }

  /** Executes the instruction at RIP, which is at an offset in the page, and gives its flow. */
  #executeOne(window: Window, offset: number): CachedInstruction["flow"] {
    const instruction = this.#instructionAt(window, offset);
    instruction.execute(instruction);
    this.cpu.f64[steps]! += 1;
    if (instruction.flow === flow.repeated && window.breakpoints?.marks[offset] !== 1)
      this.#repeat(window, offset, instruction);
    return instruction.flow;
  }

  /** Goes on with a repeated instruction that is not done, as long as nothing can come of it. */
  #repeat({ start }: Window, offset: number, instruction: CachedInstruction): void {
    const { r32, f64 } = this.cpu;
    if (((r32[ripLow]! - start) | 0) !== offset || r32[attention] !== 0) return;
    f64[steps]! += repeatQuickly(this.cpu, instruction, this.#end[0]! - f64[steps]!);
  }

  get #linear(): number {
    return this.cpu.bases[CS]! + this.cpu.rip;
  }

  get #retired(): number {
    return this.cpu.f64[steps]! - this.cpu.f64[unretired]! + this.cpu.f64[emulated]!;
  }

  #reachBreakpoint(): void {
    const linear = this.#linear;
    if (linear === this.#started.linear && this.#retired === this.#started.retired) return;
    throw { kind: "break", stop: { kind: "breakpoint", address: unsigned64(linear) } } satisfies EngineBreak;
  }

  /** Decodes what is not in the cache, or checks what does not end in its page. */
  #fetch({ page, instructions, host, mode, stackBits, end }: Window, offset: number): CachedInstruction {
    const known = instructions[offset];
    if (known?.tail && this.#hasTail(known)) return known;
    this.#checkImage(host + offset);
    const instruction = this.#valid(this.code.decode(page, offset, mode, stackBits));
    const beyond = offset + instruction.length - end;
    if (beyond > 0) {
      // Beyond the page, the limit of CS was checked as the bytes were fetched.
      if (end < pageBytes) this.cpu.raise(vector.GP, 0);
      instruction.tail = this.#tail(instruction.length, beyond);
    }
    instructions[offset] = instruction;
    if (beyond <= 0) this.code.decodeAhead(page, instructions, offset, mode);
    return instruction;
  }

  /** The last `bytes` bytes of an instruction at RIP. */
  #tail(length: number, bytes: number): Uint8Array {
    const { cpu } = this;
    return Uint8Array.from({ length: bytes }, (_, n) => cpu.fetch8(cpu.rip + length - bytes + n));
  }

  #hasTail({ length, tail }: CachedInstruction): boolean {
    const { cpu } = this;
    const at = cpu.rip + length - tail!.length;
    for (let n = 0; n < tail!.length; n++) if (cpu.fetch8(at + n) !== tail![n]) return false;
    return true;
  }

  #valid(decoded: CachedInstruction | DecodeFailure): CachedInstruction {
    if (decoded === "too-long") this.cpu.raise(vector.GP, 0);
    if (typeof decoded === "string") this.cpu.raise(vector.UD);
    return decoded;
  }

  /** False for zeros outside the loaded images. */
  isCode(physical: number): boolean {
    const images = this.#images;
    if (!images || images.some(({ start, end }) => physical >= start && physical < end)) return true;
    const { bytes, physical: memory } = this.cpu;
    const at = memory.ramBase + physical;
    for (let n = 0; n < 8; n++) if ((bytes[at + n] ?? 0) !== 0) return true;
    return false;
  }

  #checkImage(physical: number): void {
    if (this.isCode(physical)) return;
    throw { kind: "break", stop: { kind: "ran-off-code", address: unsigned64(this.#linear) } } satisfies EngineBreak;
  }

  /** Executes the instruction at RIP for a VMM that emulates it; counts no step. Throws what the instruction throws. */
  interpret(): void {
    const instruction = this.#decodedHere() ?? this.#valid(this.code.decodeUncached(this.cpu.stackBits));
    instruction.execute(instruction);
  }

  /** The instruction at RIP if it is in the cache, and all of it in one page and within the limit of CS. */
  #decodedHere(): CachedInstruction | undefined {
    const { cpu } = this;
    const { rip, bits, stackBits } = cpu;
    const physical = cpu.fetchPage(cpu.codeLinear(rip));
    if (!cpu.physical.isRam(physical)) return undefined;
    const code = this.code.known(physical)?.modes[modeIndex(bits, stackBits)];
    const known = code?.instructions[physical & (pageBytes - 1)];
    if (known === undefined || known.tail !== undefined) return undefined;
    return bits === 64 || rip + known.length - 1 <= cpu.limit(CS) ? known : undefined;
  }

  /** An instruction in memory that is not RAM: nobody would tell if it changed. */
  #executeUncached(): void {
    const { cpu } = this;
    if (this.#run.breakpoints?.inPage(this.#linear)?.marks[this.#linear & (pageBytes - 1)]) this.#reachBreakpoint();
    const instruction = this.#valid(this.code.decodeUncached(cpu.stackBits));
    instruction.execute(instruction);
    cpu.f64[steps]! += 1;
  }
}
