import { Code, Decoder, DecoderOptions, Register as IcedRegister, type Instruction, Mnemonic, OpKind } from "iced-x86";
import { registerText } from "../../isa/format.ts";
import type { Bits, Decoded, Memory, Operand } from "../../isa/operands.ts";

/** What iced makes of bytes, in words that both sides can be put into. */
export interface IcedDecoding {
  readonly mnemonic: string;
  readonly length: number;
  readonly operands: readonly string[];
}

const registerName = (register: IcedRegister): string => (IcedRegister[register] ?? "?").toLowerCase();

/** iced names R8L where nasm has R8B, and has no registers for "none". */
const sameName = (name: string): string => (name === "none" ? "" : name.replace(/^(r\d+)l$/, "$1b"));

/** In 64-bit code only FS and GS mean anything; iced names the others all the same. */
const segmentIn = (name: string, bits: Bits): string => (bits === 64 && !/^[fg]s$/.test(name) ? "flat" : name);

function memoryText(ins: Instruction, bits: Bits): string {
  const base = sameName(registerName(ins.memoryBase));
  const relative = base === "rip" || base === "eip";
  // Without registers the size of the displacement is all that is known of the address size.
  const displacementBits = Code[ins.code]?.includes("moffs")
    ? ins.memoryDisplSize * 8
    : Math.min(32, ins.memoryDisplSize * 8);
  const size = addressSizeOf(base) ?? addressSizeOf(sameName(registerName(ins.memoryIndex))) ?? displacementBits;
  return [
    segmentIn(registerName(ins.memorySegment), bits),
    relative ? "rel" : base,
    sameName(registerName(ins.memoryIndex)),
    ins.memoryIndex === IcedRegister.None ? 1 : ins.memoryIndexScale,
    BigInt.asUintN(size, ins.memoryDisplacement),
  ].join(" ");
}

function addressSizeOf(name: string): 16 | 32 | 64 | undefined {
  if (/^(r[a-z]{2}|r\d+)$/.test(name)) return 64;
  if (/^(e[a-z]{2}|r\d+d)$/.test(name)) return 32;
  return /^(bx|bp|si|di)$/.test(name) ? 16 : undefined;
}

/** iced sign-extends to 64 bits; we hold the value at the operand's width. */
function immediateText(ins: Instruction, n: number): bigint {
  const value = ins.immediate(n);
  const kind = ins.opKind(n);
  const width = kind === OpKind.Immediate8to16 ? 16 : kind === OpKind.Immediate8to32 ? 32 : 64;
  return BigInt.asUintN(width, value);
}

function operandText(ins: Instruction, n: number, bits: Bits): string {
  switch (ins.opKind(n)) {
    case OpKind.Register:
      return sameName(registerName(ins.opRegister(n)));
    case OpKind.Memory:
      return `[${memoryText(ins, bits)}]`;
    case OpKind.NearBranch16:
    case OpKind.NearBranch32:
    case OpKind.NearBranch64:
      return `to ${ins.nearBranchTarget}`;
    case OpKind.FarBranch16:
      return `${ins.farBranchSelector}:${ins.farBranch16}`;
    case OpKind.FarBranch32:
      return `${ins.farBranchSelector}:${ins.farBranch32}`;
    case OpKind.Immediate8:
    case OpKind.Immediate8_2nd:
    case OpKind.Immediate16:
    case OpKind.Immediate32:
    case OpKind.Immediate64:
    case OpKind.Immediate8to16:
    case OpKind.Immediate8to32:
    case OpKind.Immediate8to64:
    case OpKind.Immediate32to64:
      return `${immediateText(ins, n)}`;
    default:
      return "implied memory";
  }
}

/** Decodes with iced; undefined where it finds no instruction. */
export function icedDecode(bytes: Uint8Array, bits: Bits): IcedDecoding | undefined {
  const decoder = new Decoder(bits, bytes, DecoderOptions.None);
  const ins = decoder.decode();
  try {
    if (ins.code === Code.INVALID) return undefined;
    return {
      mnemonic: (Mnemonic[ins.mnemonic] ?? "?").toLowerCase(),
      length: ins.length,
      operands: Array.from({ length: ins.opCount }, (_, n) => operandText(ins, n, bits)),
    };
  } finally {
    ins.free();
    decoder.free();
  }
}

function ownMemory(memory: Memory, { bits, row }: Decoded): string {
  const { base, index, addressSize, ripRelative } = memory;
  const name = (number: number | undefined): string =>
    number === undefined ? "" : registerText({ class: "general", number, width: addressSize });
  const bare = base === undefined && index === undefined && !ripRelative;
  const offset = row.operands.some((operand) => operand.place === "moffs");
  const size = bare && !offset ? Math.min(32, addressSize) : addressSize;
  return [
    segmentIn(memory.segment, bits),
    ripRelative ? "rel" : name(base),
    name(index),
    memory.scale,
    BigInt.asUintN(size, memory.displacement),
  ].join(" ");
}

/** One of our operands in the same words. RIP-relative distances become addresses, with the instruction at 0. */
export function ownOperand(operand: Operand, decoded: Decoded): string {
  const { length, bits, operandSize } = decoded;
  switch (operand.kind) {
    case "register":
      return registerText(operand);
    case "memory": {
      if (!operand.ripRelative) return `[${ownMemory(operand, decoded)}]`;
      const displacement = operand.displacement + BigInt(length);
      return `[${ownMemory({ ...operand, displacement }, decoded)}]`;
    }
    case "immediate":
      return `${operand.value}`;
    case "relative": {
      const width = bits === 64 ? 64 : operandSize === 16 ? 16 : 32;
      return `to ${BigInt.asUintN(width, BigInt(length + operand.distance))}`;
    }
    case "far":
      return `${operand.selector}:${operand.offset}`;
  }
}
