import type { Decoded } from "../../../isa/operands.ts";
import type { Cpu } from "../cpu.ts";
import { layout } from "../layout.ts";
import { CS } from "../state.ts";
import { checkStore, further, type Place } from "./memory-operand.ts";
import {
  initialize,
  rawStack,
  readControl,
  readStatus,
  setControl,
  setRawRegister,
  setStatus,
  setTagWord,
  tagWord,
  topOf,
} from "./register-stack.ts";

/** An offset of memory or of code, as 64 bits. */
function setAddress(cpu: Cpu, field: number, value: number): void {
  cpu.r32[field >> 2] = value;
  cpu.r32[(field >> 2) + 1] = Math.floor(value / 0x1_0000_0000);
}

/** Remembers where the last x87 instruction and its memory operand are. */
export function remember(cpu: Cpu, memory: Place | undefined): void {
  setAddress(cpu, layout.x87InstructionPointer, cpu.rip);
  cpu.u32[layout.x87CodeSelector >> 2] = cpu.selector(CS);
  if (!memory) return;
  setAddress(cpu, layout.x87DataPointer, memory.offset);
  cpu.u32[layout.x87DataSelector >> 2] = cpu.selector(memory.segment);
}

/** Remembers the opcode: the low bits of its first byte, and the second byte. Only where an unmasked exception needs it. */
export function rememberOpcode(cpu: Cpu, { length }: Decoded): void {
  for (let at = 0; at < length - 1; at++) {
    const byte = cpu.fetch8(cpu.rip + at);
    if (byte >> 3 !== 0x1b) continue;
    cpu.u32[layout.x87Opcode >> 2] = ((byte & 7) << 8) | cpu.fetch8(cpu.rip + at + 1);
    return;
  }
}

/** The pointers as FSTENV stores them, in the low bits of the four fields after the tag word. */
interface Pointers {
  readonly instruction: number;
  readonly code: number;
  readonly data: number;
  readonly dataSelector: number;
  readonly opcode: number;
}

const pointersOf = (cpu: Cpu): Pointers => ({
  instruction: cpu.u32[layout.x87InstructionPointer >> 2]!,
  code: cpu.u32[layout.x87CodeSelector >> 2]!,
  data: cpu.u32[layout.x87DataPointer >> 2]!,
  dataSelector: cpu.u32[layout.x87DataSelector >> 2]!,
  opcode: cpu.u32[layout.x87Opcode >> 2]!,
});

/** The seven fields of the environment (SDM Vol. 1, figures 8-9 to 8-12): in real-address mode with linear addresses. */
function environmentFields(cpu: Cpu, wide: boolean): number[] {
  const { instruction, code, data, dataSelector, opcode } = pointersOf(cpu);
  const words = [readControl(cpu), readStatus(cpu), tagWord(cpu)];
  if (!cpu.realAddressing) {
    const selector = wide ? code | (opcode << 16) : code;
    return [...words, instruction, selector, data, dataSelector];
  }
  const linear = (code * 16 + instruction) >>> 0;
  const dataLinear = (dataSelector * 16 + data) >>> 0;
  const upper = (address: number): number => (wide ? (address >>> 16) << 12 : ((address >>> 16) & 15) << 12);
  return [...words, linear & 0xffff, upper(linear) | opcode, dataLinear & 0xffff, upper(dataLinear)];
}

/** Fields of which only the low half is used: the upper half is stored as ones. */
const halfUsed = (cpu: Cpu): readonly number[] => (cpu.realAddressing ? [0, 1, 2, 3, 5] : [0, 1, 2, 6]);

export const environmentBytes = (size: number): number => (size === 16 ? 14 : 28);

function storeFields(cpu: Cpu, place: Place, size: number): void {
  const wide = size !== 16;
  const halves = halfUsed(cpu);
  for (const [index, field] of environmentFields(cpu, wide).entries()) {
    if (!wide) cpu.store16(place.segment, place.offset + 2 * index, field & 0xffff);
    else {
      const value = halves.includes(index) ? (field | 0xffff_0000) >>> 0 : field >>> 0;
      cpu.store32(place.segment, place.offset + 4 * index, value);
    }
  }
}

/** FNSTENV. */
export function storeEnvironment(cpu: Cpu, place: Place, size: number): void {
  checkStore(cpu, place, environmentBytes(size));
  storeFields(cpu, place, size);
  setControl(cpu, readControl(cpu) | 0x3f);
}

function loadFields(cpu: Cpu, place: Place, size: number): number[] {
  const { segment, offset } = place;
  const fields = [0, 1, 2, 3, 4, 5, 6];
  if (size === 16) return fields.map((index) => cpu.load16(segment, offset + 2 * index));
  return fields.map((index) => cpu.load32(segment, offset + 4 * index) >>> 0);
}

function setEnvironment(cpu: Cpu, fields: readonly number[], size: number): void {
  const [control, statusWord, tags, first, second, third, fourth] = fields as [number, number, number, ...number[]];
  setTagWord(cpu, tags & 0xffff);
  setStatus(cpu, statusWord & 0xffff);
  setControl(cpu, control & 0xffff);
  const real = cpu.realAddressing;
  const whole = (low: number, high: number): number => ((low & 0xffff) | ((high >>> 12) << 16)) >>> 0;
  const instruction = real ? whole(first!, second!) : first!;
  const data = real ? whole(third!, fourth!) : third!;
  setAddress(cpu, layout.x87InstructionPointer, instruction);
  setAddress(cpu, layout.x87DataPointer, data);
  cpu.u32[layout.x87CodeSelector >> 2] = real ? 0 : second! & 0xffff;
  cpu.u32[layout.x87DataSelector >> 2] = real ? 0 : fourth! & 0xffff;
  if (real) cpu.u32[layout.x87Opcode >> 2] = second! & 0x7ff;
  else if (size !== 16) cpu.u32[layout.x87Opcode >> 2] = (second! >>> 16) & 0x7ff;
}

/** FLDENV. */
export function loadEnvironment(cpu: Cpu, place: Place, size: number): void {
  setEnvironment(cpu, loadFields(cpu, place, size), size);
}

/** FNSAVE: the environment, then ST0 to ST7 of ten bytes each; then as FNINIT. */
export function save(cpu: Cpu, place: Place, size: number): void {
  const header = environmentBytes(size);
  checkStore(cpu, place, header + 80);
  storeFields(cpu, place, size);
  for (let index = 0; index < 8; index++) {
    const { significand, signExponent } = rawStack(cpu, index);
    const at = further(place, header + 10 * index);
    cpu.store64(at.segment, at.offset, significand);
    cpu.store16(at.segment, at.offset + 8, signExponent);
  }
  initialize(cpu);
}

/** FRSTOR. */
export function restore(cpu: Cpu, place: Place, size: number): void {
  const header = environmentBytes(size);
  const fields = loadFields(cpu, place, size);
  const registers = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => {
    const at = further(place, header + 10 * index);
    return [cpu.load64(at.segment, at.offset), cpu.load16(at.segment, at.offset + 8)] as const;
  });
  setEnvironment(cpu, fields, size);
  const top = topOf(cpu);
  for (const [index, [significand, signExponent]] of registers.entries())
    setRawRegister(cpu, (top + index) & 7, significand, signExponent);
}
