import type { Algebra, Exception, FlagAlgebra, Value, Values } from "../../isa/algebra.ts";
import {
  type Decoded,
  type FarPointer,
  type Memory,
  type Operand,
  type Register,
  type Relative,
  valueWidth,
} from "../../isa/operands.ts";
import type { SegmentName, Width } from "../../isa/registers.ts";
import { type SystemCall, type SystemCalls, systemCalls } from "../../isa/system.ts";
import { vector } from "../cpu/fault.ts";
import { layout, segmentBytes, segmentLayout } from "../cpu/layout.ts";
import { segmentNumber } from "../cpu/state.ts";
import { flagAlgebra } from "./flag-words.ts";
import { halves, offsetOf, offsetText, signedWord } from "./javascript-address.ts";
import { type Text, textOf, truthOf } from "./javascript-expression.ts";
import { JavaScriptRegisters, type Needs } from "./javascript-registers.ts";

const eflagsWord = layout.eflags >> 2;
const ripWord = layout.rip >> 2;
const codeLimitWord = (layout.segments + segmentNumber.cs * segmentBytes + segmentLayout.limit) >> 2;
const flagIndex = { z: layout.flagZ >> 2, sp: layout.flagSP >> 2, c: layout.flagC >> 2 } as const;
const two32 = 4294967296;

/**
 * Writes an instruction's semantics as statements of a JavaScript function of `d`, the `DynamicOperands`. Free names in
 * them: `cpu`, the views `r8 r16 r32 u32 r64` of its state block, `freeNames`, and `sp`, the stack pointer
 * as an unsigned number, or a signed one in 64-bit mode. Offsets of memory are numbers in the same way.
 */
export class JavaScriptAlgebra extends JavaScriptRegisters implements Algebra {
  readonly flags: FlagAlgebra;
  /** Offset of each memory operand, once computed. */
  readonly #offsets = new Map<Operand, string>();

  /** @param instruction a template (see `shape.ts`) */
  constructor(instruction: Decoded, stackBits: 16 | 32 | 64, needs: Needs) {
    super(instruction, stackBits, needs);
    const word = (index: number) => () => this.temporary(32, `r32[${index}]`);
    this.flags = flagAlgebra(
      this,
      {
        words: () => ({ z: word(flagIndex.z), sp: word(flagIndex.sp), c: word(flagIndex.c) }),
        replace: (words) => {
          const fresh = (["z", "sp", "c"] as const).map((name) => [name, words[name]?.()] as const);
          for (const [name, value] of fresh) if (value) this.statement(`r32[${flagIndex[name]}] = ${textOf(value)};`);
        },
      },
      () => this.temporary(1, `r32[${eflagsWord}] >>> 10 & 1`),
    );
  }

  // The stack.

  push(value: Value): void {
    const offset = this.temporary(64, this.stackOffset(-value.width / 8)).text;
    this.#store("ss", offset, value);
    this.moveStack(offset);
  }

  pop(width: Width): Value {
    const value = this.peek(width, 0);
    this.moveStack(this.stackOffset(width / 8));
    return value;
  }

  peek(width: Width, offset: number): Value {
    this.found.stack = true;
    return this.#load("ss", this.temporary(64, this.stackOffset(offset)).text, width);
  }

  release(bytes: Value): void {
    this.moveStack(this.stackOffset(textOf(bytes)));
  }

  // Operands.

  #slot(operand: Operand): string {
    const index = this.instruction.operands.indexOf(operand);
    if (index < 0) throw new Error("an operand of another instruction");
    return `d.value${index}`;
  }

  read(operand: Operand): Value {
    if (operand.kind === "register") return this.#readRegister(operand);
    if (operand.kind === "immediate")
      return this.temporary(operand.width, operand.width === 64 ? "d.wide" : this.#slot(operand));
    if (operand.kind !== "memory") throw new Error(`a ${operand.kind} operand has no value`);
    const offset = this.#offset(operand);
    const width = valueWidth(operand);
    if (this.instruction.row.access[this.instruction.operands.indexOf(operand)] === "rw")
      this.#prepareStore(operand.segment, offset, width);
    return this.#load(operand.segment, offset, width);
  }

  #readRegister(operand: Register): Value {
    const slot = this.#slot(operand);
    switch (operand.class) {
      case "general":
        this.commitStack();
        return this.readWord(slot, valueWidth(operand));
      case "high-byte":
        return this.temporary(8, `r8[(${slot} << 3) + 1]`);
      case "segment":
        return this.temporary(16, `r16[${layout.segments >> 1} + ${slot} * ${segmentBytes >> 1}]`);
      case "x87":
      case "mmx":
      case "xmm":
        throw new Error(`${operand.class} registers are for procedures of the CPU`);
      default: {
        const value = this.call(operand.class === "control" ? "readControl" : "readDebug", {
          width: 8,
          text: slot,
        } as Text);
        return this.truncate(value, valueWidth(operand));
      }
    }
  }

  write(operand: Operand, value: Value): void {
    if (operand.kind === "memory") this.#store(operand.segment, this.#offset(operand), value);
    else if (operand.kind === "register") this.#writeRegister(operand, value);
    else throw new Error(`a ${operand.kind} operand cannot be written`);
  }

  #writeRegister(operand: Register, value: Value): void {
    const slot = this.#slot(operand);
    const number: Text = { width: 8, text: slot };
    switch (operand.class) {
      case "general":
        this.setWord(slot, value, true);
        return;
      case "high-byte":
        this.statement(`r8[(${slot} << 3) + 1] = ${textOf(value)};`);
        return;
      case "segment":
        this.call("moveToSegment", number, value);
        return;
      case "control":
        this.call("writeControl", number, this.zeroExtend(value, 64));
        return;
      case "debug":
        this.call("writeDebug", number, this.zeroExtend(value, 64));
        return;
      default:
        throw new Error(`${operand.class} registers are for procedures of the CPU`);
    }
  }

  address(operand: Memory, popped = 0): Value {
    if (operand.addressSize === 64) {
      const { low, high } = halves(this, operand, popped);
      return this.temporary(64, `pair(${low}, ${high})`);
    }
    const offset = this.#offset(operand, popped);
    return this.temporary(operand.addressSize, operand.addressSize === 32 ? `${offset} | 0` : offset);
  }

  /** Text of an operand's offset as memory accesses want it. */
  #offset(operand: Memory, popped = 0): string {
    const known = this.#offsets.get(operand);
    if (known !== undefined) return known;
    if (operand.base === 4) this.commitStack();
    const name = offsetText(this, operand, popped);
    this.#offsets.set(operand, name);
    return name;
  }

  farPointer(operand: FarPointer): { readonly selector: Value; readonly offset: Value } {
    const offset = this.temporary(operand.width, operand.width === 32 ? "d.displacement | 0" : "d.displacement");
    return { selector: this.temporary(16, this.#slot(operand)), offset };
  }

  // Memory.

  #load(segment: SegmentName, offset: string, width: Width): Value {
    return this.temporary(width, `cpu.load${width}(${segmentNumber[segment]}, ${offset})`);
  }

  #store(segment: SegmentName, offset: string, value: Value): void {
    this.statement(`cpu.store${value.width}(${segmentNumber[segment]}, ${offset}, ${textOf(value)});`);
  }

  #prepareStore(segment: SegmentName, offset: string, width: Width): void {
    this.statement(`cpu.prepareStore(${segmentNumber[segment]}, ${offset}, ${width / 8});`);
  }

  load(segment: SegmentName | Memory, address: Value, width: Width): Value {
    return this.#load(segmentName(segment), offsetOf(address), width);
  }
  store(segment: SegmentName | Memory, address: Value, value: Value): void {
    this.#store(segmentName(segment), offsetOf(address), value);
  }
  checkStore(segment: SegmentName | Memory, address: Value, width: Width): void {
    this.#prepareStore(segmentName(segment), offsetOf(address), width);
  }

  // XMM registers.

  needVectors(): void {
    this.statement("checkSse(cpu);");
  }

  checkAligned(operand: Memory): void {
    const base = `cpu.bases[${segmentNumber[operand.segment]}]`;
    this.statement(`if (((${base} + ${this.#offset(operand)}) & 15) !== 0) cpu.raise(${vector.GP}, 0);`);
  }

  #part(operand: Operand, index: 0 | 1): string {
    return `r64[${layout.xmm >> 3} + 2 * ${this.#slot(operand)} + ${index}]`;
  }

  part(operand: Operand, index: 0 | 1): Value {
    if (operand.kind !== "memory") return this.temporary(64, this.#part(operand, index));
    const offset = this.#offset(operand);
    return this.#load(operand.segment, index === 0 ? offset : `${offset} + 8`, 64);
  }

  setPart(operand: Operand, index: 0 | 1, value: Value): void {
    this.statement(`${this.#part(operand, index)} = ${textOf(value)};`);
  }

  storeParts(operand: Memory, low: Value, high: Value): void {
    const offsets = [this.#offset(operand), `${this.#offset(operand)} + 8`] as const;
    for (const offset of offsets) this.#prepareStore(operand.segment, offset, 64);
    this.#store(operand.segment, offsets[0], low);
    this.#store(operand.segment, offsets[1], high);
  }

  // Control.

  when(condition: Value, then: () => void, otherwise?: () => void): void {
    const moved = this.stackMoved;
    this.#branch(`if (${truthOf(condition)}) {`, then, moved);
    if (otherwise) this.#branch("} else {", otherwise, moved);
    this.statement("}");
  }

  /** Both branches leave `sp` as the statements after them expect it. */
  #branch(head: string, body: () => void, moved: boolean): void {
    const offsets = new Map(this.#offsets);
    this.statement(head);
    this.stackMoved = moved;
    body();
    if (!moved) this.commitStack();
    this.stackMoved = moved;
    // Names made inside the branch end with it.
    this.#offsets.clear();
    for (const [operand, name] of offsets) this.#offsets.set(operand, name);
  }

  /** A signed number as a 64-bit value, and as itself for `jump`. */
  #near(text: string): Near {
    const near = this.temporary(64, text).text;
    return { width: 64, near, text: `pair(${near}, Math.floor(${near} / ${two32}))` };
  }

  target(operand: Relative): Value {
    const distance = this.#slot(operand);
    const { operandSize } = this.instruction;
    if (operandSize === 64) return this.#near(`${signedWord(ripWord)} + ${distance}`);
    return this.temporary(operandSize, `r32[${ripWord}] + ${distance} ${operandSize === 32 ? "| 0" : "& 0xffff"}`);
  }

  nextAddress(width: Width): Value {
    if (width === 64) return this.#near(`${signedWord(ripWord)} + d.length`);
    return this.temporary(width, `r32[${ripWord}] + d.length ${width === 32 ? "| 0" : "& 0xffff"}`);
  }

  checkJump(target: Value): void {
    const { near, text } = target as Near;
    if (target.width !== 64) this.statement(`if ((${text} >>> 0) > u32[${codeLimitWord}]) cpu.raise(13, 0);`);
    else if (near !== undefined)
      this.statement(
        `if ((${near} < ${-(2 ** 47)} || ${near} >= ${2 ** 47}) && !cpu.isCanonical(${near})) cpu.raise(13, 0);`,
      );
    else {
      const wide = `!cpu.isCanonical(s32[1] * ${two32} + (s32[0] >>> 0))`;
      this.statement(`if ((s64[0] = ${text}, s32[1] >> 15 !== s32[1] >> 31) && ${wide}) cpu.raise(13, 0);`);
    }
  }

  jump(target: Value): void {
    this.found.jumps = true;
    const { near, text } = target as Near;
    this.checkJump(target);
    this.commitStack();
    if (near !== undefined) this.#setInstructionPointer(near, `Math.floor(${near} / ${two32})`);
    else if (target.width === 64) this.#setInstructionPointer(`(s64[0] = ${text}, s32[0])`, "s32[1]");
    else this.#setInstructionPointer(text, "0");
    this.statement("return;");
  }

  #setInstructionPointer(low: string, high: string): void {
    this.statement(`r32[${ripWord}] = ${low};`);
    this.statement(`r32[${ripWord + 1}] = ${high};`);
  }

  raise(exception: Exception, errorCode?: number): void {
    this.statement(`cpu.raise(${vector[exception]}${errorCode === undefined ? "" : `, ${errorCode}`});`);
  }

  call<N extends SystemCall>(name: N, ...args: Values<SystemCalls[N]["args"]>): Value {
    // The vector unit neither jumps nor changes how the processor works.
    if (name !== "vector") this.found.calls = true;
    this.commitStack();
    const values = args as readonly Value[];
    const texts = values.map((value) => (value.width === 32 ? `${textOf(value)} >>> 0` : textOf(value)));
    const text = `cpu.system.${name}(${["cpu", "d.decoded", ...texts].join(", ")})`;
    const width: Width | undefined = systemCalls[name].result;
    const result = width === undefined ? undefined : this.temporary(width, width === 32 ? `${text} | 0` : text);
    if (!result) this.statement(`${text};`);
    this.reloadStack();
    return result ?? noValue;
  }

  /** Lets `cpu.next` say what follows, as procedures of the CPU expect it. */
  prepareNext(): void {
    const { bits } = this.instruction;
    this.statement(`cpu.next = ${bits === 64 ? "cpu.sequential(d.length)" : `(u32[${ripWord}] + d.length) >>> 0`};`);
  }

  /** Ends the instruction: what follows it is next. */
  finish(): void {
    this.commitStack();
    this.#advance();
    this.statement("return;");
  }

  #advance(): void {
    if (this.needs.calls) this.#setInstructionPointer("cpu.next", `Math.floor(cpu.next / ${two32})`);
    else if (this.instruction.bits !== 64) this.statement(`r32[${ripWord}] = r32[${ripWord}] + d.length | 0;`);
    else {
      this.statement(`const next = u32[${ripWord}] + d.length;`);
      this.statement(`r32[${ripWord}] = next;`);
      this.statement(`if (next >= ${two32}) r32[${ripWord + 1}] += 1;`);
    }
  }
}

/** An address of 64 bits that is also at hand as a signed number. */
interface Near extends Text {
  readonly near?: string;
}

/** What a procedure without a result gives; no row uses it. */
const noValue: Text = { width: 8, text: "undefined" };

const segmentName = (segment: SegmentName | Memory): SegmentName =>
  typeof segment === "string" ? segment : segment.segment;
