import type { Cpu } from "../cpu.ts";
import { hardwareFault, vector } from "../fault.ts";
import { layout } from "../layout.ts";
import { CR4 } from "../state.ts";
import { checkAligned, checkStore, further, type Place } from "./memory-operand.ts";
import { rawStack, readControl, readStatus, setControl, setRawRegister, setStatus, topOf } from "./register-stack.ts";

const registersAt = 32;
const vectorsAt = 160;
const bytes = 512;

/** Bits of MXCSR that can be set: all of the low 16, denormals-are-zeros among them. */
export const mxcsrMask = 0xffff;
const mxcsrWord = layout.mxcsr >> 2;

export const readMxcsr = (cpu: Cpu): number => cpu.u32[mxcsrWord]!;

/** LDMXCSR, FXRSTOR: #GP(0) for bits that do not exist. */
export function setMxcsr(cpu: Cpu, value: number): void {
  if ((value & ~mxcsrMask) !== 0) throw hardwareFault(vector.GP, 0);
  cpu.u32[mxcsrWord] = value;
}

/** XMM8 to XMM15 are saved in 64-bit code only; none without CR4.OSFXSR. */
const vectorCount = (cpu: Cpu): number => ((cpu.cr4 & CR4.OSFXSR) === 0 ? 0 : cpu.bits === 64 ? 16 : 8);

/** FXSAVE (SDM Vol. 2, table 3-43); `wide`: FXSAVE64, whose pointers have 64 bits and no selectors. */
export function fxsave(cpu: Cpu, place: Place, wide: boolean): void {
  checkAligned(cpu, place);
  checkStore(cpu, place, bytes);
  const { segment, offset } = place;
  cpu.store16(segment, offset, readControl(cpu));
  cpu.store16(segment, offset + 2, readStatus(cpu));
  cpu.store16(segment, offset + 4, ~cpu.u32[layout.x87Empty >> 2]! & 0xff);
  cpu.store16(segment, offset + 6, cpu.u32[layout.x87Opcode >> 2]!);
  storePointer(cpu, further(place, 8), wide, layout.x87InstructionPointer, layout.x87CodeSelector);
  storePointer(cpu, further(place, 16), wide, layout.x87DataPointer, layout.x87DataSelector);
  cpu.store32(segment, offset + 24, readMxcsr(cpu));
  cpu.store32(segment, offset + 28, mxcsrMask);
  for (let index = 0; index < 8; index++) {
    const { significand, signExponent } = rawStack(cpu, index);
    cpu.store64(segment, offset + registersAt + 16 * index, significand);
    cpu.store64(segment, offset + registersAt + 16 * index + 8, BigInt(signExponent));
  }
  for (let half = 0; half < 2 * vectorCount(cpu); half++)
    cpu.store64(segment, offset + vectorsAt + 8 * half, cpu.r64[(layout.xmm >> 3) + half]!);
}

function storePointer(cpu: Cpu, { segment, offset }: Place, wide: boolean, pointer: number, selector: number): void {
  if (wide) cpu.store64(segment, offset, cpu.r64[pointer >> 3]!);
  else {
    cpu.store32(segment, offset, cpu.u32[pointer >> 2]!);
    cpu.store32(segment, offset + 4, cpu.u32[selector >> 2]! & 0xffff);
  }
}

/** FXRSTOR. Everything is read before anything changes. */
export function fxrstor(cpu: Cpu, place: Place, wide: boolean): void {
  checkAligned(cpu, place);
  const { segment, offset } = place;
  const words = Array.from({ length: 4 + 16 }, (_, index) => cpu.load64(segment, offset + 8 * index));
  const vectors = Array.from({ length: 2 * vectorCount(cpu) }, (_, half) =>
    cpu.load64(segment, offset + vectorsAt + 8 * half),
  );
  const field = (word: number, shift: bigint, bits: number): number =>
    Number(BigInt.asUintN(bits, words[word]! >> shift));
  if (vectors.length > 0) setMxcsr(cpu, field(3, 0n, 32));
  cpu.u32[layout.x87Empty >> 2] = ~field(0, 32n, 8) & 0xff;
  setStatus(cpu, field(0, 16n, 16));
  setControl(cpu, field(0, 0n, 16));
  cpu.u32[layout.x87Opcode >> 2] = field(0, 48n, 11);
  loadPointer(cpu, words[1]!, wide, layout.x87InstructionPointer, layout.x87CodeSelector);
  loadPointer(cpu, words[2]!, wide, layout.x87DataPointer, layout.x87DataSelector);
  const top = topOf(cpu);
  for (let index = 0; index < 8; index++)
    setRawRegister(cpu, (top + index) & 7, words[4 + 2 * index]!, field(5 + 2 * index, 0n, 16));
  for (const [half, value] of vectors.entries()) cpu.r64[(layout.xmm >> 3) + half] = value;
}

function loadPointer(cpu: Cpu, value: bigint, wide: boolean, pointer: number, selector: number): void {
  cpu.r64[pointer >> 3] = wide ? value : BigInt.asUintN(32, value);
  if (!wide) cpu.u32[selector >> 2] = Number(BigInt.asUintN(16, value >> 32n));
}
