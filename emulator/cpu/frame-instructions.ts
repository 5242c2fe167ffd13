import type { Decoded } from "../../isa/operands.ts";
import type { Cpu } from "./cpu.ts";
import { Frame, setStackPointer, stackPointer } from "./stack.ts";
import { SS } from "./state.ts";

const SP = 4;
const BP = 5;

/** The low 16 or 32 bits of a general register, unsigned. */
const general = (cpu: Cpu, number: number, bytes: number): number =>
  bytes === 2 ? cpu.r16[number * 4]! : cpu.u32[number * 2]!;

function setGeneral(cpu: Cpu, number: number, bytes: number, value: number): void {
  if (bytes === 2) cpu.r16[number * 4] = value;
  else cpu.r64[number] = BigInt(value);
}

/** PUSHA, PUSHAD: the stack pointer it pushes is the one from before. */
export function pushAll(cpu: Cpu, decoded: Decoded): void {
  const bytes = decoded.operandSize / 8;
  const frame = Frame.current(cpu);
  for (let number = 0; number < 8; number++) frame.push(general(cpu, number, bytes), bytes);
  setStackPointer(cpu, cpu.stackBits, frame.pointer);
}

/** POPA, POPAD: the stack pointer on the stack is skipped. */
export function popAll(cpu: Cpu, decoded: Decoded): void {
  const bytes = decoded.operandSize / 8;
  const frame = Frame.current(cpu);
  const values = Array.from({ length: 8 }, () => frame.pop(bytes)).reverse();
  for (const [number, value] of values.entries()) if (number !== SP) setGeneral(cpu, number, bytes, value);
  setStackPointer(cpu, cpu.stackBits, frame.pointer);
}

/** LEAVE outside 64-bit mode: the stack pointer takes the stack's width from rBP, then rBP is popped. */
export function leave(cpu: Cpu, decoded: Decoded): void {
  const bytes = decoded.operandSize / 8;
  const bits = cpu.stackBits;
  const pointer = general(cpu, BP, bits / 8);
  const caller = bytes === 2 ? cpu.load16(SS, pointer) : cpu.load32(SS, pointer) >>> 0;
  setGeneral(cpu, BP, bytes, caller);
  setStackPointer(cpu, bits, bits === 16 ? (pointer + bytes) & 0xffff : (pointer + bytes) >>> 0);
}

/** ENTER: pushes rBP, copies `level` - 1 frame pointers and its own, and allocates `size` bytes. */
export function enter(cpu: Cpu, decoded: Decoded, size: number, level: number): void {
  const bytes = decoded.operandSize / 8;
  const bits = cpu.stackBits;
  const wrap = (pointer: number): number => (bits === 64 ? pointer : bits === 32 ? pointer >>> 0 : pointer & 0xffff);
  let pointer = stackPointer(cpu, bits);
  const push = (value: bigint): void => {
    pointer = wrap(pointer - bytes);
    storeWord(cpu, pointer, bytes, value);
  };
  push(cpu.r64[BP]!);
  // With 32-bit operands the frame pointer is all of ESP, also on a 16-bit stack.
  const frame = bits === 16 && bytes === 4 ? ((cpu.u32[SP * 2]! & 0xffff_0000) | pointer) >>> 0 : pointer;
  let outer = bits === 64 ? signed(cpu.r64[BP]!) : general(cpu, BP, bits / 8);
  for (let n = 1; n < (level & 31); n++) {
    outer = wrap(outer - bytes);
    push(loadWord(cpu, outer, bytes));
  }
  if ((level & 31) > 0) push(BigInt.asUintN(64, BigInt(frame)));
  pointer = wrap(pointer - size);
  cpu.prepareStore(SS, pointer, bytes);
  if (bytes === 8) cpu.r64[BP] = BigInt.asUintN(64, BigInt(frame));
  else if (bytes === 4) setGeneral(cpu, BP, 4, frame >>> 0);
  else setGeneral(cpu, BP, 2, frame);
  setStackPointer(cpu, bits, pointer);
}

const signed = (value: bigint): number => Number(BigInt.asIntN(64, value));

function loadWord(cpu: Cpu, pointer: number, bytes: number): bigint {
  if (bytes === 8) return cpu.load64(SS, pointer);
  return BigInt(bytes === 4 ? cpu.load32(SS, pointer) >>> 0 : cpu.load16(SS, pointer));
}

function storeWord(cpu: Cpu, pointer: number, bytes: number, value: bigint): void {
  if (bytes === 8) cpu.store64(SS, pointer, value);
  else if (bytes === 4) cpu.store32(SS, pointer, Number(BigInt.asIntN(32, value)));
  else cpu.store16(SS, pointer, Number(value & 0xffffn));
}
