import type { Decoded, Memory, Register } from "../../isa/operands.ts";
import { segmentOf } from "../cpu/state.ts";
import type { ExitData } from "./exit.ts";
import { encodeInstructionInfo, encodeQualification } from "./qualification.ts";

const descriptorTable: Readonly<Record<string, number>> = { sgdt: 0, sidt: 1, lgdt: 2, lidt: 3 };
const taskRegister: Readonly<Record<string, number>> = { sldt: 0, str: 1, lldt: 2, ltr: 3 };

const sizeCode = (bits: number): number => (bits === 64 ? 2 : bits === 32 ? 1 : 0);

/** A memory operand in the words of the instruction-information field. */
const memoryInfo = (operand: Memory) => ({
  scale: Math.log2(operand.scale),
  addressSize: sizeCode(operand.addressSize),
  segment: segmentOf(operand.segment),
  index: operand.index ?? 0,
  indexInvalid: operand.index === undefined,
  base: operand.base ?? 0,
  baseInvalid: operand.base === undefined,
});

const displacement = (operand: Memory): bigint => BigInt.asUintN(64, operand.displacement);

/** Exit information of MOV DR and of the instructions on descriptor-table registers. */
export function instructionOperands(
  decoded: Decoded,
  reason: "DR_ACCESS" | "GDTR_IDTR_ACCESS" | "LDTR_TR_ACCESS",
): Partial<ExitData> {
  const { row, operands } = decoded;
  if (reason === "DR_ACCESS") {
    const [first, second] = operands as [Register, Register];
    const from = second.class === "debug";
    const [debug, general] = from ? [second, first] : [first, second];
    return {
      qualification: encodeQualification(reason, { register: debug.number & 7, from, general: general.number }),
    };
  }
  const operand = operands[0] as Memory | Register;
  if (reason === "GDTR_IDTR_ACCESS") {
    const memory = operand as Memory;
    return {
      qualification: encodeQualification(reason, { displacement: displacement(memory) }),
      instructionInfo: encodeInstructionInfo(reason, {
        ...memoryInfo(memory),
        operandSize: decoded.operandSize === 16 ? 0 : 1,
        instruction: descriptorTable[row.mnemonic]!,
      }),
    };
  }
  const instruction = taskRegister[row.mnemonic]!;
  if (operand.kind === "register")
    return {
      instructionInfo: encodeInstructionInfo(reason, { register1: operand.number, isRegister: true, instruction }),
    };
  return {
    qualification: encodeQualification(reason, { displacement: displacement(operand) }),
    instructionInfo: encodeInstructionInfo(reason, { ...memoryInfo(operand), instruction }),
  };
}
