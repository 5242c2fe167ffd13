import type { Decoded, Memory, Operand, Register } from "../../isa/operands.ts";
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

/** With RIP-relative addressing, the address (SDM Vol. 3, 28.2.1); `next` is that of the instruction that follows. */
const displacement = (operand: Memory, next: number): bigint =>
  BigInt.asUintN(64, operand.displacement + (operand.ripRelative ? BigInt(next) : 0n));

const isMemory = (operand: Operand): operand is Memory => operand.kind === "memory";
const isRegister = (operand: Operand): operand is Register => operand.kind === "register";

/** RDRAND and RDSEED: the register that the number is for. */
function randomOperands(decoded: Decoded, reason: string): Partial<ExitData> {
  const [destination] = decoded.operands as [Register];
  return {
    instructionInfo: encodeInstructionInfo(reason, {
      register1: destination.number,
      operandSize: sizeCode(destination.width),
    }),
  };
}

/** VMX instructions and INVPCID: a memory operand, or a register in its place, and perhaps a register beside it. */
function vmxOperands({ row, operands }: Decoded, reason: string, next: number): Partial<ExitData> {
  const memory = operands.find(isMemory);
  const registers = operands.filter(isRegister);
  // Of two registers that of ModRM.rm stands for the memory operand: the first of VMREAD, the second of VMWRITE.
  const place = row.operands.findIndex(({ place: where }) => where === "rm");
  const inPlace = memory ? undefined : (operands[place] as Register);
  const beside = registers.find((register) => register !== inPlace);
  return {
    ...(memory ? { qualification: encodeQualification(reason, { displacement: displacement(memory, next) }) } : {}),
    instructionInfo: encodeInstructionInfo(reason, {
      ...(memory ? memoryInfo(memory) : { register1: inPlace?.number ?? 0, isRegister: true }),
      ...(beside ? { register2: beside.number } : {}),
    }),
  };
}

/** Exit information of MOV DR, of the instructions on descriptor-table registers, of VMX, of RDRAND and RDSEED. */
export function instructionOperands(decoded: Decoded, reason: string, next: number): Partial<ExitData> {
  const { row, operands } = decoded;
  if (reason === "DR_ACCESS") {
    const [first, second] = operands as [Register, Register];
    const from = second.class === "debug";
    const [debug, general] = from ? [second, first] : [first, second];
    return {
      qualification: encodeQualification(reason, { register: debug.number & 7, from, general: general.number }),
    };
  }
  if (reason === "RDRAND" || reason === "RDSEED") return randomOperands(decoded, reason);
  if (reason !== "GDTR_IDTR_ACCESS" && reason !== "LDTR_TR_ACCESS") return vmxOperands(decoded, reason, next);
  const operand = operands[0] as Memory | Register;
  if (reason === "GDTR_IDTR_ACCESS") {
    const memory = operand as Memory;
    return {
      qualification: encodeQualification(reason, { displacement: displacement(memory, next) }),
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
    qualification: encodeQualification(reason, { displacement: displacement(operand, next) }),
    instructionInfo: encodeInstructionInfo(reason, { ...memoryInfo(operand), instruction }),
  };
}
