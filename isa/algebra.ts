import type { StatusFlag } from "./flags.ts";
import type { Decoded, FarPointer, Memory, Operand, Relative } from "./operands.ts";
import type { SegmentName, Width } from "./registers.ts";
import type { SystemCall, SystemCalls } from "./system.ts";

/**
 * A value of the guest while an instruction acts: a number to whoever executes, an expression to whoever emits code,
 * text to whoever prints pseudo-code. Rows never look inside. A value is what it was when it was made: later writes do
 * not change it.
 */
export interface Value {
  readonly width: Width | 1;
}

/** Exceptions an instruction raises by itself, by the manual's mnemonic (SDM Vol. 3, table 6-1). */
export type Exception = "DE" | "DB" | "BP" | "OF" | "BR" | "UD" | "NM" | "DF" | "TS" | "NP" | "SS" | "GP" | "PF" | "AC";

/**
 * The words a row's semantics is written in: the only port through which an instruction touches the machine.
 *
 * Order matters and is the order of the calls: memory accesses may fault and then nothing after them happens, so a row
 * first reads, then stores to memory, and only then writes registers and flags. A fault thus leaves the instruction
 * restartable, and every engine gets that for free.
 *
 * Operands of two-operand operations must have the same width; results wrap at it.
 */
export interface Algebra {
  /**
   * The instruction at hand. Plain facts to branch on in TypeScript: row, bits, operand and address size, prefixes, and
   * the kinds, classes and widths of its operands. Never register numbers, displacements or immediate values: engines
   * share code among instructions that differ only in those.
   */
  readonly instruction: Decoded;

  // Operands and registers.
  /**
   * Operand's value at its width. Immediates are already sign-extended to the operation's width. A segment register
   * gives its selector, a control or debug register what `readControl` or `readDebug` gives.
   */
  read(operand: Operand): Value;
  /**
   * Writes at the operand's width. A 32-bit general register is zero-extended to 64 bits; 8 and 16 bits keep the rest.
   * A segment, control or debug register is written by `moveToSegment`, `writeControl` or `writeDebug`, all checks included.
   */
  write(operand: Operand, value: Value): void;
  /**
   * Effective address of a memory operand at the address size, without the segment base (LEA). A base of rSP counts as
   * already moved by `popped` bytes (POP to memory).
   */
  address(operand: Memory, popped?: number): Value;
  /** Address a relative operand names, at the operand size. */
  target(operand: Relative): Value;
  /** Selector (16 bits) and offset (at the operand's width) of a far pointer in the instruction. */
  farPointer(operand: FarPointer): { readonly selector: Value; readonly offset: Value };
  register(number: number, width: Width): Value;
  setRegister(number: number, value: Value): void;
  /** AH, CH, DH, BH. */
  highByte(number: number): Value;
  setHighByte(number: number, value: Value): void;

  // Arithmetic.
  constant(width: Width | 1, value: number | bigint): Value;
  add(a: Value, b: Value): Value;
  subtract(a: Value, b: Value): Value;
  /** Low half of the product. For the full product extend the operands first (up to 64 bits; beyond: `multiplyHigh`). */
  multiply(a: Value, b: Value): Value;
  /** High 64 bits of the 128-bit product of two 64-bit values. */
  multiplyHigh(a: Value, b: Value, signed: boolean): Value;
  /** Quotient, truncated towards zero; `b` must not be zero, nor the pair the minimum and -1. */
  divide(a: Value, b: Value, signed: boolean): Value;
  /** Remainder, with the sign of `a`; same conditions. */
  remainder(a: Value, b: Value, signed: boolean): Value;
  // These four also take values of width 1.
  and(a: Value, b: Value): Value;
  or(a: Value, b: Value): Value;
  xor(a: Value, b: Value): Value;
  not(a: Value): Value;
  negate(a: Value): Value;
  /** `count` has the width of `a` and must be below it; mask it first. */
  shiftLeft(a: Value, count: Value): Value;
  shiftRight(a: Value, count: Value): Value;
  shiftRightSigned(a: Value, count: Value): Value;
  /** Comparisons give a value of width 1. */
  equal(a: Value, b: Value): Value;
  lessUnsigned(a: Value, b: Value): Value;
  lessSigned(a: Value, b: Value): Value;
  isZero(a: Value): Value;
  /** Bit `index` (a fact, not a value), as width 1. */
  bit(a: Value, index: number): Value;
  /** `condition ? a : b`; both are evaluated, so neither may access memory. */
  select(condition: Value, a: Value, b: Value): Value;
  // To its own width, each of these three gives the value itself.
  zeroExtend(a: Value, width: Width): Value;
  signExtend(a: Value, width: Width): Value;
  /** Low bits; to width 1 it is bit 0. */
  truncate(a: Value, width: Width | 1): Value;
  /** Number of the lowest (BSF) or highest (BSR) set bit, at the width of `a`; `a` must not be zero. */
  lowestBit(a: Value): Value;
  highestBit(a: Value): Value;

  /** Number of set bits, at the width of `a` (POPCNT). */
  bitCount(a: Value): Value;
  /** The bytes in opposite order (BSWAP). */
  byteSwap(a: Value): Value;

  readonly flags: FlagAlgebra;

  // Memory and stack. A memory operand stands for the segment that applies to it.
  load(segment: SegmentName | Memory, address: Value, width: Width): Value;
  store(segment: SegmentName | Memory, address: Value, value: Value): void;
  /** Raises what a store of that width there would raise, and stores nothing (INS: before the port is read). */
  checkStore(segment: SegmentName | Memory, address: Value, width: Width): void;
  /** Pushes at the value's width; the stack pointer has the width of the stack segment (64 in 64-bit mode) and moves after the store. */
  push(value: Value): void;
  /** Pops and moves the stack pointer. Only where nothing after it can fault. */
  pop(width: Width): Value;
  /** The value `offset` bytes above the top of the stack; the stack pointer stays. */
  peek(width: Width, offset: number): Value;
  /** Adds `bytes` (16 bits, unsigned) to the stack pointer at its width: with `peek`, a pop that can still fault. */
  release(bytes: Value): void;

  // XMM registers, and 16 bytes of memory, in parts of 64 bits: 0 low, 1 high.
  /** Raises #UD or #NM if SSE may not be used now (CR0.EM, CR0.TS, CR4.OSFXSR). First of all. */
  needVectors(): void;
  /** #GP(0) unless the linear address of the operand is a multiple of 16. */
  checkAligned(operand: Memory): void;
  part(operand: Operand, index: 0 | 1): Value;
  /** Of a register. After everything that can fault. */
  setPart(operand: Operand, index: 0 | 1, value: Value): void;
  /** Stores both parts, or nothing. */
  storeParts(operand: Memory, low: Value, high: Value): void;

  // Control.
  /** Both branches are emitted; exactly one happens. */
  when(condition: Value, then: () => void, otherwise?: () => void): void;
  /**
   * A near jump to `target`, of the operand size, zero-extended: #GP(0) if it is outside the code segment or not
   * canonical, else sets the instruction pointer. The last thing on its path.
   */
  jump(target: Value): void;
  /** Raises what `jump` would raise and does no more: before a change that must not happen if the jump faults (CALL). */
  checkJump(target: Value): void;
  /** Address of the following instruction, at `width`. */
  nextAddress(width: Width): Value;
  /** Raises an exception; nothing after it happens. */
  raise(exception: Exception, errorCode?: number): void;

  /** A procedure of the CPU too big for the algebra (descriptor loads, INT, IRET, MSRs, …). */
  call<N extends SystemCall>(name: N, ...args: Values<SystemCalls[N]["args"]>): Value;
}

/** One value for each argument width. */
export type Values<Widths extends readonly Width[]> = { readonly [N in keyof Widths]: Value };

/** The six status flags. Engines keep them unevaluated; see `emulator/cpu/state.ts`. */
export interface FlagAlgebra {
  get(flag: StatusFlag): Value;
  /** `value` has width 1. */
  set(flag: StatusFlag, value: Value): void;
  /** Conditions (width 1) where they are had for less than from the flags: SF ≠ OF, that or ZF, and CF or ZF. */
  less?(): Value | undefined;
  lessOrEqual?(): Value | undefined;
  belowOrEqual?(): Value | undefined;
  /** DF, width 1. */
  direction(): Value;
  /** CF and OF (width 1 each); keeps the others (rotates). */
  setCarryAndOverflow(carry: Value, overflow: Value): void;
  /** SF, ZF, PF of the result, CF and OF as given (width 1 each), AF = 0 (shifts, multiplication). */
  ofShift(result: Value, carry: Value, overflow: Value): void;
  /** All six, of `result = a + b`, or `a + b + carry` where a carry (of any width) is given. */
  ofAdd(a: Value, b: Value, result: Value, carry?: Value): void;
  /** All six, of `result = a - b`, or `a - b - borrow`. */
  ofSubtract(a: Value, b: Value, result: Value, borrow?: Value): void;
  /** As `ofAdd`/`ofSubtract` by one, but CF is kept (INC, DEC). */
  ofIncrement(a: Value, result: Value): void;
  ofDecrement(a: Value, result: Value): void;
  /** SF, ZF, PF of the result; CF = OF = AF = 0 (AND, OR, XOR, TEST). */
  ofLogic(result: Value): void;
  /** SF, ZF, PF only. */
  ofResult(result: Value): void;
}
