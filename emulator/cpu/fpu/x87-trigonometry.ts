import type { Cpu } from "../cpu.ts";
import { type Outcome, ofNans } from "./arithmetic.ts";
import { fromFixed, over, sineAndCosine, toFixed } from "./fixed-point.ts";
import { exception, type FloatValue, finite, indefinite, magnitude } from "./float-value.ts";
import { extended } from "./formats.ts";
import { isEmpty, push, readStack, setC2, setTop, signal, stackFault, topOf, writeStack } from "./register-stack.ts";
import { settle } from "./x87-results.ts";

/** Half of pi as the x87 unit knows it: 66 bits (SDM Vol. 1, 8.3.8). Angles are reduced by this, not by pi itself. */
const halfPi = 0xc90fdaa22168c234cn;
const halfPiExponent = -67;
/** From here on an angle is not reduced: C2 tells. */
const outOfRange = 63;
const tinyExponent = -90;

/** An angle less a multiple of half of pi, exactly, and the low two bits of the multiple. */
function reduced(x: FloatValue): { rest: FloatValue; quadrant: number } {
  if (magnitude(x) < -1) return { rest: x, quadrant: 0 };
  const unit = Math.min(x.exponent, halfPiExponent);
  const size = x.significand << BigInt(x.exponent - unit);
  const period = halfPi << BigInt(halfPiExponent - unit);
  const signed = x.sign === 1 ? -size : size;
  const doubled = 2n * signed + period;
  const floor = doubled < 0n ? -((-doubled + 2n * period - 1n) / (2n * period)) : doubled / (2n * period);
  const rest = signed - floor * period;
  const value = rest < 0n ? finite(1, -rest, unit) : finite(0, rest, unit);
  return { rest: value, quadrant: Number(BigInt.asUintN(2, floor)) };
}

interface Pair {
  readonly sine: FloatValue;
  readonly cosine: FloatValue;
}

/** The number next to a value, so that it rounds as what is a little nearer to zero. */
const justBelow = ({ sign, significand, exponent }: FloatValue): FloatValue =>
  finite(sign, (significand << 128n) - 1n, exponent - 128);

const negate = (value: FloatValue): FloatValue => ({ ...value, sign: value.sign === 1 ? 0 : 1 });

function ofReduced(rest: FloatValue): Pair {
  const one = finite(0, 1n, 0);
  if (rest.class === "zero") return { sine: rest, cosine: one };
  if (magnitude(rest) < tinyExponent) return { sine: justBelow(rest), cosine: justBelow(one) };
  const { sine, cosine } = sineAndCosine(toFixed(rest));
  return { sine: fromFixed(sine), cosine: fromFixed(cosine) };
}

/** Sine and cosine of a finite angle below 2^63. */
function sineAndCosineOf(x: FloatValue): Pair {
  if (x.class === "zero") return { sine: x, cosine: finite(0, 1n, 0) };
  const { rest, quadrant } = reduced(x);
  const { sine, cosine } = ofReduced(rest);
  switch (quadrant) {
    case 0:
      return { sine, cosine };
    case 1:
      return { sine: cosine, cosine: negate(sine) };
    case 2:
      return { sine: negate(sine), cosine: negate(cosine) };
    default:
      return { sine: negate(cosine), cosine: sine };
  }
}

function tangentOf(x: FloatValue): FloatValue {
  if (x.class === "zero") return x;
  if (magnitude(x) < tinyExponent) return finite(x.sign, (x.significand << 128n) + 1n, x.exponent - 128);
  const { sine, cosine } = sineAndCosineOf(x);
  const quotient = fromFixed(over(toFixed({ ...sine, sign: 0 }), toFixed({ ...cosine, sign: 0 })));
  return { ...quotient, sign: sine.sign === cosine.sign ? 0 : 1 };
}

/** What ST0 is replaced by, if it is a number in range; C2 is set and undefined given if it is out of range. */
function angleAt(cpu: Cpu): { special: Outcome | undefined; value: FloatValue; flags: number } | undefined {
  const value = readStack(cpu, 0);
  setC2(cpu, false);
  const special = ofNans(value, value, "x87");
  if (special) return { special, value, flags: 0 };
  if (value.class === "infinity") return { special: { value: indefinite, flags: exception.invalid }, value, flags: 0 };
  if (value.class === "finite" && magnitude(value) >= outOfRange) {
    setC2(cpu, true);
    return undefined;
  }
  return { special: undefined, value, flags: value.denormal ? exception.denormal : 0 };
}

const single =
  (of: (value: FloatValue) => FloatValue) =>
  (cpu: Cpu): void => {
    if (isEmpty(cpu, 0)) {
      setC2(cpu, false);
      if (stackFault(cpu, false)) writeStack(cpu, 0, indefinite);
      return;
    }
    const found = angleAt(cpu);
    if (!found) return;
    const { special, value, flags } = found;
    const result = settle(cpu, special ?? { value: of(value), flags }, extended);
    if (result) writeStack(cpu, 0, result);
  };

/** FSIN, FCOS. */
export const sine = single((value) => sineAndCosineOf(value).sine);
export const cosine = single((value) => sineAndCosineOf(value).cosine);

/** Two results, of which the second is pushed. */
const double =
  (of: (value: FloatValue) => readonly [FloatValue, FloatValue]) =>
  (cpu: Cpu): void => {
    if (isEmpty(cpu, 0) || !isEmpty(cpu, 7)) {
      setC2(cpu, false);
      if (!stackFault(cpu, !isEmpty(cpu, 0))) return;
      writeStack(cpu, 0, indefinite);
      setTop(cpu, topOf(cpu) - 1);
      writeStack(cpu, 0, indefinite);
      return;
    }
    const found = angleAt(cpu);
    if (!found) return;
    pushBoth(cpu, found, of);
  };

function pushBoth(
  cpu: Cpu,
  { special, value, flags }: NonNullable<ReturnType<typeof angleAt>>,
  of: (value: FloatValue) => readonly [FloatValue, FloatValue],
): void {
  if (special) {
    if (signal(cpu, special.flags) !== 0) return;
    writeStack(cpu, 0, special.value);
    push(cpu, special.value);
    return;
  }
  const [below, above] = of(value);
  const first = settle(cpu, { value: below, flags }, extended);
  if (!first) return;
  const second = settle(cpu, { value: above, flags: 0 }, extended);
  writeStack(cpu, 0, first);
  if (second) push(cpu, second);
}

/** FSINCOS: the sine in place of ST0, the cosine on top. */
export const sineAndCosineOfTop = double((value) => {
  const { sine: below, cosine: above } = sineAndCosineOf(value);
  return [below, above];
});

/** FPTAN: the tangent in place of ST0, 1 on top. */
export const tangent = double((value) => [tangentOf(value), finite(0, 1n, 0)]);
