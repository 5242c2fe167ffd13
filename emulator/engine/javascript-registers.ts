import type { Value } from "../../isa/algebra.ts";
import type { Decoded } from "../../isa/operands.ts";
import type { Width } from "../../isa/registers.ts";
import { signedWord } from "./javascript-address.ts";
import { JavaScriptArithmetic } from "./javascript-arithmetic.ts";
import { type Text, textOf } from "./javascript-expression.ts";

const two32 = 4294967296;

/** What a row needs around its statements; found by a first pass over its semantics. */
export interface Needs {
  /** It calls procedures of the CPU, which read and write `cpu.next`. */
  calls: boolean;
  /** It may go elsewhere than to the next instruction. */
  jumps: boolean;
  /** It moves the stack pointer: that is kept in `sp` until the instruction can no longer fault. */
  stack: boolean;
}

/** The general registers in JavaScript: words of the state block, and the stack pointer in `sp` until it may be seen. */
export class JavaScriptRegisters extends JavaScriptArithmetic {
  readonly instruction: Decoded;
  readonly found: Needs = { calls: false, jumps: false, stack: false };
  protected readonly needs: Needs;
  protected readonly stackBits: 16 | 32 | 64;
  /** `sp` differs from the register. */
  protected stackMoved = false;

  /** @param instruction a template (see `shape.ts`) */
  constructor(instruction: Decoded, stackBits: 16 | 32 | 64, needs: Needs) {
    super();
    this.instruction = instruction;
    this.stackBits = stackBits;
    this.needs = needs;
  }

  // Registers. `word` is the index of the register's low word, as text.

  protected readWord(word: string, width: Width): Text {
    if (width === 32) return this.temporary(32, `r32[${word}]`);
    if (width === 64) return this.temporary(64, `r64[${word} >> 1]`);
    return this.temporary(width, width === 8 ? `r8[${word} << 2]` : `r16[${word} << 1]`);
  }

  protected writeWord(word: string, value: Value): void {
    const text = textOf(value);
    if (value.width === 64) this.statement(`r64[${word} >> 1] = ${text};`);
    else if (value.width === 32) {
      this.statement(`r32[${word}] = ${text};`);
      // Outside 64-bit code the upper half cannot be seen, and hardware does not promise to keep it.
      if (this.instruction.bits === 64) this.statement(`r32[${word} + 1] = 0;`);
    } else this.statement(value.width === 8 ? `r8[${word} << 2] = ${text};` : `r16[${word} << 1] = ${text};`);
  }

  register(register: number, width: Width): Value {
    if (register === 4) this.commitStack();
    return this.readWord(String(2 * register), width);
  }

  setRegister(register: number, value: Value): void {
    this.setWord(String(2 * register), value, register === 4);
  }

  protected setWord(word: string, value: Value, mayBeStackPointer: boolean): void {
    if (mayBeStackPointer) this.commitStack();
    this.writeWord(word, value);
    if (mayBeStackPointer) this.reloadStack();
  }

  highByte(register: number): Value {
    return this.temporary(8, `r8[${8 * register + 1}]`);
  }

  setHighByte(register: number, value: Value): void {
    this.statement(`r8[${8 * register + 1}] = ${textOf(value)};`);
  }

  // The stack pointer.

  /** Text that reads it from its register. */
  get stackPointer(): string {
    return this.stackBits === 64 ? signedWord(8) : this.stackBits === 32 ? "u32[8]" : "r16[16]";
  }

  protected commitStack(): void {
    if (!this.stackMoved) return;
    this.stackMoved = false;
    this.statement(this.stackBits === 16 ? "r16[16] = sp;" : "r32[8] = sp;");
    if (this.stackBits === 64) this.statement(`r32[9] = Math.floor(sp / ${two32});`);
  }

  protected reloadStack(): void {
    if (this.needs.stack) this.statement(`sp = ${this.stackPointer};`);
  }

  protected stackOffset(bytes: string | number): string {
    const sum = `sp + ${bytes}`;
    return this.stackBits === 64 ? sum : this.stackBits === 32 ? `${sum} >>> 0` : `${sum} & 0xffff`;
  }

  protected moveStack(text: string): void {
    this.found.stack = true;
    this.stackMoved = true;
    this.statement(`sp = ${text};`);
  }
}
