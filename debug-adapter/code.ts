import type { MachineInterface } from "../emulator/machine-interface.ts";
import { longestInstruction } from "../isa/cursor.ts";
import { decode } from "../isa/decode.ts";
import type { Bits, Decoded } from "../isa/operands.ts";
import { readRegisters, registerPart } from "./registers.ts";

/** The instruction that memory holds at a linear address now; undefined if there is none. */
export function instructionAt(machine: MachineInterface, linear: bigint, bits: Bits): Decoded | undefined {
  const cells = machine.readMemory("linear", linear, longestInstruction);
  const decoded = decode((offset) => cells[offset] ?? -1, 0, bits);
  return typeof decoded === "string" ? undefined : decoded;
}

/** A linear address, wrapped as the processor does outside 64-bit mode. */
export const wrapLinear = (linear: bigint, bits: Bits): bigint => BigInt.asUintN(bits === 64 ? 64 : 32, linear);

export interface StackTop {
  /** Linear base of SS. */
  readonly base: bigint;
  readonly pointer: bigint;
  /** Bits of the stack pointer that count: SP, ESP or RSP. */
  readonly width: Bits;
}

export function stackTop(machine: MachineInterface): StackTop {
  const registers = readRegisters(machine);
  const width: Bits =
    machine.bits === 64 ? 64 : (registers.get("SS.DB")?.value ?? BigInt(machine.bits === 32)) === 1n ? 32 : 16;
  const name = width === 64 ? "RSP" : width === 32 ? "ESP" : "SP";
  const pointer = registerPart(registers, name)?.value ?? 0n;
  const base = width === 64 ? 0n : (registers.get("SS.BASE")?.value ?? 0n);
  return { base, pointer, width };
}

const returning = new Set(["call", "int", "int3", "int1", "into", "syscall", "hlt"]);

/** Does control normally come back to the next instruction, after other code has run or the instruction repeated? */
export const comesBack = ({ row, repeat }: Decoded): boolean => repeat !== "none" || returning.has(row.mnemonic);

export const isCall = ({ row }: Decoded): boolean => row.mnemonic === "call";
export const isSoftwareInterrupt = ({ row }: Decoded): boolean => /^int(o|1|3)?$/.test(row.mnemonic);
/** Calls the operating system, or a hypervisor: the code behind it runs when that returns. */
export const entersSystem = (decoded: Decoded): boolean =>
  isSoftwareInterrupt(decoded) || /^sys(call|enter)$/.test(decoded.row.mnemonic);
export const isSystemReturn = ({ row }: Decoded): boolean => /^sys(ret|exit)[dq]?$/.test(row.mnemonic);
export const isReturn = ({ row }: Decoded): boolean => /^retf?[nwdq]?$/.test(row.mnemonic);
export const isInterruptReturn = ({ row }: Decoded): boolean => /^iret[wdq]?$/.test(row.mnemonic);
