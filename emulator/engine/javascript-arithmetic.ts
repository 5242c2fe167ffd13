import type { Value } from "../../isa/algebra.ts";
import type { Width } from "../../isa/registers.ts";
import * as expression from "./javascript-expression.ts";
import { type Binary, type Text, textOf } from "./javascript-expression.ts";

/** The arithmetic of the algebra, written as statements of JavaScript: each result gets a name. */
export class JavaScriptArithmetic {
  readonly #lines: string[] = [];
  #temporaries = 0;

  /** The statements so far. */
  get body(): string {
    return this.#lines.join("\n");
  }

  statement(line: string): void {
    this.#lines.push(line);
  }

  /** The value of an expression, computed here, under a name of its own. */
  temporary(width: Width | 1, text: string): Text {
    const name = `t${this.#temporaries++}`;
    this.statement(`const ${name} = ${text};`);
    return { width, text: name };
  }

  /** The same of a JavaScript boolean. */
  truth(text: string): Text {
    return { ...this.temporary(1, text), truth: true };
  }

  constant(width: Width | 1, value: number | bigint): Value {
    if (width === 64) return { width, text: `${BigInt.asUintN(64, BigInt(value))}n` } as Text;
    const narrow =
      width === 32 ? Number(BigInt.asIntN(32, BigInt(value))) : Number(BigInt.asUintN(width, BigInt(value)));
    return { width, text: narrow < 0 ? `(${narrow})` : `${narrow}` } as Text;
  }

  #binary(make: Binary): (a: Value, b: Value) => Value {
    return (a, b) => this.temporary(a.width, make(a as Text, b as Text));
  }
  #compare(make: Binary): (a: Value, b: Value) => Value {
    return (a, b) => this.truth(make(a as Text, b as Text));
  }

  readonly add = this.#binary(expression.add);
  readonly subtract = this.#binary(expression.subtract);
  readonly multiply = this.#binary(expression.multiply);
  readonly and = this.#binary(expression.and);
  readonly or = this.#binary(expression.or);
  readonly xor = this.#binary(expression.xor);
  readonly shiftLeft = this.#binary(expression.shiftLeft);
  readonly shiftRightSigned = this.#binary(expression.shiftRightSigned);
  readonly equal = this.#compare(expression.equal);
  readonly lessUnsigned = this.#compare(expression.lessUnsigned);
  readonly lessSigned = this.#compare(expression.lessSigned);

  shiftRight(a: Value, count: Value): Value {
    const text = expression.shiftRight(a as Text, count as Text);
    // Mostly only its low half is wanted, so it is computed where it is used.
    if (textOf(count) === "32n") return { width: 64, text, highOf: textOf(a) } as Text;
    return this.temporary(a.width, text);
  }
  multiplyHigh(a: Value, b: Value, signed: boolean): Value {
    return this.temporary(64, expression.multiplyHigh(a as Text, b as Text, signed));
  }
  divide(a: Value, b: Value, signed: boolean): Value {
    return this.temporary(a.width, expression.divide(a as Text, b as Text, signed));
  }
  remainder(a: Value, b: Value, signed: boolean): Value {
    return this.temporary(a.width, expression.remainder(a as Text, b as Text, signed));
  }
  not(a: Value): Value {
    return this.temporary(a.width, expression.not(a as Text));
  }
  negate(a: Value): Value {
    return this.temporary(a.width, expression.negate(a as Text));
  }
  isZero(a: Value): Value {
    return this.truth(expression.isZero(a as Text));
  }
  bit(a: Value, index: number): Value {
    return this.temporary(1, expression.bit(a as Text, index));
  }
  select(condition: Value, a: Value, b: Value): Value {
    return this.temporary(a.width, expression.select(condition, a as Text, b as Text));
  }
  zeroExtend(a: Value, width: Width): Value {
    return a.width === width ? a : this.temporary(width, expression.zeroExtend(a as Text, width));
  }
  signExtend(a: Value, width: Width): Value {
    return a.width === width ? a : this.temporary(width, expression.signExtend(a as Text, width));
  }
  truncate(a: Value, width: Width | 1): Value {
    return a.width === width ? a : this.temporary(width, expression.truncate(a as Text, width));
  }
  lowestBit(a: Value): Value {
    return this.temporary(a.width, expression.lowestBit(a as Text));
  }
  highestBit(a: Value): Value {
    return this.temporary(a.width, expression.highestBit(a as Text));
  }
  bitCount(a: Value): Value {
    return this.temporary(a.width, expression.bitCount(a as Text));
  }
  byteSwap(a: Value): Value {
    return this.temporary(a.width, expression.byteSwap(a as Text));
  }
}
