import { logarithms } from "./functions.ts";
import type { BinaryOperator, UnaryOperator } from "./tree.ts";

/** Operators on 64-bit constants, as nasm defines them: `/ % >>` are unsigned, `// %% >>>` signed; comparisons are signed. */
interface Operator {
  /** nasm's precedence; higher binds tighter. */
  readonly level: number;
  /** Undefined result: division by zero, or `<=>` of a lesser number. */
  readonly apply: (a: bigint, b: bigint) => bigint | undefined;
}

const truth = (value: boolean): bigint => (value ? 1n : 0n);
const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);
const shift = (b: bigint): bigint => unsigned(b) & 63n;

export const binaryOperators: Readonly<Record<BinaryOperator, Operator>> = {
  "||": { level: 1, apply: (a, b) => truth(a !== 0n || b !== 0n) },
  "^^": { level: 2, apply: (a, b) => truth((a !== 0n) !== (b !== 0n)) },
  "&&": { level: 3, apply: (a, b) => truth(a !== 0n && b !== 0n) },
  "=": { level: 4, apply: (a, b) => truth(a === b) },
  "!=": { level: 4, apply: (a, b) => truth(a !== b) },
  "<": { level: 4, apply: (a, b) => truth(a < b) },
  "<=": { level: 4, apply: (a, b) => truth(a <= b) },
  ">": { level: 4, apply: (a, b) => truth(a > b) },
  ">=": { level: 4, apply: (a, b) => truth(a >= b) },
  // Where the first is less, nasm 2.16 takes its own -1 for a value that is not known.
  "<=>": { level: 4, apply: (a, b) => (a < b ? undefined : truth(a > b)) },
  "|": { level: 5, apply: (a, b) => a | b },
  "^": { level: 6, apply: (a, b) => a ^ b },
  "&": { level: 7, apply: (a, b) => a & b },
  "<<": { level: 8, apply: (a, b) => a << shift(b) },
  ">>": { level: 8, apply: (a, b) => unsigned(a) >> shift(b) },
  ">>>": { level: 8, apply: (a, b) => a >> shift(b) },
  "+": { level: 9, apply: (a, b) => a + b },
  "-": { level: 9, apply: (a, b) => a - b },
  "*": { level: 10, apply: (a, b) => a * b },
  "/": { level: 10, apply: (a, b) => (b === 0n ? undefined : unsigned(a) / unsigned(b)) },
  "//": { level: 10, apply: (a, b) => (b === 0n ? undefined : a / b) },
  "%": { level: 10, apply: (a, b) => (b === 0n ? undefined : unsigned(a) % unsigned(b)) },
  "%%": { level: 10, apply: (a, b) => (b === 0n ? undefined : a % b) },
};

/** Undefined: the operator has no value there. */
export const unaryOperators: Readonly<Record<UnaryOperator, (a: bigint) => bigint | undefined>> = {
  ilog2e: logarithms["ilog2e"]!,
  ilog2w: logarithms["ilog2w"]!,
  ilog2f: logarithms["ilog2f"]!,
  ilog2c: logarithms["ilog2c"]!,
  "+": (a) => a,
  "-": (a) => -a,
  "~": (a) => ~a,
  "!": (a) => truth(a === 0n),
};

const spellings: Readonly<Record<string, BinaryOperator>> = { "==": "=", "<>": "!=", "<<<": "<<" };

/** The operator of a token, whichever of its spellings was used. */
export const operatorOf = (image: string): BinaryOperator => spellings[image] ?? (image as BinaryOperator);

/** Wraps at 64 bits; all constants are held signed. */
export const wrap = (value: bigint): bigint =>
  value >= -0x8000_0000n && value <= 0x7fff_ffffn ? value : BigInt.asIntN(64, value);
