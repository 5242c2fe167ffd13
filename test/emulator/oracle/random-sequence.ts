import type { Row } from "../../../isa/instruction.ts";
import type { Decoded, Memory } from "../../../isa/operands.ts";
import { randomOfRow } from "../engine/random-code.ts";
import { allFlags } from "./defined-flags.ts";
import { deviationOf } from "./deviations.ts";
import type { OwnProcessor } from "./ours.ts";
import {
  addressOf,
  decoded,
  inData,
  littleEndian,
  pick,
  type Random,
  randomFlags,
  randomRegisters,
} from "./random-case.ts";
import { type Case, dataFrom, dataTo } from "./state.ts";

const loadNumber = (register: number, value: number): number[] => [0xb8 + register, ...littleEndian(BigInt(value), 4)];
const somewhere = (random: Random): number => dataFrom + 0x800 + random(dataTo - dataFrom - 0x1000);

/** Instructions whose effect depends on more than a sequence controls: TF, and frames that reach far. */
const unsuitable = /^(popf[dq]?|enter|leave)$/;

/** MOVs that make the operand reach the data; undefined if no small number does. */
function pointTo(random: Random, operand: Memory, registers: readonly bigint[], at: number): number[] | undefined {
  const { base, index, scale, displacement, addressSize } = operand;
  if (base === undefined || base === index || base > 7 || base === 4) return undefined;
  const indexed = index === undefined ? 0n : registers[index]! * BigInt(scale);
  const value = BigInt.asUintN(addressSize, BigInt(at + random(64)) - displacement - indexed);
  return value <= 0xffff_ffffn ? loadNumber(base, Number(value)) : undefined;
}

/** MOVs before an instruction without which it would leave the data; undefined if there are none that do. */
function approach(random: Random, instruction: Decoded, registers: readonly bigint[]): number[] | undefined {
  const { row, operands, repeat } = instruction;
  const memory = operands.find((operand) => operand.kind === "memory");
  const before: number[] = [];
  if (row.family === "string") {
    before.push(...loadNumber(6, somewhere(random)), ...loadNumber(7, somewhere(random)));
    if (repeat !== "none") before.push(...loadNumber(1, random(20)));
    return before;
  }
  if (row.mnemonic === "xlatb") return loadNumber(3, somewhere(random));
  if (row.family === "stack" || row.mnemonic.startsWith("pushf")) {
    if (memory) return undefined;
    const stack = Number(registers[4]!);
    return stack >= dataFrom + 0x400 && stack < dataTo - 0x400 ? [] : loadNumber(4, somewhere(random));
  }
  if (!memory) return [];
  const bitOffset = operands[1]?.kind === "register" && /^bt/.test(row.mnemonic);
  if (bitOffset || memory.ripRelative) return undefined;
  // A fixed length is needed to know the address; RIP-relative operands are left to single instructions.
  if (inData(addressOf({ registers }, memory, 0))) return [];
  return pointTo(random, memory, registers, somewhere(random));
}

/** An instruction with what it needs before and after it, for the state that the sequence has reached. */
function piece(
  random: Random,
  rows: readonly Row[],
  mode: 32 | 64,
  registers: readonly bigint[],
): number[] | undefined {
  const row = pick(random, rows);
  if (unsuitable.test(row.mnemonic)) return undefined;
  const code = randomOfRow(random, row, mode);
  if (!code) return undefined;
  const instruction = decoded(code, mode)!;
  if (deviationOf(instruction, code)) return undefined;
  const before = approach(random, instruction, registers);
  if (!before) return undefined;
  // Undefined flags must not reach what follows: CMP AL, imm8 defines all of them.
  const after = row.undefinedFlags.length === 0 ? [] : [0x3c, random(256)];
  return [...before, ...code, ...after];
}

/** A sequence of instructions that follow each other, all within the window as our own processor executes them. */
export function randomSequence(random: Random, rows: readonly Row[], mode: 32 | 64, own: OwnProcessor): Case {
  const registers = randomRegisters(random, mode);
  const shared = { mode, registers, flags: randomFlags(random), patches: [], straight: true, flagMask: allFlags };
  const length = 5 + random(16);
  let code: number[] = [];
  let state: readonly bigint[] = registers;
  for (let n = 0; n < length; ) {
    const next = piece(random, rows, mode, state);
    if (!next) continue;
    const longer = [...code, ...next];
    const outcome = own.run({ ...shared, name: "", code: longer });
    code = longer;
    state = outcome.registers;
    n++;
    if (outcome.fault !== undefined) break;
  }
  return { ...shared, name: `sequence of ${mode}-bit code`, code };
}
