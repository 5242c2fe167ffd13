import type { Decoded, Operand } from "../../../isa/operands.ts";
import type { Cpu } from "../cpu.ts";
import { type Outcome, ofNans } from "./arithmetic.ts";
import { exception, type FloatValue, finite, type Rounding, rounding } from "./float-value.ts";
import { double, single } from "./formats.ts";
import { Lanes, readMemory, readOperand, readRegister, writeRegister } from "./lanes.ts";
import { placeOf } from "./memory-operand.ts";
import { begin, type Control, finish, operandOf, resultOf } from "./mxcsr.ts";
import { roundToInteger } from "./round.ts";
import { doubles, type Elements, singles } from "./sse-arithmetic.ts";
import { writeGeneral } from "./vector-moves.ts";

type Execute = (cpu: Cpu, decoded: Decoded) => void;

const from = new Lanes();
const to = new Lanes();

/** One element of the source to one of the result. */
type Convert = (source: number, result: number, control: Control) => void;

/** A signed integer of the source, as a value. */
const integerAt = (n: number): FloatValue => {
  const integer = from.i32[n]!;
  return finite(integer < 0 ? 1 : 0, BigInt(Math.abs(integer)), 0);
};

const fromInteger =
  (elements: Elements): Convert =>
  (source, result, control) => {
    const outcome: Outcome = { value: integerAt(source), flags: 0 };
    elements.set(to, result, resultOf(outcome, elements.bytes === 4 ? single : double, control));
  };

/** A floating-point number in the other format. */
const betweenFormats =
  (source: Elements, target: Elements): Convert =>
  (at, result, control) => {
    const value = operandOf(source.get(from, at), control);
    const outcome = ofNans(value, value, "sse") ?? { value, flags: value.denormal ? exception.denormal : 0 };
    target.set(to, result, resultOf(outcome, target.bytes === 4 ? single : double, control));
  };

/** As an integer, unsigned; the indefinite integer with the invalid flag where it does not fit. */
function integerOf(value: FloatValue, bits: 32 | 64, mode: Rounding, control: Control): bigint {
  const least = 1n << BigInt(bits - 1);
  const taken = operandOf(value, control);
  if (taken.class === "zero") return 0n;
  const rounded = taken.class === "finite" ? roundToInteger(taken, mode) : undefined;
  if (!rounded || rounded.integer >= least || rounded.integer < -least) {
    control.flags |= exception.invalid;
    return least;
  }
  if (rounded.inexact) control.flags |= exception.precision;
  return BigInt.asUintN(bits, rounded.integer);
}

const toInteger =
  (elements: Elements, truncates: boolean): Convert =>
  (source, result, control) => {
    const mode = truncates ? rounding.truncate : control.mode;
    to.u32[result] = Number(integerOf(elements.get(from, source), 32, mode, control));
  };

/** Vector to vector: `count` elements, of which the source has `bytes` in all; what is above the result is cleared or kept. */
const vector =
  (count: number, bytes: number, keeps: boolean, convert: Convert): Execute =>
  (cpu, decoded) => {
    readOperand(cpu, decoded, 1, from, bytes, true);
    if (keeps) readRegister(cpu, decoded.operands[0]!, to);
    else to.u32.fill(0);
    const control = begin(cpu);
    for (let n = 0; n < count; n++) convert(n, n, control);
    finish(cpu, control);
    writeRegister(cpu, decoded.operands[0]!, to);
  };

/** A general register or memory, as a signed integer. */
function generalInteger(cpu: Cpu, decoded: Decoded, operand: Operand): FloatValue {
  if (operand.kind === "memory") readMemory(cpu, placeOf(cpu, operand, decoded), from, operand.width === 64 ? 8 : 4);
  else if (operand.kind === "register") {
    from.u32[0] = cpu.u32[2 * operand.number]!;
    from.u32[1] = cpu.u32[2 * operand.number + 1]!;
  }
  const wide = (operand.kind === "memory" || operand.kind === "register") && operand.width === 64;
  if (!wide) return integerAt(0);
  const integer = BigInt.asIntN(64, from.u64[0]!);
  return finite(integer < 0n ? 1 : 0, integer < 0n ? -integer : integer, 0);
}

/** CVTSI2SS, CVTSI2SD. */
const fromGeneral =
  (elements: Elements): Execute =>
  (cpu, decoded) => {
    const [destination, source] = decoded.operands;
    const value = generalInteger(cpu, decoded, source!);
    readRegister(cpu, destination!, to);
    const control = begin(cpu);
    elements.set(to, 0, resultOf({ value, flags: 0 }, elements.bytes === 4 ? single : double, control));
    finish(cpu, control);
    writeRegister(cpu, destination!, to);
  };

/** Numbers whose integer part JavaScript knows: truncated they are exact or inexact, and no more. */
const isSmall = (value: number): boolean =>
  (value < 2 ** 30 && value > -(2 ** 30) && Math.abs(value) >= 1) || value === 0;

/** CVTSS2SI, CVTTSD2SI and their like. */
const toGeneral =
  (elements: Elements, truncates: boolean): Execute =>
  (cpu, decoded) => {
    const [destination] = decoded.operands;
    if (destination?.kind !== "register") throw new TypeError("expected a general register");
    readOperand(cpu, decoded, 1, from, elements.bytes, false);
    const control = begin(cpu);
    const number = elements.bytes === 4 ? from.f32[0]! : from.f64[0]!;
    if (truncates && isSmall(number)) {
      const integer = Math.trunc(number);
      if (integer !== number) control.flags |= exception.precision;
      finish(cpu, control);
      writeGeneral(cpu, destination, integer, integer < 0 && destination.width === 64 ? -1 : 0);
      return;
    }
    const mode = truncates ? rounding.truncate : control.mode;
    const bits = destination.width === 64 ? 64 : 32;
    const integer = integerOf(elements.get(from, 0), bits, mode, control);
    finish(cpu, control);
    writeGeneral(cpu, destination, Number(BigInt.asUintN(32, integer)), Number(integer >> 32n));
  };

export const sseConversions: Readonly<Record<string, Execute>> = {
  cvtsi2ss: fromGeneral(singles),
  cvtsi2sd: fromGeneral(doubles),
  cvtss2si: toGeneral(singles, false),
  cvttss2si: toGeneral(singles, true),
  cvtsd2si: toGeneral(doubles, false),
  cvttsd2si: toGeneral(doubles, true),
  cvtss2sd: vector(1, 4, true, betweenFormats(singles, doubles)),
  cvtsd2ss: vector(1, 8, true, betweenFormats(doubles, singles)),
  cvtps2pd: vector(2, 8, false, betweenFormats(singles, doubles)),
  cvtpd2ps: vector(2, 16, false, betweenFormats(doubles, singles)),
  cvtdq2ps: vector(4, 16, false, fromInteger(singles)),
  cvtdq2pd: vector(2, 8, false, fromInteger(doubles)),
  cvtps2dq: vector(4, 16, false, toInteger(singles, false)),
  cvttps2dq: vector(4, 16, false, toInteger(singles, true)),
  cvtpd2dq: vector(2, 16, false, toInteger(doubles, false)),
  cvttpd2dq: vector(2, 16, false, toInteger(doubles, true)),
  cvtpi2ps: vector(2, 8, true, fromInteger(singles)),
  cvtpi2pd: vector(2, 8, false, fromInteger(doubles)),
  cvtps2pi: vector(2, 8, false, toInteger(singles, false)),
  cvttps2pi: vector(2, 8, false, toInteger(singles, true)),
  cvtpd2pi: vector(2, 16, false, toInteger(doubles, false)),
  cvttpd2pi: vector(2, 16, false, toInteger(doubles, true)),
};
