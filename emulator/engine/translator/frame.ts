import type { Value } from "../../../isa/algebra.ts";
import { cpuBase, layout, segmentBytes, segmentLayout } from "../../cpu/layout.ts";
import { FlagLocals } from "./flag-locals.ts";
import type { Place, WasmArithmetic } from "./wasm-arithmetic.ts";
import type { ValueType } from "./wasm-module.ts";

/** How accesses through a segment register are checked, as far as a region was made for it. */
export type SegmentKind =
  /** Needs the slow path: expand-down, not readable, alignment checks. */
  | "slow"
  /** Every offset is allowed and is the linear address. */
  | "flat"
  | "flat-read-only"
  /** Base, and limit outside 64-bit code, are looked at. */
  | "based"
  | "based-read-only";

/** What a region takes for granted; it runs only where all of this holds. */
export interface Context {
  readonly bits: 16 | 32 | 64;
  readonly stackBits: 16 | 32 | 64;
  /** There is a monitor, which wants to know of instructions that may exit. */
  readonly monitored: boolean;
  /** CPL 3: the TLB's banks for users apply. */
  readonly user: boolean;
  /** CPL 0. */
  readonly kernel: boolean;
  /** SSE may be used. */
  readonly vectors: boolean;
  /** Of ES, CS, SS, DS, FS, GS. */
  readonly segments: readonly SegmentKind[];
  /** Linear address of offset 0 in CS. */
  readonly codeBase: number;
  /** Last offset in CS; 2^47 - 1 in 64-bit code. */
  readonly codeLimit: number;
}

/** Function parameters of a region: block to enter, fuel. */
export const regionParameters = 2;

/** Functions of the host that translated code calls, by their numbers. */
export const hostFunctions = [
  /** Executes instructions as the interpreter does: those of a block, how many, fuel left; gives the fuel left, or -1 to leave. */
  ["execute", ["i32", "i32", "i32"]],
  /** Puts a translation into the TLB: low and high half of a linear address, a `fillKind`; gives 0 if there is none. */
  ["fill", ["i32", "i32", "i32"]],
  /** Puts the answer of CPUID to a leaf and a subleaf into the registers of the state block; gives 1 if it is always the same, else 0. */
  ["cpuid", ["i32", "i32"]],
  /** INVLPG: linear address, place of the next instruction (`Site.next`), fuel left behind this one; gives an `Answer`. */
  ["invalidate", ["f64", "i32", "i32"]],
  /** MOV to CR3: low and high half, place of the next instruction, fuel left behind this one; gives an `Answer`. */
  ["loadCr3", ["i32", "i32", "i32", "i32"]],
  /** IN: port, bytes, fuel left before the instruction; gives an `Answer`, and the value in EAX of the state block. */
  ["input", ["i32", "i32", "i32"]],
  /** OUT: port, bytes, value, fuel left before the instruction; gives an `Answer`. */
  ["output", ["i32", "i32", "i32", "i32"]],
] as const;
export type HostFunction = (typeof hostFunctions)[number][0];
export const hostFunction = (name: HostFunction): number => hostFunctions.findIndex(([known]) => known === name);

/** What the host says when an instruction has asked it to do its work. */
export const answer = {
  /** Nothing was done: the interpreter is to execute the instruction. */
  refused: -1,
  done: 0,
  /** It was done, and the region is to be left behind the instruction. */
  leave: 1,
} as const;

/** What a region's function gives if the host has executed instructions, after which it could not go on. */
export const leftByHost = -1;

/**
 * Local variables of a region's function: the registers it uses, the flags, RIP, and the fuel. They are loaded at the
 * entry and written back where it leaves. Function parameters are 0, the block to enter, and 1, the fuel; its result is twice the fuel left, plus `jumped`, or `leftByHost`.
 */
export class Frame {
  readonly context: Context;
  /** The page of the region's own code, as a page number in the memory; -1 if there is none. */
  readonly codePage: number;
  /** Block to go to next, as an index. */
  readonly next = 0;
  readonly fuel = 1;
  /** Offset of the next instruction, i64, set before leaving and before an indirect jump. */
  readonly rip: number;
  /** i32: 1 if the way out is a jump to other code, 0 if an instruction is for the interpreter or the fuel is gone. */
  readonly jumped: number;
  readonly flags: FlagLocals;
  readonly #m: WasmArithmetic;
  readonly #registers = new Map<number, number>();
  readonly #written = new Set<number>();
  readonly #bases = new Map<number, number>();
  readonly #limits = new Map<number, number>();
  /** Depth of the block that ends where the function leaves. */
  #leaveDepth = 0;
  /** What the host answered last (`answer`), i32. */
  readonly answer: number;
  /** The instructions for the host to execute: number of their block, and how many. */
  readonly #called: number;
  readonly #count: number;

  constructor(m: WasmArithmetic, context: Context, codePage: number) {
    this.#m = m;
    this.context = context;
    this.codePage = codePage;
    const { code } = m;
    this.rip = code.local("i64");
    this.jumped = code.local("i32");
    this.answer = code.local("i32");
    this.#called = code.local("i32");
    this.#count = code.local("i32");
    this.flags = new FlagLocals(m);
  }

  /** Width of the register variables: the other halves cannot be seen, nor change, outside 64-bit code. */
  get registerWidth(): 32 | 64 {
    return this.context.bits === 64 ? 64 : 32;
  }

  get #registerType(): ValueType {
    return this.registerWidth === 64 ? "i64" : "i32";
  }

  #registerLocal(register: number): number {
    const known = this.#registers.get(register);
    if (known !== undefined) return known;
    const local = this.#m.code.local(this.#registerType);
    this.#registers.set(register, local);
    return local;
  }

  /** The register as it is now, which later writes do not change. */
  register(register: number): Value {
    this.#m.code.get(this.#registerLocal(register));
    return this.#m.keep(this.registerWidth);
  }

  setRegister(register: number, value: Value): void {
    this.#m.put(value);
    this.#m.code.set(this.#registerLocal(register));
    this.#written.add(register);
  }

  #segmentValue(segment: number, cache: Map<number, number>, type: ValueType): Place {
    const known = cache.get(segment);
    const local = known ?? this.#m.code.local(type);
    cache.set(segment, local);
    return { width: type === "i64" ? 64 : 32, local };
  }

  /** Base of a segment register, 64 bits wide in 64-bit code, else 32. */
  segmentBase(segment: number): Place {
    return this.#segmentValue(segment, this.#bases, this.#registerType);
  }

  /** Limit of a segment register, 32 bits. */
  segmentLimit(segment: number): Place {
    return this.#segmentValue(segment, this.#limits, "i32");
  }

  /** Leaves before the instruction at `rip`, giving back the fuel of `back` instructions that were paid for but not executed. */
  leave(rip: bigint, back: number): void {
    const { code } = this.#m;
    this.flags.handOn();
    code.i64(rip);
    code.set(this.rip);
    if (back > 0) {
      code.get(this.fuel);
      code.i32(back);
      code.op("i32.add");
      code.set(this.fuel);
    }
    this.branchToLeave();
  }

  /** Leaves by a jump to `rip`. */
  jumpOut(rip: bigint): void {
    const { code } = this.#m;
    code.i32(1);
    code.set(this.jumped);
    this.leave(rip, 0);
  }

  branchToLeave(): void {
    this.#m.code.br(this.leaveLabel);
  }

  get leaveLabel(): number {
    return this.#m.code.depth - this.#leaveDepth;
  }

  /** Everything that `body` writes leaves to the end of this. */
  enclose(body: () => void): void {
    const { code } = this.#m;
    code.block();
    this.#leaveDepth = code.depth;
    body();
    code.op("end");
    this.#epilogue();
    code.prepend(() => this.#prologue());
  }

  /**
   * Everything that `body` writes leaves by one branch behind it. Where thousands of branches have one target, V8's optimizing
   * compiler takes kilobytes for each of them.
   */
  gather(body: () => void): void {
    const { code } = this.#m;
    const outer = this.#leaveDepth;
    code.block();
    this.#leaveDepth = code.depth;
    body();
    this.#leaveDepth = outer;
    code.op("end");
    this.branchToLeave();
  }

  /** Has the host execute the `count` instructions of a block: to be followed by a branch to where `callHost` is. */
  prepareCall(block: number, count: number, rip: bigint): void {
    const { code } = this.#m;
    code.i32(block);
    code.set(this.#called);
    code.i32(count);
    code.set(this.#count);
    code.i64(rip);
    code.set(this.rip);
  }

  /**
   * Everything goes to the state block, the host executes what was prepared, and everything is read again; or the function
   * ends here. To be written after all other code of the region.
   */
  callHost(): void {
    const { code } = this.#m;
    this.#writeBack();
    code.get(this.#called);
    code.get(this.#count);
    code.get(this.fuel);
    code.call(hostFunction("execute"));
    code.tee(this.fuel);
    code.i32(0);
    code.op("i32.lt_s");
    code.if();
    code.i32(leftByHost);
    code.op("return", "end");
    this.#prologue();
  }

  #load(type: ValueType, offset: number, local: number): void {
    const { code } = this.#m;
    code.i32(cpuBase);
    code.memory(`${type}.load`, offset);
    code.set(local);
  }

  #store(type: ValueType, offset: number, local: number): void {
    const { code } = this.#m;
    code.i32(cpuBase);
    code.get(local);
    code.memory(`${type}.store`, offset);
  }

  #prologue(): void {
    const type = this.#registerType;
    for (const [register, local] of this.#registers) this.#load(type, layout.registers + 8 * register, local);
    this.flags.load();
    const field = (segment: number, at: number): number => layout.segments + segment * segmentBytes + at;
    for (const [segment, local] of this.#bases) this.#load(type, field(segment, segmentLayout.base), local);
    for (const [segment, local] of this.#limits) this.#load("i32", field(segment, segmentLayout.limit), local);
  }

  #writeBack(): void {
    const type = this.#registerType;
    for (const register of this.#written)
      this.#store(type, layout.registers + 8 * register, this.#registerLocal(register));
    this.flags.resolve();
    this.flags.save();
    this.#store("i64", layout.rip, this.rip);
  }

  #epilogue(): void {
    this.#writeBack();
    const { code } = this.#m;
    code.get(this.fuel);
    code.i32(1);
    code.op("i32.shl");
    code.get(this.jumped);
    code.op("i32.or");
  }
}
