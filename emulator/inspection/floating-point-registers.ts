import type { Cpu } from "../cpu/cpu.ts";
import { setMxcsr } from "../cpu/fpu/extended-state.ts";
import { bitLength, type FloatValue } from "../cpu/fpu/float-value.ts";
import { unpackExtended } from "../cpu/fpu/formats.ts";
import {
  isEmpty,
  rawStack,
  readControl,
  readStatus,
  setControl,
  setRawStack,
  setStatus,
  setTagWord,
  tagWord,
} from "../cpu/fpu/register-stack.ts";
import { layout } from "../cpu/layout.ts";
import type { Register } from "./registers.ts";

const group = "floating-point";

/** A value as JavaScript writes it: rounded to a double. */
function decimal({ class: kind, sign, significand, exponent }: FloatValue): string {
  const minus = sign === 1 ? "-" : "";
  switch (kind) {
    case "zero":
      return `${minus}0`;
    case "infinity":
      return `${minus}infinity`;
    case "quiet":
      return "quiet NaN";
    case "signaling":
      return "signaling NaN";
    case "unsupported":
      return "not a number of any kind";
    case "finite": {
      const leading = exponent + bitLength(significand) - 1;
      if (Math.abs(leading) > 1000) return `about ${minus}2^${leading}`;
      return `${minus}${Number(significand) * 2 ** exponent}`;
    }
  }
}

const stack = (place: number): Register => ({
  name: `ST${place}`,
  group,
  width: 80,
  doc:
    place === 0
      ? "Top of the x87 register stack, in the 80-bit format."
      : `x87 register ${place} below the top of the stack.`,
  get(cpu) {
    const { significand, signExponent } = rawStack(cpu, place);
    return (BigInt(signExponent) << 64n) | significand;
  },
  text(cpu) {
    const { significand, signExponent } = rawStack(cpu, place);
    return isEmpty(cpu, place) ? "empty" : decimal(unpackExtended(significand, signExponent));
  },
  set(cpu, value) {
    setRawStack(cpu, place, BigInt.asUintN(64, value), Number(value >> 64n));
    return true;
  },
});

const mmxRegister = (number: number): Register => ({
  name: `MM${number}`,
  group,
  width: 64,
  doc: `Significand of x87 register ${number}, counted without the stack.`,
  get: (cpu) => cpu.r64[(layout.x87Registers >> 3) + 2 * number]!,
  set(cpu, value) {
    cpu.r64[(layout.x87Registers >> 3) + 2 * number] = value;
    return true;
  },
});

const xmmRegister = (number: number): Register => {
  const at = (layout.xmm >> 3) + 2 * number;
  return {
    name: `XMM${number}`,
    group,
    width: 128,
    doc: "SSE register: four singles, two doubles, or integers of 8 to 64 bits.",
    get: (cpu) => (cpu.r64[at + 1]! << 64n) | cpu.r64[at]!,
    set(cpu, value) {
      cpu.r64[at] = BigInt.asUintN(64, value);
      cpu.r64[at + 1] = value >> 64n;
      return true;
    },
  };
};

const word = (
  name: string,
  width: number,
  doc: string,
  get: (cpu: Cpu) => number,
  put: (cpu: Cpu, value: number) => void,
): Register => ({
  name,
  group,
  width,
  doc,
  get: (cpu) => BigInt(get(cpu)),
  set(cpu, value) {
    put(cpu, Number(value));
    return true;
  },
});

const eight = [0, 1, 2, 3, 4, 5, 6, 7];

/** The registers of the x87, MMX and SSE units; there are more of SSE's in 64-bit code. */
export const floatingPointRegisters = (bits: 32 | 64): readonly Register[] => [
  ...eight.map(stack),
  word("FCW", 16, "x87 control word: masks, precision, rounding.", readControl, setControl),
  word("FSW", 16, "x87 status word: exceptions, condition codes, top of the stack.", readStatus, setStatus),
  word("FTW", 16, "x87 tag word: two bits a register; 3 is empty.", tagWord, setTagWord),
  ...eight.map(mmxRegister),
  ...Array.from({ length: bits === 64 ? 16 : 8 }, (_, number) => xmmRegister(number)),
  {
    name: "MXCSR",
    group,
    width: 32,
    doc: "Masks, rounding and exceptions of SSE.",
    get: (cpu) => BigInt(cpu.u32[layout.mxcsr >> 2]!),
    set(cpu, value) {
      if (value >> 16n !== 0n) return "Bits 31:16 must be 0.";
      setMxcsr(cpu, Number(value));
      return true;
    },
  },
];
