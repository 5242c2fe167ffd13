import type { Algebra, Exception, FlagAlgebra, Value } from "../../../isa/algebra.ts";
import { flagBits } from "../../../isa/flags.ts";
import type { Row } from "../../../isa/instruction.ts";
import {
  type Decoded,
  type FarPointer,
  type Memory,
  type Operand,
  type Register,
  type Relative,
  valueWidth,
} from "../../../isa/operands.ts";
import type { SegmentName, Width } from "../../../isa/registers.ts";
import { cpuBase, layout, segmentBytes } from "../../cpu/layout.ts";
import { segmentNumber } from "../../cpu/state.ts";
import { flagAlgebra } from "../flag-words.ts";
import type { Context } from "./frame.ts";
import { quickAccess } from "./tlb-access.ts";
import { constantOf, type Place } from "./wasm-arithmetic.ts";
import { Untranslatable } from "./wasm-instruction.ts";
import { WasmSystem } from "./wasm-system.ts";

/** Where jumps go; each emits code that does not come back. */
export interface Transfers {
  /** To an offset in CS. */
  to(rip: bigint): void;
  /** To the offset in `frame.rip`. */
  indirect(): void;
}

/** Rows that change flags in a branch: they have the words computed before it, so that what follows need not know the way. */
const flagsInBranches = new Set<Row>();

/** Thrown where a row shows that it is one of those: it is to be emitted anew. */
export class FlagsInBranch extends Error {}

const loadOf = { 8: "i32.load8_u", 16: "i32.load16_u", 32: "i32.load", 64: "i64.load" } as const;
const storeOf = { 8: "i32.store8", 16: "i32.store16", 32: "i32.store", 64: "i64.store" } as const;
/**
 * Writes instructions as WebAssembly with static operands. An instruction's writes to registers and flags take effect when
 * it is complete; anything unusual on the way (a TLB miss, a fault, a page crossing) leaves the region with all state as it
 * was before the instruction, and the interpreter executes it.
 */
export class WasmAlgebra extends WasmSystem implements Algebra {
  readonly flags: FlagAlgebra;
  readonly #transfers: Transfers;
  /** Offsets of memory operands, and addresses in WebAssembly memory of those that are read and then written. */
  #offsets = new Map<Operand, Value>();
  #hosts = new Map<Operand, Place>();
  readonly #checkedTargets = new Set<Value>();

  constructor(context: Context, codePage: number, transfers: Transfers) {
    super(context, codePage);
    this.#transfers = transfers;
    const direction = (): Value => this.bit(this.state("i32.load", 32, layout.eflags), flagBits.DF);
    const store = { words: () => this.currentWords(), replace: this.replaceWords.bind(this) };
    this.flags = flagAlgebra(this, store, direction);
  }

  protected tell({ row, operands }: Decoded): void {
    this.#offsets.clear();
    this.#hosts.clear();
    this.#checkedTargets.clear();
    row.semantics(this, ...operands);
  }

  // Operands.

  read(operand: Operand): Value {
    if (operand.kind === "immediate") return this.constant(operand.width, operand.value);
    if (operand.kind === "register") return this.#readRegister(operand);
    if (operand.kind !== "memory") throw new Error(`a ${operand.kind} operand has no value`);
    const writes = this.instruction.row.access[this.instruction.operands.indexOf(operand)] === "rw";
    const width = valueWidth(operand);
    const host = this.#host(operand.segment, this.#offset(operand), width, { reads: true, writes });
    if (writes) this.#hosts.set(operand, host);
    return this.#loadAt(host, width);
  }

  #readRegister(operand: Register): Value {
    const { class: kind, number } = operand;
    if (kind === "general") return this.register(number, valueWidth(operand));
    if (kind === "high-byte") return this.highByte(number);
    if (kind === "segment") return this.state("i32.load16_u", 16, layout.segments + number * segmentBytes);
    if (kind === "control") return this.readControl(number, valueWidth(operand));
    throw new Untranslatable(`${kind} register`);
  }

  write(operand: Operand, value: Value): void {
    if (operand.kind === "register") this.#writeRegister(operand, value);
    else if (operand.kind !== "memory") throw new Error(`a ${operand.kind} operand cannot be written`);
    else {
      const host = this.#hosts.get(operand);
      if (host) this.#storeAt(host, value);
      else this.#store(operand.segment, this.#offset(operand), value);
    }
  }

  #writeRegister({ class: kind, number }: Register, value: Value): void {
    if (kind === "general") this.setRegister(number, value);
    else if (kind === "high-byte") this.setHighByte(number, value);
    else if (kind === "control") this.writeControl(number, value);
    else throw new Untranslatable(`${kind} register`);
  }

  address(operand: Memory, popped = 0): Value {
    const width = operand.addressSize;
    let sum: Value = this.constant(width, operand.displacement);
    const { base, index } = operand;
    if (operand.ripRelative) sum = this.add(sum, this.nextAddress(width));
    if (base === 4) sum = this.add(sum, this.constant(width, popped));
    if (base !== undefined) sum = this.add(this.register(base, width), sum);
    if (index === undefined) return sum;
    const scale = this.constant(width, Math.log2(operand.scale));
    return this.add(this.shiftLeft(this.register(index, width), scale), sum);
  }

  /** The address, computed once. */
  #offset(operand: Memory): Value {
    const known = this.#offsets.get(operand);
    if (known) return known;
    const offset = this.address(operand);
    this.#offsets.set(operand, offset);
    return offset;
  }

  target({ distance }: Relative): Value {
    const { operandSize, length } = this.instruction;
    return this.constant(operandSize, this.site.rip + BigInt(length + distance));
  }

  farPointer(_operand: FarPointer): { readonly selector: Value; readonly offset: Value } {
    throw new Untranslatable("far pointer");
  }

  nextAddress(width: Width): Value {
    return this.constant(width, this.site.rip + BigInt(this.instruction.length));
  }

  // Memory.

  #host(segment: SegmentName, offset: Value, width: Width, use: { reads: boolean; writes: boolean }): Place {
    const number = segmentNumber[segment];
    const kind = this.frame.context.segments[number];
    if (kind === "slow" || kind === undefined) throw new Untranslatable("segment");
    if (use.writes && (kind === "flat-read-only" || kind === "based-read-only")) throw new Untranslatable("segment");
    const access = { segment: number, offset, bytes: width / 8, ...use };
    return quickAccess(this, this.frame, access, () => this.leave());
  }

  #loadAt(host: Value, width: Width): Value {
    this.put(host);
    this.code.memory(loadOf[width], 0);
    return this.keep(width);
  }

  #storeAt(host: Value, value: Value): void {
    if (value.width === 1) throw new Error("a truth value is not stored");
    this.put(host);
    this.put(value);
    this.code.memory(storeOf[value.width], 0);
    this.committed = true;
  }

  #store(segment: SegmentName, offset: Value, value: Value): void {
    if (value.width === 1) throw new Error("a truth value is not stored");
    this.#storeAt(this.#host(segment, offset, value.width, { reads: false, writes: true }), value);
  }

  load(segment: SegmentName | Memory, address: Value, width: Width): Value {
    return this.#loadAt(this.#host(segmentName(segment), address, width, { reads: true, writes: false }), width);
  }
  store(segment: SegmentName | Memory, address: Value, value: Value): void {
    this.#store(segmentName(segment), address, value);
  }
  checkStore(segment: SegmentName | Memory, address: Value, width: Width): void {
    this.#host(segmentName(segment), address, width, { reads: false, writes: true });
  }

  // XMM registers: their parts are in the state block.

  needVectors(): void {
    if (!this.frame.context.vectors) throw new Untranslatable("vectors that may not be used");
  }

  checkAligned(operand: Memory): void {
    const number = segmentNumber[operand.segment];
    const offset = this.#low(this.#offset(operand));
    const based = this.frame.context.segments[number]?.startsWith("based");
    const linear = based ? this.add(offset, this.#low(this.frame.segmentBase(number))) : offset;
    this.#leaveIf(this.not(this.isZero(this.and(linear, this.constant(32, 15)))));
  }

  #low(value: Value): Value {
    return value.width === 16 ? this.zeroExtend(value, 32) : this.truncate(value, 32);
  }

  /** Address of a part in memory. At the very end of the address space the interpreter has its say. */
  #partOffset(operand: Memory, index: 0 | 1): Value {
    const offset = this.#offset(operand);
    if (index === 0) return offset;
    const { addressSize } = operand;
    if (addressSize !== 64) this.#leaveIf(this.lessUnsigned(this.constant(addressSize, 2 ** addressSize - 16), offset));
    return this.add(offset, this.constant(addressSize, 8));
  }

  part(operand: Operand, index: 0 | 1): Value {
    if (operand.kind === "memory") return this.load(operand, this.#partOffset(operand, index), 64);
    if (operand.kind !== "register") throw new Error(`a ${operand.kind} operand has no parts`);
    return this.state("i64.load", 64, layout.xmm + 16 * operand.number + 8 * index);
  }

  setPart(operand: Operand, index: 0 | 1, value: Value): void {
    if (operand.kind !== "register") throw new Error(`a ${operand.kind} operand is stored whole`);
    this.code.i32(cpuBase);
    this.put(value);
    this.code.memory("i64.store", layout.xmm + 16 * operand.number + 8 * index);
    this.committed = true;
  }

  storeParts(operand: Memory, low: Value, high: Value): void {
    const use = { reads: false, writes: true };
    const hosts = ([0, 1] as const).map((index) =>
      this.#host(operand.segment, this.#partOffset(operand, index), 64, use),
    );
    this.#storeAt(hosts[0]!, low);
    this.#storeAt(hosts[1]!, high);
  }

  // Stack.

  #stackOffset(bytes: number): Value {
    const { stackBits } = this.frame.context;
    return this.add(this.register(4, stackBits), this.constant(stackBits, bytes));
  }

  push(value: Value): void {
    const offset = this.#stackOffset(-value.width / 8);
    this.#store("ss", offset, value);
    this.setRegister(4, offset);
  }
  pop(width: Width): Value {
    const value = this.peek(width, 0);
    this.setRegister(4, this.#stackOffset(width / 8));
    return value;
  }
  peek(width: Width, offset: number): Value {
    return this.load("ss", this.#stackOffset(offset), width);
  }
  release(bytes: Value): void {
    const { stackBits } = this.frame.context;
    this.setRegister(4, this.add(this.register(4, stackBits), this.zeroExtend(bytes, stackBits)));
  }

  // Control.

  when(condition: Value, then: () => void, otherwise?: () => void): void {
    const known = constantOf(condition);
    if (known !== undefined) {
      if (known === 1n) then();
      else otherwise?.();
      return;
    }
    this.complete();
    const settles = flagsInBranches.has(this.instruction.row);
    if (settles) this.settleNow();
    const ended = this.ended;
    this.put(condition);
    this.code.if();
    const first = this.#branch(then, settles);
    let second = false;
    if (otherwise) {
      this.code.op("else");
      second = this.#branch(otherwise, settles);
    }
    this.code.op("end");
    this.ended = ended || (first && second);
  }

  /** Both branches end with everything in place, so that what follows need not know which was taken. True if it jumped. */
  #branch(body: () => void, settles: boolean): boolean {
    const [offsets, hosts] = [this.#offsets, this.#hosts];
    this.#offsets = new Map(offsets);
    this.#hosts = new Map(hosts);
    this.ended = false;
    const { words } = this.frame.flags;
    body();
    this.complete();
    if (settles) this.settleNow();
    else if (this.frame.flags.words !== words) {
      flagsInBranches.add(this.instruction.row);
      throw new FlagsInBranch();
    }
    [this.#offsets, this.#hosts] = [offsets, hosts];
    return this.ended;
  }

  checkJump(target: Value): void {
    if (this.#checkedTargets.has(target)) return;
    this.#checkedTargets.add(target);
    const { bits, codeLimit } = this.frame.context;
    const known = constantOf(target);
    if (bits === 64) {
      const reach = this.constant(64, 2n ** 47n);
      this.#leaveIf(this.lessUnsigned(this.constant(64, 2n ** 48n - 1n), this.add(target, reach)));
    } else if (known === undefined ? codeLimit < 0xffff_ffff : known > BigInt(codeLimit))
      this.#leaveIf(this.lessUnsigned(this.constant(target.width, codeLimit), target));
  }

  #leaveIf(condition: Value): void {
    const known = constantOf(condition);
    if (known === 0n) return;
    this.put(condition);
    this.code.if();
    this.leave();
    this.code.op("end");
  }

  jump(target: Value): void {
    this.checkJump(target);
    this.complete();
    this.countExecution();
    const known = constantOf(target);
    if (known !== undefined) this.#transfers.to(target.width === 64 ? BigInt.asIntN(64, known) : known);
    else {
      this.put(this.zeroExtend(target, 64));
      this.code.set(this.frame.rip);
      this.#transfers.indirect();
    }
    this.ended = true;
  }

  raise(_exception: Exception, _errorCode?: number): void {
    this.leave();
    this.ended = true;
  }
}

const segmentName = (segment: SegmentName | Memory): SegmentName =>
  typeof segment === "string" ? segment : segment.segment;
