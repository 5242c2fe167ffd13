import type { Value } from "../../../isa/algebra.ts";
import type { Width } from "../../../isa/registers.ts";
import type { Code, Opcode, ValueType } from "./wasm-module.ts";

/**
 * A value of the guest in WebAssembly: a local variable that nothing else sets within its block, or a constant. Widths up to 32 are an i32 whose
 * upper bits are zero, 64 an i64, 1 an i32 of 0 or 1. Constants are unsigned.
 */
export type Place = Value & ({ readonly local: number } | { readonly constant: bigint });

export const constantOf = (value: Value): bigint | undefined =>
  "constant" in value ? (value as Place & { constant: bigint }).constant : undefined;

const typeOf = (width: Width | 1): ValueType => (width === 64 ? "i64" : "i32");
const toSigned = (value: bigint, width: number): bigint => BigInt.asIntN(width, value);

type BinaryName = "add" | "sub" | "mul" | "and" | "or" | "xor" | "shl" | "shr_u";

const folded: Readonly<Record<BinaryName, (a: bigint, b: bigint) => bigint>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a << b,
  shr_u: (a, b) => a >> b,
};
/** Results of these stay within the width of their operands. */
const narrowing: ReadonlySet<BinaryName> = new Set(["and", "or", "xor", "shr_u"]);

/** The arithmetic of the algebra, written to `code`. Every result is a new local; operations on constants are done here and now. */
export class WasmArithmetic {
  readonly code: Code;

  constructor(code: Code) {
    this.code = code;
  }

  constant(width: Width | 1, value: number | bigint): Place {
    return { width, constant: BigInt.asUintN(width, BigInt(value)) };
  }

  /** Puts the value on the stack of WebAssembly. */
  put(value: Value): void {
    const place = value as Place;
    if ("local" in place) this.code.get(place.local);
    else if (place.width === 64) this.code.i64(place.constant);
    else this.code.i32(Number(BigInt.asIntN(32, place.constant)));
  }

  /** The value on WebAssembly's stack, as a local of its own. */
  keep(width: Width | 1): Place {
    const local = this.code.temporary(typeOf(width));
    this.code.set(local);
    return { width, local };
  }

  #op(width: Width | 1, name: string): void {
    this.code.op(`${typeOf(width)}.${name}` as Opcode);
  }

  /** Clears what an operation left above the width. */
  #narrow(width: Width | 1): void {
    if (width >= 32) return;
    this.code.i32(2 ** width - 1);
    this.code.op("i32.and");
  }

  #binary(name: BinaryName, a: Value, b: Value): Value {
    const [x, y] = [constantOf(a), constantOf(b)];
    if (x !== undefined && y !== undefined) return this.constant(a.width, folded[name](x, y));
    if (y === 0n && name !== "and" && name !== "mul") return a;
    this.put(a);
    this.put(b);
    this.#op(a.width, name);
    if (!narrowing.has(name)) this.#narrow(a.width);
    return this.keep(a.width);
  }

  add(a: Value, b: Value): Value {
    return this.#binary("add", a, b);
  }
  subtract(a: Value, b: Value): Value {
    return this.#binary("sub", a, b);
  }
  multiply(a: Value, b: Value): Value {
    return this.#binary("mul", a, b);
  }
  and(a: Value, b: Value): Value {
    return this.#binary("and", a, b);
  }
  or(a: Value, b: Value): Value {
    return this.#binary("or", a, b);
  }
  xor(a: Value, b: Value): Value {
    return this.#binary("xor", a, b);
  }
  shiftLeft(a: Value, count: Value): Value {
    return this.#binary("shl", a, count);
  }
  shiftRight(a: Value, count: Value): Value {
    return this.#binary("shr_u", a, count);
  }
  not(a: Value): Value {
    if (a.width === 1) return this.isZero(a);
    return this.xor(a, this.constant(a.width, -1));
  }
  negate(a: Value): Value {
    return this.subtract(this.constant(a.width, 0), a);
  }

  /** Pushes the value with its sign in the upper bits. */
  #pushSigned(value: Value): void {
    const known = constantOf(value);
    if (known !== undefined && value.width < 32) {
      this.code.i32(Number(toSigned(known, value.width)));
      return;
    }
    this.put(value);
    if (value.width === 8) this.code.op("i32.extend8_s");
    if (value.width === 16) this.code.op("i32.extend16_s");
  }

  shiftRightSigned(a: Value, count: Value): Value {
    const [x, by] = [constantOf(a), constantOf(count)];
    if (x !== undefined && by !== undefined) return this.constant(a.width, toSigned(x, a.width) >> by);
    if (by === 0n) return a;
    this.#pushSigned(a);
    this.put(count);
    this.#op(a.width, "shr_s");
    this.#narrow(a.width);
    return this.keep(a.width);
  }

  /** Quotient or remainder; WebAssembly traps where the algebra forbids the operands. */
  #dividing(name: "div" | "rem", a: Value, b: Value, signed: boolean): Value {
    for (const operand of [a, b]) {
      if (signed) this.#pushSigned(operand);
      else this.put(operand);
    }
    this.#op(a.width, `${name}_${signed ? "s" : "u"}`);
    this.#narrow(a.width);
    return this.keep(a.width);
  }
  divide(a: Value, b: Value, signed: boolean): Value {
    return this.#dividing("div", a, b, signed);
  }
  remainder(a: Value, b: Value, signed: boolean): Value {
    return this.#dividing("rem", a, b, signed);
  }

  /** By halves of 32 bits; a signed product differs by the operands that stand opposite a negative one. */
  multiplyHigh(a: Value, b: Value, signed: boolean): Value {
    const half = this.constant(64, 32);
    const low = (value: Value): Value => this.and(value, this.constant(64, 0xffff_ffff));
    const high = (value: Value): Value => this.shiftRight(value, half);
    const middle = this.add(this.multiply(high(a), low(b)), high(this.multiply(low(a), low(b))));
    const other = this.add(this.multiply(low(a), high(b)), low(middle));
    const product = this.add(this.add(this.multiply(high(a), high(b)), high(middle)), high(other));
    if (!signed) return product;
    const sign = (value: Value): Value => this.shiftRightSigned(value, this.constant(64, 63));
    return this.subtract(this.subtract(product, this.and(sign(a), b)), this.and(sign(b), a));
  }

  #compare(name: "eq" | "lt_u" | "lt_s", a: Value, b: Value): Value {
    const [x, y] = [constantOf(a), constantOf(b)];
    if (x !== undefined && y !== undefined) {
      const less = name === "lt_u" ? x < y : toSigned(x, a.width) < toSigned(y, a.width);
      return this.constant(1, (name === "eq" ? x === y : less) ? 1 : 0);
    }
    for (const operand of [a, b]) {
      if (name === "lt_s") this.#pushSigned(operand);
      else this.put(operand);
    }
    this.#op(a.width, name);
    return this.keep(1);
  }
  equal(a: Value, b: Value): Value {
    return this.#compare("eq", a, b);
  }
  lessUnsigned(a: Value, b: Value): Value {
    return this.#compare("lt_u", a, b);
  }
  lessSigned(a: Value, b: Value): Value {
    return this.#compare("lt_s", a, b);
  }

  isZero(a: Value): Value {
    const known = constantOf(a);
    if (known !== undefined) return this.constant(1, known === 0n ? 1 : 0);
    this.put(a);
    this.#op(a.width, "eqz");
    return this.keep(1);
  }

  bit(a: Value, index: number): Value {
    return this.truncate(this.shiftRight(a, this.constant(a.width, index)), 1);
  }

  select(condition: Value, a: Value, b: Value): Value {
    const known = constantOf(condition);
    if (known !== undefined) return known === 1n ? a : b;
    this.put(a);
    this.put(b);
    this.put(condition);
    this.code.op("select");
    return this.keep(a.width);
  }

  zeroExtend(a: Value, width: Width): Value {
    const known = constantOf(a);
    if (known !== undefined) return this.constant(width, known);
    if (a.width === width) return a;
    if (width !== 64) return { ...a, width };
    this.put(a);
    this.code.op("i64.extend_i32_u");
    return this.keep(64);
  }

  signExtend(a: Value, width: Width): Value {
    const known = constantOf(a);
    if (known !== undefined) return this.constant(width, toSigned(known, a.width));
    if (a.width === width) return a;
    if (a.width === 1) return this.negate(this.zeroExtend(a, width));
    this.#pushSigned(a);
    if (width === 64) this.code.op("i64.extend_i32_s");
    else this.#narrow(width);
    return this.keep(width);
  }

  truncate(a: Value, width: Width | 1): Value {
    const known = constantOf(a);
    if (known !== undefined) return this.constant(width, known);
    if (a.width === width) return a;
    this.put(a);
    if (a.width === 64) this.code.op("i32.wrap_i64");
    this.#narrow(width);
    return this.keep(width);
  }

  lowestBit(a: Value): Value {
    this.put(a);
    this.#op(a.width, "ctz");
    return this.keep(a.width);
  }
  highestBit(a: Value): Value {
    const bits = a.width === 64 ? 64 : 32;
    this.put(a);
    this.#op(a.width, "clz");
    const leading = this.keep(a.width);
    return this.subtract(this.constant(a.width, bits - 1), leading);
  }
  bitCount(a: Value): Value {
    this.put(a);
    this.#op(a.width, "popcnt");
    return this.keep(a.width);
  }

  /** Neighbours of 8, 16 and 32 bits change places, as far as the width goes. */
  byteSwap(a: Value): Value {
    const steps = [
      [8, 0x00ff_00ff_00ff_00ffn],
      [16, 0x0000_ffff_0000_ffffn],
      [32, 0x0000_0000_ffff_ffffn],
    ] as const;
    let value = a;
    for (const [distance, mask] of steps) {
      if (distance >= a.width) break;
      const by = this.constant(a.width, distance);
      const low = this.shiftLeft(this.and(value, this.constant(a.width, mask)), by);
      value = this.or(low, this.and(this.shiftRight(value, by), this.constant(a.width, mask)));
    }
    return value;
  }
}
