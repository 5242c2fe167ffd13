import type { Decoded, Memory, Operand, Register } from "../../isa/operands.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { msrs } from "../cpu/msr.ts";
import { segmentOf } from "../cpu/state.ts";
import { hex } from "./bit-layout.ts";
import type { CrAccess } from "./exit-rules-registers.ts";

/** Offset of a memory operand at its address size: unsigned for 16 and 32 bits, signed for 64. `cpu.next` must be set. */
export function effectiveOffset(cpu: Cpu, operand: Memory): number {
  let sum = operand.displacement;
  if (operand.ripRelative) sum += BigInt(cpu.next);
  if (operand.base !== undefined) sum += cpu.r64[operand.base]!;
  if (operand.index !== undefined) sum += cpu.r64[operand.index]! * BigInt(operand.scale);
  return operand.addressSize === 64 ? Number(BigInt.asIntN(64, sum)) : Number(BigInt.asUintN(operand.addressSize, sum));
}

/** Linear address of a memory operand: unsigned 64 bits. */
export function linearAddress(cpu: Cpu, operand: Memory): bigint {
  const sum = BigInt(cpu.bases[segmentOf(operand.segment)]!) + BigInt(effectiveOffset(cpu, operand));
  return BigInt.asUintN(cpu.bits === 64 ? 64 : 32, sum);
}

/** An access to a control register, as exit qualification 28 tells it. */
export interface ControlAccess {
  readonly register: number;
  readonly access: CrAccess;
  /** General register of MOV. */
  readonly general: number;
  /** Value to be written; 0 for reads and CLTS. */
  readonly value: bigint;
  /** LMSW from memory. */
  readonly memory: boolean;
}

const isControl = (operand: Operand | undefined): operand is Register =>
  operand?.kind === "register" && operand.class === "control";
const isGeneral = (operand: Operand | undefined): operand is Register =>
  operand?.kind === "register" && operand.class === "general";

/** 16-bit register or memory operand (LMSW, LLDT, LTR, MOV Sreg). May fault as the instruction would. */
export function wordOperand(cpu: Cpu, operand: Operand): number {
  if (operand.kind === "memory") return cpu.load16(segmentOf(operand.segment), effectiveOffset(cpu, operand));
  if (operand.kind === "register") return Number(cpu.r64[operand.number]! & 0xffffn);
  throw new TypeError(`a ${operand.kind} is no 16-bit operand`);
}

/** MOV to and from a control register, CLTS, LMSW; `word` reads the operand of LMSW. */
export function controlAccess(cpu: Cpu, { row, operands }: Decoded, word: (operand: Operand) => number): ControlAccess {
  const none = { register: 0, general: 0, value: 0n, memory: false };
  if (row.mnemonic === "clts") return { ...none, access: "clts" };
  const [first, second] = operands;
  if (row.mnemonic === "lmsw")
    return { ...none, access: "lmsw", value: BigInt(word(first!)), memory: first!.kind === "memory" };
  if (isControl(first) && isGeneral(second)) {
    const value = cpu.bits === 64 ? cpu.r64[second.number]! : cpu.r64[second.number]! & 0xffffffffn;
    return { register: first.number, access: "to", general: second.number, value, memory: false };
  }
  if (isGeneral(first) && isControl(second))
    return { register: second.number, access: "from", general: first.number, value: 0n, memory: false };
  throw new TypeError(`${row.syntax} does not access a control register`);
}

/** An I/O instruction, as exit qualification 30 tells it. */
export interface PortAccess {
  readonly port: number;
  /** 1, 2 or 4. */
  readonly bytes: 1 | 2 | 4;
  readonly isIn: boolean;
  readonly string: boolean;
  readonly rep: boolean;
  readonly immediate: boolean;
}

const stringBytes: Readonly<Record<string, 1 | 2 | 4>> = { insb: 1, insw: 2, insd: 4, outsb: 1, outsw: 2, outsd: 4 };

/** IN, OUT, INS and OUTS. */
export function portAccess(cpu: Cpu, { row, operands, repeat }: Decoded): PortAccess {
  const string = stringBytes[row.mnemonic];
  const [first, second] = operands;
  const immediate = first?.kind === "immediate" ? first : second?.kind === "immediate" ? second : undefined;
  const data = isAccumulator(first) ? first : isAccumulator(second) ? second : undefined;
  const width = data?.width ?? 8;
  return {
    port: immediate ? Number(immediate.value) : cpu.u32[4]! & 0xffff,
    bytes: string ?? (width === 8 ? 1 : width === 16 ? 2 : 4),
    isIn: row.mnemonic.startsWith("in"),
    string: string !== undefined,
    rep: repeat !== "none",
    immediate: immediate !== undefined,
  };
}

const isAccumulator = (operand: Operand | undefined): operand is Register => isGeneral(operand) && operand.number === 0;

/** Exit qualification 30 (SDM Vol. 3, table 28-5), by hand: guests do many of these. */
export const portQualification = ({ port, bytes, isIn, string, rep, immediate }: PortAccess): number =>
  ((bytes - 1) | (isIn ? 8 : 0) | (string ? 0x10 : 0) | (rep ? 0x20 : 0) | (immediate ? 0x40 : 0) | (port << 16)) >>> 0;

/** The access that a qualification tells. */
export const portOfQualification = (qualification: number): PortAccess => ({
  port: qualification >>> 16,
  bytes: ((qualification & 7) + 1) as PortAccess["bytes"],
  isIn: (qualification & 8) !== 0,
  string: (qualification & 0x10) !== 0,
  rep: (qualification & 0x20) !== 0,
  immediate: (qualification & 0x40) !== 0,
});

/** Where INS stores (ES:rDI) or OUTS loads (DS:rSI, or the overriding segment). */
export function stringOperand({ row, addressSize, segment }: Decoded): Memory {
  const isIn = row.mnemonic.startsWith("in");
  return {
    kind: "memory",
    width: undefined,
    addressSize,
    segment: isIn ? "es" : (segment ?? "ds"),
    base: isIn ? 7 : 6,
    index: undefined,
    scale: 1,
    displacement: 0n,
    ripRelative: false,
  };
}

/** MSR index of RDMSR and WRMSR: ECX. */
export const msrIndex = (cpu: Cpu): number => cpu.u32[2]!;
/** EDX:EAX. */
export const edxEax = (cpu: Cpu): bigint => (BigInt(cpu.u32[4]!) << 32n) | BigInt(cpu.u32[0]!);

const msrNames: ReadonlyMap<number, string> = new Map(msrs.map(({ number, name }): [number, string] => [number, name]));

/** "C0000080h (IA32_EFER)" */
export function msrText(msr: number): string {
  const name = msrNames.get(msr);
  return name === undefined ? hex(msr) : `${hex(msr)} (${name})`;
}

const accumulator = { 1: "al", 2: "ax", 4: "eax" } as const;

/** "out 3F8h, al = 48h 'H'", with EAX as it was. */
export function portText(eax: number, access: PortAccess): string {
  const verb = `${access.rep ? "rep " : ""}${access.isIn ? "in" : "out"}${access.string ? "s" : ""}`;
  const register = accumulator[access.bytes];
  if (access.string) return `${verb} ${hex(access.port)}, ${access.bytes} byte${access.bytes > 1 ? "s" : ""} each`;
  if (access.isIn) return `${verb} ${register}, ${hex(access.port)}`;
  const value = access.bytes === 4 ? eax : eax & (2 ** (8 * access.bytes) - 1);
  const character = access.bytes === 1 && value >= 0x20 && value < 0x7f ? ` '${String.fromCharCode(value)}'` : "";
  return `${verb} ${hex(access.port)}, ${register} = ${hex(value)}${character}`;
}

const registers32 = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"].concat(
  Array.from({ length: 8 }, (_, n) => `r${n + 8}`),
);

/** "mov cr0, eax = 80000011h" */
export function controlText({ register, access, general, value }: ControlAccess): string {
  if (access === "clts") return "clts";
  if (access === "lmsw") return `lmsw ${hex(value)}`;
  const name = registers32[general]!;
  return access === "to" ? `mov cr${register}, ${name} = ${hex(value)}` : `mov ${name}, cr${register}`;
}
