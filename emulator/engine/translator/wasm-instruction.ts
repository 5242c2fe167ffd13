import type { FlagAlgebra, Value } from "../../../isa/algebra.ts";
import { mayLeaveGuest } from "../../../isa/instruction.ts";
import type { Decoded } from "../../../isa/operands.ts";
import type { Width } from "../../../isa/registers.ts";
import { cpuBase } from "../../cpu/layout.ts";
import type { FlagWords } from "../flag-words.ts";
import type { FlagForm } from "./flag-locals.ts";
import { answer, type Context, Frame, type HostFunction, hostFunction, regionParameters } from "./frame.ts";
import { WasmArithmetic } from "./wasm-arithmetic.ts";
import { Code, type MemoryOpcode } from "./wasm-module.ts";

/** Thrown while emitting an instruction that translated code leaves to the interpreter. */
export class Untranslatable extends Error {}

/** An instruction's place in its region. */
export interface Site {
  /** Offset of the instruction in CS. */
  readonly rip: bigint;
  /** Instructions of its block that were paid for and come from here on. */
  readonly unpaid: number;
  /** Where the next one begins, from the start of the region's first page. */
  readonly next: number;
  /** Cells of machine memory that its execution counts up. */
  readonly counters: readonly number[];
}

/** Nested recomputations of the carry word after which it is computed for good. */
const deepestCarry = 4;

/**
 * What is common to all instructions while they are written as WebAssembly: their writes to registers and flags take effect
 * when they are complete, and until something has, they can be left to the interpreter as if they had not begun.
 */
export abstract class WasmInstruction extends WasmArithmetic {
  abstract readonly flags: FlagAlgebra;
  readonly frame: Frame;
  #instruction: Decoded | undefined;
  protected site: Site = { rip: 0n, unpaid: 0, next: 0, counters: [] };
  /** What the instruction writes, until it is complete. */
  readonly #registers = new Map<number, Value>();
  #words: Partial<FlagWords> = {};
  /** Whether the new carry word is made of the old one, and how often that has happened in a row. */
  #usesCarry = false;
  #carryDepth = 0;
  /** What the instruction did to the flags. */
  #flagsMade: "not" | "anew" | "from-old" = "not";
  /** Temporaries that the computation of the flags will read. */
  #heldByFlags: number[] = [];
  /** Something has taken effect: the instruction can no longer be undone. */
  protected committed = false;
  protected ended = false;
  /** The host has been asked to do the instruction's work. */
  #asked = false;

  constructor(context: Context, codePage: number) {
    super(new Code(regionParameters));
    this.frame = new Frame(this, context, codePage);
  }

  protected replaceWords(words: Partial<FlagWords>): void {
    const gone = words.c ? { carry: undefined, pending: undefined } : { pending: undefined };
    this.#words = { ...this.#words, ...gone, ...words };
  }

  protected currentWords(): FlagWords {
    const { z, sp, c, carry, pending } = { ...this.frame.flags.words, ...this.#words };
    const used = (): void => {
      this.#usesCarry = true;
    };
    return {
      z,
      sp,
      get c() {
        used();
        return c;
      },
      get carry() {
        used();
        return carry;
      },
      pending,
    };
  }

  get instruction(): Decoded {
    if (!this.#instruction) throw new Error("no instruction is being translated");
    return this.#instruction;
  }

  /** What the row says of the instruction is told to the algebra. */
  protected abstract tell(instruction: Decoded): void;

  /** Emits an instruction. True if it ends with a jump on every path. @throws Untranslatable */
  emit(instruction: Decoded, site: Site): boolean {
    if (instruction.repeat !== "none") throw new Untranslatable("repeated instruction");
    if (!this.#isUnchecked(instruction)) throw new Untranslatable("checked before it executes");
    this.#instruction = instruction;
    this.site = site;
    this.committed = false;
    this.ended = false;
    this.#asked = false;
    this.#usesCarry = false;
    this.#flagsMade = "not";
    this.tell(instruction);
    this.complete();
    if (!this.ended) this.countExecution();
    if (this.#asked) this.#leaveBehind();
    this.#releaseTemporaries();
    return this.ended;
  }

  /** The instruction has executed, on the way at hand. */
  protected countExecution(): void {
    const { code } = this;
    for (const cell of this.site.counters) {
      code.i32(0);
      code.i32(0);
      code.memory("f64.load", cell);
      code.i64(1n);
      code.op("f64.convert_i64_s", "f64.add");
      code.memory("f64.store", cell);
    }
  }

  /** Whether nothing needs to be asked before the instruction executes. The host checks the privilege for ports. */
  #isUnchecked({ row, bits }: Decoded): boolean {
    const { monitored, kernel } = this.frame.context;
    if (monitored && mayLeaveGuest(row)) return false;
    // 64-bit code is always protected; elsewhere it may be real mode.
    if (row.protectedOnly && bits !== 64) return false;
    return row.privilege === "none" || row.privilege === "io" || (row.privilege === "cpl0" && kernel);
  }

  /** Has the host do the instruction's work, unless it refuses. First arguments may be on WebAssembly's stack already. */
  protected ask(name: HostFunction, ...last: readonly Value[]): void {
    const { code, frame } = this;
    for (const value of last) this.put(value);
    code.call(hostFunction(name));
    code.tee(frame.answer);
    code.i32(answer.refused);
    code.op("i32.eq");
    code.if();
    this.leave();
    code.op("end");
    this.committed = true;
    this.#asked = true;
  }

  /** Fuel left before this instruction, or behind it. */
  protected fuelLeft(behind: boolean): Value {
    const { code, frame } = this;
    code.get(frame.fuel);
    const fuel = this.keep(32);
    return this.add(fuel, this.constant(32, this.site.unpaid - (behind ? 1 : 0)));
  }

  #leaveBehind(): void {
    const { code, frame } = this;
    code.get(frame.answer);
    code.if();
    const next = this.site.rip + BigInt(this.instruction.length);
    frame.leave(frame.context.bits === 64 ? next : BigInt.asUintN(32, next), this.site.unpaid - 1);
    code.op("end");
  }

  /** Values of the instruction live on only in flags that are still to be computed. */
  #releaseTemporaries(): void {
    const { code } = this;
    const own = code.takeTemporaries();
    if (this.frame.flags.isSettled || this.#flagsMade === "anew") {
      code.release(this.#heldByFlags);
      this.#heldByFlags = [];
    }
    if (this.frame.flags.isSettled || this.#flagsMade === "not") code.release(own);
    else this.#heldByFlags.push(...own);
  }

  /** Lets the instruction's writes take effect; flags stay uncomputed. */
  protected complete(): void {
    for (const [register, value] of this.#registers) {
      this.frame.setRegister(register, value);
      this.committed = true;
    }
    this.#registers.clear();
    const words = this.#words;
    this.#words = {};
    if (!words.z && !words.sp && !words.c) return;
    this.committed = true;
    this.frame.flags.words = { ...this.frame.flags.words, ...words };
    if (words.c) this.#carryDepth = this.#usesCarry ? this.#carryDepth + 1 : 0;
    this.#flagsMade = words.z && words.sp && words.c && !this.#usesCarry ? "anew" : "from-old";
    this.#usesCarry = false;
    if (this.#carryDepth >= deepestCarry) this.settleNow();
  }

  /** A block begins, which finds the flags in this form. */
  begin(form: FlagForm): void {
    this.frame.flags.begin(form);
    this.code.release(this.#heldByFlags);
    this.#heldByFlags = [];
    this.#carryDepth = 0;
  }

  protected settleNow(): void {
    this.frame.flags.settle();
    this.#carryDepth = 0;
  }

  /** Leaves to the interpreter, which executes the instruction again from its start. */
  protected leave(): void {
    if (this.committed) throw new Untranslatable("leaves after something took effect");
    this.frame.leave(this.site.rip, this.site.unpaid);
  }

  // Registers.

  #full(register: number): Value {
    return this.#registers.get(register) ?? this.frame.register(register);
  }

  register(register: number, width: Width): Value {
    return this.truncate(this.#full(register), width);
  }

  setRegister(register: number, value: Value): void {
    const { registerWidth } = this.frame;
    if (value.width >= 32) this.#registers.set(register, this.zeroExtend(value, registerWidth));
    else this.#insert(register, value, 0);
  }

  /** Replaces a byte or word of a register. */
  #insert(register: number, value: Value, at: number): void {
    const { registerWidth } = this.frame;
    const mask = ((1n << BigInt(value.width)) - 1n) << BigInt(at);
    const kept = this.and(this.#full(register), this.constant(registerWidth, ~mask));
    const moved = this.shiftLeft(this.zeroExtend(value, registerWidth), this.constant(registerWidth, at));
    this.#registers.set(register, this.or(kept, moved));
  }

  highByte(register: number): Value {
    const full = this.#full(register);
    return this.truncate(this.shiftRight(full, this.constant(full.width, 8)), 8);
  }

  setHighByte(register: number, value: Value): void {
    this.#insert(register, value, 8);
  }

  /** A field of the state block that translated code does not keep in a variable. */
  protected state(opcode: MemoryOpcode, width: Width, offset: number): Value {
    this.code.i32(cpuBase);
    this.code.memory(opcode, offset);
    return this.keep(width);
  }
}
