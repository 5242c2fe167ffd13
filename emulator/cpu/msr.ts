import type { Cpu } from "./cpu.ts";
import { hardwareFault, vector } from "./fault.ts";
import { timeStamp } from "./interrupts.ts";
import { layout } from "./layout.ts";
import { writeEfer } from "./modes.ts";
import { FS, GS, signedNumber, unsigned64 } from "./state.ts";

/** A model-specific register: its manual name, and how it is read and written. Writing throws #GP(0) for bad values. */
export interface Msr {
  readonly number: number;
  readonly name: string;
  readonly doc: string;
  readonly read: (cpu: Cpu) => bigint;
  readonly write: (cpu: Cpu, value: bigint) => void;
}

const refuse = (): never => {
  throw hardwareFault(vector.GP, 0);
};

const isCanonical = (value: bigint): boolean => BigInt.asUintN(64, BigInt.asIntN(48, value)) === value;

/** A register that is a field of the state block, with the rule its values must meet. */
function field(number: number, name: string, offset: number, doc: string, allows: (value: bigint) => boolean): Msr {
  return {
    number,
    name,
    doc,
    read: (cpu) => cpu.r64[offset >> 3]!,
    write: (cpu, value) => {
      if (!allows(value)) refuse();
      cpu.r64[offset >> 3] = value;
    },
  };
}

/** FS or GS base. */
function segmentBase(number: number, name: string, segment: number, doc: string): Msr {
  return {
    number,
    name,
    doc,
    read: (cpu) => unsigned64(cpu.segment(segment).base),
    write: (cpu, value) => {
      if (!isCanonical(value)) refuse();
      cpu.setSegment(segment, { ...cpu.segment(segment), base: signedNumber(value) });
    },
  };
}

/** Memory types PAT entries may have: UC, WC, WT, WP, WB, UC-. */
const patTypes = new Set([0n, 1n, 4n, 5n, 6n, 7n]);
const validPat = (value: bigint): boolean =>
  [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n].every((n) => patTypes.has((value >> (8n * n)) & 0xffn));
const anything = (): boolean => true;
const fits32 = (value: bigint): boolean => value >> 32n === 0n;

/** All there are; any other number is #GP(0). */
export const msrs: readonly Msr[] = [
  {
    number: 0x10,
    name: "IA32_TIME_STAMP_COUNTER",
    doc: "Cycles since the start, plus what software wrote to it.",
    read: timeStamp,
    write: (cpu, value) => {
      const offset = value - (timeStamp(cpu) - cpu.r64[layout.tscOffset >> 3]!);
      cpu.r64[layout.tscOffset >> 3] = BigInt.asUintN(64, offset);
    },
  },
  field(0x174, "IA32_SYSENTER_CS", layout.sysenterCs, "Code selector that SYSENTER loads.", fits32),
  field(0x175, "IA32_SYSENTER_ESP", layout.sysenterEsp, "Stack pointer that SYSENTER loads.", isCanonical),
  field(0x176, "IA32_SYSENTER_EIP", layout.sysenterEip, "Address that SYSENTER jumps to.", isCanonical),
  field(0x277, "IA32_PAT", layout.pat, "Memory types that page-table bits PAT, PCD and PWT select.", validPat),
  {
    number: 0xc000_0080,
    name: "IA32_EFER",
    doc: "Extended features: SYSCALL (bit 0), long mode enable (8) and active (10), no-execute (11).",
    read: (cpu) => cpu.r64[layout.efer >> 3]!,
    write: writeEfer,
  },
  field(0xc000_0081, "IA32_STAR", layout.star, "Selectors that SYSCALL and SYSRET load.", anything),
  field(0xc000_0082, "IA32_LSTAR", layout.lstar, "Address that SYSCALL jumps to.", isCanonical),
  field(
    0xc000_0083,
    "IA32_CSTAR",
    layout.cstar,
    "SYSCALL target of compatibility mode on AMD; unused here.",
    isCanonical,
  ),
  field(0xc000_0084, "IA32_FMASK", layout.fmask, "Flags that SYSCALL clears.", fits32),
  segmentBase(0xc000_0100, "IA32_FS_BASE", FS, "Base of FS in 64-bit mode."),
  segmentBase(0xc000_0101, "IA32_GS_BASE", GS, "Base of GS in 64-bit mode."),
  field(
    0xc000_0102,
    "IA32_KERNEL_GS_BASE",
    layout.kernelGsBase,
    "What SWAPGS exchanges with the base of GS.",
    isCanonical,
  ),
  field(0xc000_0103, "IA32_TSC_AUX", layout.tscAux, "What RDTSCP gives in ECX.", fits32),
];

const byNumber = new Map(msrs.map((msr) => [msr.number, msr]));

/** RDMSR; #GP(0) for a register that does not exist. */
export const readMsr = (cpu: Cpu, number: number): bigint => (byNumber.get(number) ?? refuse()).read(cpu);

/** WRMSR; #GP(0) for a register that does not exist or a value it does not take. */
export const writeMsr = (cpu: Cpu, number: number, value: bigint): void =>
  (byNumber.get(number) ?? refuse()).write(cpu, value);
