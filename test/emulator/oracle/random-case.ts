import { decode } from "../../../isa/decode.ts";
import { flagMask } from "../../../isa/flags.ts";
import type { Row } from "../../../isa/instruction.ts";
import type { Bits, Decoded, Memory } from "../../../isa/operands.ts";
import { codeAt } from "../../support/processor.ts";
import { randomOfRow } from "../engine/random-code.ts";
import { definedFlagsAfter } from "./defined-flags.ts";
import { deviationOf } from "./deviations.ts";
import { type Case, dataFrom, dataTo } from "./state.ts";

export type Random = (below: number) => number;

export const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)]!;
const randomBits = (random: Random, bits: number): bigint => {
  let value = 0n;
  for (let done = 0; done < bits; done += 16) value = (value << 16n) | BigInt(random(0x1_0000));
  return BigInt.asUintN(bits, value);
};

const counts = [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255];

/** A number of 64 bits: often at an edge of some width, or a shift count, else anything. */
export function edgeValue(random: Random): bigint {
  const width = pick(random, [8, 16, 32, 64]);
  const noise = random(2) === 0 ? 0n : randomBits(random, 64) << BigInt(width);
  const low = (): bigint => {
    switch (random(9)) {
      case 0:
        return 0n;
      case 1:
        return 1n;
      case 2:
        return -1n;
      case 3:
        return 1n << BigInt(width - 1);
      case 4:
        return (1n << BigInt(width - 1)) - 1n;
      case 5:
        return 1n << BigInt(random(width));
      case 6:
        return BigInt(pick(random, counts));
      default:
        return randomBits(random, width);
    }
  };
  return BigInt.asUintN(64, BigInt.asUintN(width, low()) + noise);
}

export const littleEndian = (value: bigint, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn));

/** Replaces the low `bits` bits. */
export const withLow = (value: bigint, bits: number, low: bigint): bigint =>
  ((value >> BigInt(bits)) << BigInt(bits)) | BigInt.asUintN(bits, low);

const statusAndDirection = ["CF", "PF", "AF", "ZF", "SF", "OF", "DF"] as const;

/** What a case is made of, while it is being made. */
interface Draft {
  readonly random: Random;
  readonly mode: Bits;
  readonly code: number[];
  readonly registers: bigint[];
  readonly patches: [number, number[]][];
}

export const decoded = (code: readonly number[], mode: Bits): Decoded | undefined => {
  const found = decode(Uint8Array.from(code), 0, mode);
  return typeof found === "string" ? undefined : found;
};

/** The instruction with another number in one of its fields, found by trying each place; undefined if none does it. */
function withField(code: readonly number[], mode: Bits, bytes: number, value: bigint, holds: (d: Decoded) => boolean) {
  const row = decoded(code, mode)?.row;
  for (let at = 1; at + bytes <= code.length; at++) {
    const changed = [...code];
    changed.splice(at, bytes, ...littleEndian(value, bytes));
    const again = decoded(changed, mode);
    if (again && again.row === row && again.length === code.length && holds(again)) return changed;
  }
  return undefined;
}

const someAddress = (random: Random): bigint => BigInt(dataFrom + random(dataTo - dataFrom));

/** Makes the operand's address one in the data; false if that cannot be. */
function placeOperand(draft: Draft, operand: Memory, length: number): boolean {
  const { random, registers, mode } = draft;
  const { base, index, scale, displacement, addressSize, ripRelative } = operand;
  const target = someAddress(random);
  if (base === undefined && index === undefined) {
    const origin = ripRelative ? BigInt(codeAt + length) : 0n;
    for (const bytes of addressSize === 16 ? [2] : [4, 8]) {
      const changed = withField(draft.code, mode, bytes, target - origin, (d) =>
        d.operands.some((o) => o.kind === "memory" && o.displacement === target - origin),
      );
      if (changed) {
        draft.code.splice(0, draft.code.length, ...changed);
        return true;
      }
    }
    return false;
  }
  const rest = BigInt.asUintN(addressSize, target - displacement);
  const of = (register: number): bigint => BigInt.asUintN(addressSize, registers[register]!);
  const set = (register: number, value: bigint): void => {
    registers[register] = withLow(registers[register]!, addressSize, value);
  };
  if (base === undefined) set(index!, rest / BigInt(scale));
  else if (base === index) set(base, rest / BigInt(scale + 1));
  else set(base, rest - (index === undefined ? 0n : of(index) * BigInt(scale)));
  return true;
}

/** Address of a memory operand in the state of the draft. */
export function addressOf(
  { registers }: { readonly registers: readonly bigint[] },
  operand: Memory,
  length: number,
): number {
  const { base, index, scale, displacement, addressSize, ripRelative } = operand;
  const sum =
    (ripRelative ? BigInt(codeAt + length) : 0n) +
    (base === undefined ? 0n : registers[base]!) +
    (index === undefined ? 0n : registers[index]! * BigInt(scale)) +
    displacement;
  return Number(BigInt.asUintN(addressSize, sum));
}

export const inData = (address: number): boolean => address >= dataFrom - 0x100 && address < dataTo + 0x100;

/** Strings in the data, with few different elements so that comparisons also succeed, and a small count. */
function prepareString({ random, registers, patches }: Draft, { addressSize, repeat, operandSize }: Decoded): void {
  const length = 0x200;
  const values = [random(256), random(3) === 0 ? random(256) : 0];
  const fill = (): number[] => {
    const run = new Array<number>(length).fill(values[0]!);
    if (random(3) !== 0) run[random(length)] = values[1]!;
    return run;
  };
  for (const register of [6, 7]) {
    const at = dataFrom + 0x400 + random(dataTo - dataFrom - 0x800);
    registers[register] = withLow(registers[register]!, addressSize, BigInt(at));
    patches.push([at - length / 2, fill()]);
  }
  if (random(2) === 0) {
    const pattern = BigInt(values[0]!) * 0x0101_0101_0101_0101n;
    registers[0] = withLow(registers[0]!, operandSize === 8 ? 8 : operandSize, pattern);
  }
  if (repeat !== "none") registers[1] = withLow(registers[1]!, addressSize, BigInt(random(20)));
}

/** A branch to somewhere in the window. */
const someTarget = (random: Random): bigint => BigInt(0x1100 + random(0x5000));

/** Makes the branch distance one that stays in memory; true if there is no distance or it could be done. */
function placeTarget(draft: Draft, instruction: Decoded): boolean {
  const { code, mode, random } = draft;
  const index = instruction.operands.findIndex((operand) => operand.kind === "relative");
  if (index < 0) return true;
  const bytes = (instruction.row.operands[index]?.width ?? 8) / 8;
  if (bytes === 1) return true;
  const distance = someTarget(random) - BigInt(codeAt + code.length);
  const changed = withField(code, mode, bytes, distance, ({ operands }) =>
    operands.some((operand) => operand.kind === "relative" && BigInt(operand.distance) === distance),
  );
  if (changed) code.splice(0, code.length, ...changed);
  return changed !== undefined;
}

/** What particular instructions need so that they do something comparable. */
function prepareSpecial(draft: Draft, instruction: Decoded): boolean {
  const { random, registers, patches, code, mode } = draft;
  const { row, operands, addressSize } = instruction;
  const stack = Number(BigInt.asUintN(mode, registers[4]!));
  switch (row.mnemonic) {
    case "xlatb":
      registers[3] = withLow(registers[3]!, addressSize, someAddress(random));
      return true;
    case "enter":
      // Frame pointers are copied from below rBP; the frame stays in memory.
      registers[5] = withLow(registers[5]!, mode, someAddress(random));
      code[code.length - 2] = random(8);
      return true;
    case "leave":
      registers[5] = withLow(registers[5]!, mode, someAddress(random));
      return true;
    case "ret":
      patches.push([stack, littleEndian(someTarget(random), 8)]);
      return true;
    case "jmp":
    case "call": {
      const [target] = operands;
      const address = someTarget(random);
      if (target?.kind === "register")
        registers[target.number] = withLow(registers[target.number]!, target.width, address);
      if (target?.kind === "memory") patches.push([addressOf(draft, target, code.length), littleEndian(address, 8)]);
      return true;
    }
    case "popf":
    case "popfd":
    case "popfq":
      // TF would trap after the following instruction, VM and the virtual interrupt flags belong to other modes.
      patches.push([stack, littleEndian(randomBits(random, 22) & ~0x1a_0100n, 8)]);
      return true;
    default:
      return true;
  }
}

/** A register bit offset reaches far from the operand: keep it in the data. */
function prepareBitOffset({ random, registers }: Draft, { row, operands }: Decoded): boolean {
  const [operand, offset] = operands;
  if (row.family !== "bit" || operand?.kind !== "memory" || offset?.kind !== "register" || !/^bt/.test(row.mnemonic))
    return true;
  if (offset.number === operand.base || offset.number === operand.index) return false;
  registers[offset.number] = withLow(registers[offset.number]!, offset.width, BigInt(random(0x1000) - 0x800));
  return true;
}

/** Dividends whose quotient fits, or nearly: anything else almost always raises #DE. */
function prepareDivision({ random, registers }: Draft, { row, operandSize }: Decoded): void {
  if (!/^i?div$/.test(row.mnemonic) || random(4) === 0) return;
  const high = operandSize === 8 ? 0 : 2;
  const value = random(3) === 0 ? -1n : random(2) === 0 ? 0n : BigInt(random(256));
  if (operandSize === 8) registers[0] = withLow(registers[0]!, 16, (value << 8n) | BigInt(random(256)));
  else registers[high] = withLow(registers[high]!, operandSize, value);
}

function operandBytes(random: Random, registers: readonly bigint[]): number[] {
  // Equal to the accumulator now and then, for CMPXCHG.
  if (random(3) === 0) return [...littleEndian(registers[0]!, 8), ...littleEndian(registers[2]!, 8)];
  if (random(3) === 0)
    return [
      ...littleEndian(registers[0]!, 4),
      ...littleEndian(registers[2]!, 4),
      ...littleEndian(edgeValue(random), 8),
    ];
  return [...littleEndian(edgeValue(random), 8), ...littleEndian(edgeValue(random), 8)];
}

/** Fills in what the instruction needs of memory and registers; false if it cannot be run within the window. */
function prepare(draft: Draft, instruction: Decoded): boolean {
  const { random, registers, patches, code, mode } = draft;
  const memory = instruction.operands.find((operand) => operand.kind === "memory");
  prepareDivision(draft, instruction);
  if (instruction.row.family === "string") prepareString(draft, instruction);
  const offsets = prepareBitOffset(draft, instruction);
  if (!offsets || !placeTarget(draft, instruction)) return false;
  if (memory) {
    if (!placeOperand(draft, memory, code.length)) return false;
    const again = decoded(code, mode)!.operands.find((operand) => operand.kind === "memory")!;
    const at = addressOf(draft, again, code.length);
    if (!inData(at)) return false;
    patches.push([at, operandBytes(random, registers)]);
  }
  const stack = Number(BigInt.asUintN(mode, registers[4]!));
  const usesStack = memory?.base === 4 || memory?.index === 4;
  if (usesStack && !inData(stack) && /stack|control-flow/.test(instruction.row.family)) return false;
  return prepareSpecial(draft, decoded(code, mode)!);
}

export function randomRegisters(random: Random, mode: Bits): bigint[] {
  const wide = mode === 64;
  const registers = Array.from({ length: wide ? 16 : 8 }, () => BigInt.asUintN(wide ? 64 : 32, edgeValue(random)));
  const stack = BigInt(0x8000 + 2 * random(0x400) + (random(8) === 0 ? 1 : 0));
  registers[4] = mode === 16 ? withLow(registers[4]!, 16, stack) : stack;
  return registers;
}

export const randomFlags = (random: Random): number =>
  statusAndDirection.reduce((flags, name) => (random(2) === 0 ? flags : flags | flagMask(name)), 2);

/** A case of one row, or undefined where the row does not exist in the mode or this attempt does not stay in the window. */
export function randomCase(random: Random, row: Row, mode: Bits): Case | undefined {
  const code = randomOfRow(random, row, mode);
  if (!code) return undefined;
  const draft: Draft = { random, mode, code, registers: randomRegisters(random, mode), patches: [] };
  if (!prepare(draft, decoded(code, mode)!)) return undefined;
  const registers = draft.registers.map((value) => BigInt.asUintN(mode === 64 ? 64 : 32, value));
  const flags = randomFlags(random);
  const instruction = decoded(code, mode)!;
  const deviation = deviationOf(instruction, code);
  if (deviation?.spares === "everything") return undefined;
  const { patches } = draft;
  return {
    name: `${row.syntax} (${row.opcode}), ${mode}-bit`,
    mode,
    code,
    registers,
    flags,
    patches,
    straight: row.family !== "control-flow",
    flagMask: definedFlagsAfter(instruction, registers),
    lowHalves: deviation?.spares === "high halves",
  };
}
