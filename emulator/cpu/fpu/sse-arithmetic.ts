import { flagMask } from "../../../isa/flags.ts";
import type { Decoded } from "../../../isa/operands.ts";
import type { Cpu } from "../cpu.ts";
import { setStatusFlags } from "../flags.ts";
import { calculate, compare, type Operation, type Relation, squareRoot } from "./arithmetic.ts";
import { exception, type FloatValue, finite, infinity, isNan, magnitude, quieted, zero } from "./float-value.ts";
import { double, packDouble, packSingle, single, unpackDouble, unpackSingle } from "./formats.ts";
import {
  calculateNumber,
  isExactDouble,
  isExactRoot,
  isExactSingle,
  isMiddleDouble,
  isMiddleSingle,
  isPlainDouble,
  isPlainSingle,
} from "./host-arithmetic.ts";
import { immediateOf, Lanes, readOperand, readRegister, writeRegister } from "./lanes.ts";
import { begin, type Control, finish, operandOf, resultOf } from "./mxcsr.ts";
import { round } from "./round.ts";

type Execute = (cpu: Cpu, decoded: Decoded) => void;

/** Destination, source and result of the instruction under way. */
const a = new Lanes();
const b = new Lanes();
const to = new Lanes();

/** Elements of one width: how they are taken apart and put together. */
export interface Elements {
  readonly bytes: 4 | 8;
  readonly get: (from: Lanes, n: number) => FloatValue;
  readonly set: (into: Lanes, n: number, value: FloatValue) => void;
}

export const singles: Elements = {
  bytes: 4,
  get: (from, n) => unpackSingle(BigInt(from.u32[n]!)),
  set: (into, n, value) => {
    into.u32[n] = Number(packSingle(value));
  },
};
export const doubles: Elements = {
  bytes: 8,
  get: (from, n) => unpackDouble(from.u64[n]!),
  set: (into, n, value) => {
    into.u64[n] = packDouble(value);
  },
};

const formatOf = ({ bytes }: Elements) => (bytes === 4 ? single : double);

/** What an instruction does with element n of `a` and `b`; the result goes to `to`. */
type Element = (n: number, control: Control) => void;

/** Runs an instruction on all elements, or on the lowest alone, whose neighbours then stay as they were. */
const onElements =
  (elements: Elements, packed: boolean, element: Element): Execute =>
  (cpu, decoded) => {
    readOperand(cpu, decoded, 1, b, packed ? 16 : elements.bytes, packed);
    readRegister(cpu, decoded.operands[0]!, a);
    to.copy(a);
    const control = begin(cpu);
    const count = packed ? 16 / elements.bytes : 1;
    for (let n = 0; n < count; n++) element(n, control);
    finish(cpu, control);
    writeRegister(cpu, decoded.operands[0]!, to);
  };

function slowly(elements: Elements, operation: Operation, n: number, control: Control): void {
  const first = operandOf(elements.get(a, n), control);
  const second = operandOf(elements.get(b, n), control);
  const outcome = calculate(operation, first, second, "sse", control.mode);
  elements.set(to, n, resultOf(outcome, formatOf(elements), control));
}

const isPrecise = (control: Control): boolean => (control.flags & exception.precision) !== 0;

const doubleElement =
  (operation: Operation): Element =>
  (n, control) => {
    const x = a.f64[n]!;
    const y = b.f64[n]!;
    if (!control.plain || !isMiddleDouble(x) || !isMiddleDouble(y) || (y === 0 && operation === "divide")) {
      slowly(doubles, operation, n, control);
      return;
    }
    const result = calculateNumber(operation, x, y);
    if (!isPrecise(control) && !isExactDouble(operation, x, y, result)) control.flags |= exception.precision;
    to.f64[n] = result;
  };

const singleElement =
  (operation: Operation): Element =>
  (n, control) => {
    const x = a.f32[n]!;
    const y = b.f32[n]!;
    if (!control.plain || !isMiddleSingle(x) || !isMiddleSingle(y) || (y === 0 && operation === "divide")) {
      slowly(singles, operation, n, control);
      return;
    }
    // A double has more than twice the bits of a single: rounding twice gives what rounding once does.
    const result = Math.fround(calculateNumber(operation, x, y));
    if (!isPrecise(control) && !isExactSingle(operation, x, y, result)) control.flags |= exception.precision;
    to.f32[n] = result;
  };

function rootElement(elements: Elements): Element {
  return (n, control) => {
    const value = elements.bytes === 8 ? b.f64[n]! : b.f32[n]!;
    const middle = elements.bytes === 8 ? isMiddleDouble(value) : isMiddleSingle(value);
    if (!control.plain || !middle || value < 0) {
      elements.set(to, n, resultOf(squareRoot(operandOf(elements.get(b, n), control)), formatOf(elements), control));
      return;
    }
    const root = elements.bytes === 8 ? Math.sqrt(value) : Math.fround(Math.sqrt(value));
    if (!isPrecise(control) && !isExactRoot(value, root)) control.flags |= exception.precision;
    if (elements.bytes === 8) to.f64[n] = root;
    else to.f32[n] = root;
  };
}

/** How element n of the operands compare; as JavaScript compares them, where there is nothing special about them. */
function relate(elements: Elements, n: number, quiet: boolean, control: Control): Relation {
  const x = elements.bytes === 8 ? a.f64[n]! : a.f32[n]!;
  const y = elements.bytes === 8 ? b.f64[n]! : b.f32[n]!;
  const plain = elements.bytes === 8 ? isPlainDouble(x) && isPlainDouble(y) : isPlainSingle(x) && isPlainSingle(y);
  if (plain) return x < y ? "less" : x > y ? "greater" : "equal";
  const first = operandOf(elements.get(a, n), control);
  const { relation, flags } = compare(first, operandOf(elements.get(b, n), control), quiet);
  control.flags |= flags;
  return relation;
}

/** MIN and MAX give the source for NaNs and for two zeros. */
const extreme =
  (elements: Elements, wanted: "less" | "greater"): Element =>
  (n, control) => {
    const chosen = relate(elements, n, false, control) === wanted ? a : b;
    const value = elements.get(chosen, n);
    if (value.denormal && control.denormalsAreZeros) elements.set(to, n, zero(value.sign));
    else if (elements.bytes === 8) to.u64[n] = chosen.u64[n]!;
    else to.u32[n] = chosen.u32[n]!;
  };

const relations: readonly (readonly Relation[])[] = [
  ["equal"],
  ["less"],
  ["less", "equal"],
  ["unordered"],
  ["less", "greater", "unordered"],
  ["equal", "greater", "unordered"],
  ["greater", "unordered"],
  ["less", "equal", "greater"],
];
/** Predicates that a quiet NaN is no invalid operation for. */
const quietPredicates: readonly number[] = [0, 3, 4, 7];

/** CMPPS and its like: the predicate is the low three bits of the number. */
const comparison =
  (elements: Elements, packed: boolean): Execute =>
  (cpu, decoded) => {
    const predicate = immediateOf(decoded) & 7;
    const holding = relations[predicate]!;
    const quiet = quietPredicates.includes(predicate);
    onElements(elements, packed, (n, control) => {
      const mask = holding.includes(relate(elements, n, quiet, control)) ? -1 : 0;
      if (elements.bytes === 8) to.u32.fill(mask, 2 * n, 2 * n + 2);
      else to.u32[n] = mask;
    })(cpu, decoded);
  };

const relationFlags: Readonly<Record<Relation, number>> = {
  greater: 0,
  less: flagMask("CF"),
  equal: flagMask("ZF"),
  unordered: flagMask("CF") | flagMask("PF") | flagMask("ZF"),
};

/** COMISS and its like. */
const order =
  (elements: Elements, quiet: boolean): Execute =>
  (cpu, decoded) => {
    readOperand(cpu, decoded, 1, b, elements.bytes, false);
    readRegister(cpu, decoded.operands[0]!, a);
    const control = begin(cpu);
    const relation = relate(elements, 0, quiet, control);
    finish(cpu, control);
    setStatusFlags(cpu, relationFlags[relation]);
  };

/** Pairs of neighbours: HADD, HSUB. The low results are of the destination, the high ones of the source. */
const horizontal = (elements: Elements, operation: "add" | "subtract"): Execute => {
  const count = 16 / elements.bytes;
  return onElements(elements, true, (n, control) => {
    const from = n < count / 2 ? a : b;
    const at = (2 * n) % count;
    const first = operandOf(elements.get(from, at), control);
    const second = operandOf(elements.get(from, at + 1), control);
    const outcome = calculate(operation, first, second, "sse", control.mode);
    elements.set(to, n, resultOf(outcome, formatOf(elements), control));
  });
};

/** ADDSUB: even elements are subtracted, odd ones added. */
const alternating = (elements: Elements): Execute =>
  onElements(elements, true, (n, control) => slowly(elements, n % 2 === 0 ? "subtract" : "add", n, control));

/** Bits that RCPPS and RSQRTPS give: a relative error below 1.5 × 2^-12 is what the manual promises. */
const approximate = { ...single, precision: 12 } as const;

/** RCP and RSQRT signal nothing; denormals count as zeros, and results that are tiny become zeros. */
const approximation =
  (of: (value: FloatValue) => FloatValue): Element =>
  (n) => {
    const value = singles.get(b, n);
    const taken = value.denormal ? zero(value.sign) : value;
    const { value: result } = round(isNan(taken) ? quieted(taken) : of(taken), approximate, 0);
    const tiny = result.class === "finite" && magnitude(result) < single.smallest;
    singles.set(to, n, tiny ? zero(result.sign) : result);
  };

const one = finite(0, 1n, 0);
function reciprocal(value: FloatValue): FloatValue {
  if (value.class === "zero") return infinity(value.sign);
  return calculate("divide", one, value, "sse", 0).value;
}
function reciprocalRoot(value: FloatValue): FloatValue {
  if (value.class === "zero") return infinity(value.sign);
  const root = squareRoot(value).value;
  return isNan(root) ? root : calculate("divide", one, root, "sse", 0).value;
}

const named: readonly (readonly [string, Operation])[] = [
  ["add", "add"],
  ["sub", "subtract"],
  ["mul", "multiply"],
  ["div", "divide"],
];
const suffixes = [
  ["ps", singles, true],
  ["ss", singles, false],
  ["pd", doubles, true],
  ["sd", doubles, false],
] as const;

export const sseArithmetic: Readonly<Record<string, Execute>> = {
  ...Object.fromEntries(
    suffixes.flatMap(([suffix, elements, packed]) => [
      ...named.map(([name, operation]): [string, Execute] => {
        const element = elements.bytes === 8 ? doubleElement(operation) : singleElement(operation);
        return [`${name}${suffix}`, onElements(elements, packed, element)];
      }),
      [`sqrt${suffix}`, onElements(elements, packed, rootElement(elements))],
      [`min${suffix}`, onElements(elements, packed, extreme(elements, "less"))],
      [`max${suffix}`, onElements(elements, packed, extreme(elements, "greater"))],
      [`cmp${suffix}`, comparison(elements, packed)],
    ]),
  ),
  rcpps: onElements(singles, true, approximation(reciprocal)),
  rcpss: onElements(singles, false, approximation(reciprocal)),
  rsqrtps: onElements(singles, true, approximation(reciprocalRoot)),
  rsqrtss: onElements(singles, false, approximation(reciprocalRoot)),
  comiss: order(singles, false),
  ucomiss: order(singles, true),
  comisd: order(doubles, false),
  ucomisd: order(doubles, true),
  haddps: horizontal(singles, "add"),
  haddpd: horizontal(doubles, "add"),
  hsubps: horizontal(singles, "subtract"),
  hsubpd: horizontal(doubles, "subtract"),
  addsubps: alternating(singles),
  addsubpd: alternating(doubles),
};
