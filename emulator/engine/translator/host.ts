import type { Cpu } from "../../cpu/cpu.ts";
import { answerCpuid, isFixedLeaf } from "../../cpu/cpuid.ts";
import { layout } from "../../cpu/layout.ts";
import { switchPageDirectory } from "../../cpu/modes.ts";
import type { Fault, VmExit } from "../../cpu/monitor.ts";
import { portIn, portOut } from "../../cpu/ports.ts";
import { ioFree } from "../../cpu/privilege.ts";
import { highOf } from "../../mmu/tlb.ts";
import { flow } from "../cached-instruction.ts";
import { pageBytes } from "../page.ts";
import { repeatQuickly } from "../repetition.ts";
import { contextOf, sameContext } from "./context.ts";
import { answer, type Context, leftByHost } from "./frame.ts";
import { linearOf, type PageIndex, pageOf } from "./place.ts";
import { type Fill, fillKind, quickFill } from "./quick-fill.ts";
import type { HostFunctions, Region } from "./region.ts";

/** Steps after which a region returns even if nothing asks it to, so that the host's compiler can replace its code. */
const longestStay = 100_000;
const canonicalEnd = 2 ** 47;
const EAX = 0;

const ripLow = layout.rip >> 2;
const ripHigh = ripLow + 1;
const steps = layout.steps >> 3;
const attention = layout.attention >> 2;

const withinPage = (offset: number): number => offset & (pageBytes - 1);

/** The host's side of translated code: runs a region, and does what it asks for on the way. */
export class Host {
  readonly #cpu: Cpu;
  readonly #memory: WebAssembly.Memory;
  #quickFill: Fill | undefined;
  /** The step at which the run under way ends; that may change while instructions execute. */
  readonly #end: Float64Array;
  /** What is running, the step at which its fuel is gone, and what an instruction threw that the host executed for it. */
  #region: Region | undefined;
  #paidUntil = 0;
  #thrown: unknown;
  /** The host has executed for the region what may change modes, segments or translations: they may be others than at its entry. */
  displaced = false;
  readonly #functions: HostFunctions = {
    execute: (block, count, left) => this.#execute(block, count, left),
    fill: (low, high, kind) => this.#fill(low, high, kind),
    cpuid: (leaf, subleaf) => this.#cpuid(leaf >>> 0, subleaf >>> 0),
    invalidate: (linear, next, left) => this.#invalidate(linear, next, left),
    loadCr3: (low, high, next, left) => this.#loadCr3(low, high, next, left),
    input: (port, bytes, left) => this.#access(port, bytes, undefined, left),
    output: (port, bytes, value, left) => this.#access(port, bytes, value >>> 0, left),
  };

  constructor(cpu: Cpu, end: Float64Array, memory: WebAssembly.Memory) {
    this.#cpu = cpu;
    this.#end = end;
    this.#memory = memory;
  }

  /** What a region calls. Under a VMM all translations are for the host to find. */
  functionsFor({ monitored }: Context): HostFunctions {
    if (monitored) return this.#functions;
    this.#quickFill ??= quickFill(this.#memory, this.#cpu.physical.ramBytes, this.#fill);
    return { ...this.#functions, fill: this.#quickFill };
  }

  /** Enters a region at a block, and gives what its function gives; the steps are counted. */
  run(region: Region, block: number): number {
    const { f64 } = this.#cpu;
    this.#region = region;
    this.displaced = false;
    const left = region.run(block, this.#pay());
    if (left === leftByHost) this.displaced = true;
    else f64[steps] = this.#paidUntil - (left >> 1);
    return left;
  }

  /** Throws what an instruction threw. */
  rethrow(): void {
    const thrown = this.#thrown;
    if (thrown === undefined) return;
    this.#thrown = undefined;
    throw thrown;
  }

  /** Fuel for what comes now. */
  #pay(): number {
    const now = this.#cpu.f64[steps]!;
    const fuel = Math.min(this.#end[0]! - now, longestStay);
    this.#paidUntil = now + fuel;
    return fuel;
  }

  /** Called by translated code, which does not expect exceptions: they go on when it has returned. */
  #execute(block: number, count: number, left: number): number {
    this.#cpu.f64[steps] = this.#paidUntil - left;
    try {
      return this.#interpret(block, count);
    } catch (thrown) {
      this.#thrown = thrown;
      return leftByHost;
    }
  }

  /** Executes instructions in the place of the region as the interpreter would; gives the fuel for what comes then. */
  #interpret(block: number, count: number): number {
    const cpu = this.#cpu;
    const { r32, f64 } = cpu;
    const region = this.#region!;
    const { offset } = region.plan.blocks[block]!;
    const place = region.parts[pageOf(offset) as PageIndex]!;
    const { generation } = cpu;
    let at = withinPage(offset);
    for (let n = 0; n < count; ) {
      const instruction = place.instructions[at];
      if (instruction === undefined || at + instruction.length > place.end) return leftByHost;
      instruction.execute(instruction);
      f64[steps]! += 1;
      const here = (r32[ripLow]! - place.start) | 0;
      if (here === at && instruction.flow === flow.repeated && r32[attention] === 0)
        f64[steps]! += repeatQuickly(cpu, instruction, this.#end[0]! - f64[steps]!);
      if (r32[attention] !== 0 || f64[steps]! >= this.#end[0]!) return leftByHost;
      if (((r32[ripLow]! - place.start) | 0) === at && instruction.flow === flow.repeated) continue;
      at += instruction.length;
      n++;
      if (((r32[ripLow]! - place.start) | 0) !== at || r32[ripHigh] !== place.high || at >= pageBytes)
        return leftByHost;
      if (!region.valid || (cpu.generation !== generation && !sameContext(region.context, contextOf(cpu))))
        return leftByHost;
      if (instruction.flow !== flow.system) continue;
      // After an instruction that may change anything, the page is looked up again.
      this.displaced = true;
      if (cpu.fetchPage(cpu.codeLinear(cpu.rip)) !== place.host + at) return leftByHost;
    }
    if (region.blockAt(place.rip - region.start + at) === undefined) return leftByHost;
    return this.#pay();
  }

  /** Called by translated code on a TLB miss. What cannot be translated now is for the interpreter to meet again. */
  readonly #fill: Fill = (low, high, kind) => {
    const cpu = this.#cpu;
    // Under a VMM the translation may exit, which needs all state in its place; so does whoever observes the TLB.
    if (cpu.monitor !== undefined || cpu.tlb.observer !== undefined || (high >> 15 !== 0 && high >> 15 !== -1))
      return 0;
    const both = kind === fillKind.readAndWrite;
    if (cpu.translateQuickly(low, high, both ? fillKind.write : kind, cpu.cpl === 3, both) >= 0) return 1;
    if (kind === fillKind.execute) return 0;
    try {
      cpu.translate(high * 2 ** 32 + (low >>> 0), kind === fillKind.read ? "read" : "write");
      return 1;
    } catch (thrown) {
      if ((thrown as Fault | VmExit).kind === undefined) throw thrown;
      return 0;
    }
  };

  #cpuid(leaf: number, subleaf: number): number {
    answerCpuid(this.#cpu, leaf, subleaf, this.#region!.context.bits === 64);
    return isFixedLeaf(leaf) ? 1 : 0;
  }

  #invalidate(linear: number, next: number, left: number): number {
    const cpu = this.#cpu;
    if (linear < -canonicalEnd || linear >= canonicalEnd || cpu.tlb.observer !== undefined) return answer.refused;
    cpu.invalidatePage(linear);
    return this.#goOn(next, left);
  }

  #loadCr3(low: number, high: number, next: number, left: number): number {
    if (this.#cpu.tlb.observer !== undefined || !switchPageDirectory(this.#cpu, low, high)) return answer.refused;
    const { context, start } = this.#region!;
    // The translation of the code is gone, too, and mostly the tables give the same again.
    if (left > 0) {
      const linear = context.codeBase + start + next;
      this.#quickFill?.(linear | 0, highOf(context.bits === 64 ? linear : linear >>> 0), fillKind.execute);
    }
    return this.#goOn(next, left);
  }

  /**
   * Translations may be gone, also that of the code: the next instruction is looked up as the interpreter would do, but only if
   * it is to be executed now. `next`: from the start of the region's first page.
   */
  #goOn(next: number, left: number): number {
    this.displaced = true;
    const { context, parts } = this.#region!;
    const part = parts[pageOf(next) as PageIndex];
    if (left === 0 || part === undefined) return answer.leave;
    const at = withinPage(next);
    return this.#cpu.fetchQuickly(linearOf(part, context) + at) === part.host + at ? answer.done : answer.leave;
  }

  /** IN, or OUT of a value. The steps and RIP are what they are before the instruction. */
  #access(port: number, bytes: number, value: number | undefined, left: number): number {
    const cpu = this.#cpu;
    if (!ioFree(cpu) || cpu.bus.callsFirmware?.(port) === true) return answer.refused;
    cpu.f64[steps] = this.#paidUntil - left;
    const { generation } = cpu;
    try {
      if (value === undefined) cpu.r32[EAX] = portIn(cpu, port, bytes);
      else portOut(cpu, port, bytes, value);
    } catch (thrown) {
      this.#thrown = thrown;
      return answer.refused;
    }
    const same = cpu.r32[attention] === 0 && this.#end[0]! >= this.#paidUntil && cpu.generation === generation;
    if (same && this.#region!.valid) return answer.done;
    this.displaced = true;
    return answer.leave;
  }
}
