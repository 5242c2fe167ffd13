import { physicalAddressBits } from "../mmu/physical.ts";
import { capabilityMsrs } from "../vmx/capability-msrs.ts";
import { apicBase, hasLocalApic } from "./apic-base.ts";
import type { Cpu } from "./cpu.ts";
import { generalProtection } from "./fault.ts";
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
  /** One of many alike, which lists of registers leave out. */
  readonly minor?: true;
}

/** Canonical for the widest addresses that the processor has. */
const isCanonical = (value: bigint, cpu: Cpu): boolean =>
  BigInt.asUintN(64, BigInt.asIntN(cpu.fiveLevelPaging ? 57 : 48, value)) === value;

/** A register that is a field of the state block, with the rule its values must meet. */
function field(
  number: number,
  name: string,
  offset: number,
  doc: string,
  allows: (value: bigint, cpu: Cpu) => boolean,
): Msr {
  return {
    number,
    name,
    doc,
    read: (cpu) => cpu.r64[offset >> 3]!,
    write: (cpu, value) => {
      if (!allows(value, cpu)) generalProtection();
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
      if (!isCanonical(value, cpu)) generalProtection();
      cpu.setSegment(segment, { ...cpu.segment(segment), base: signedNumber(value) });
    },
  };
}

/** Memory types PAT entries may have: UC, WC, WT, WP, WB, UC-. */
const patTypes = new Set([0n, 1n, 4n, 5n, 6n, 7n]);
const bytesOf = (value: bigint): bigint[] => [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n].map((n) => (value >> (8n * n)) & 0xffn);
const validPat = (value: bigint): boolean => bytesOf(value).every((type) => patTypes.has(type));
const anything = (): boolean => true;
const fits32 = (value: bigint): boolean => value >> 32n === 0n;

/** A register with one value, which is all that may be written. */
function fixed(number: number, name: string, value: bigint, doc: string): Msr {
  return {
    number,
    name,
    doc,
    read: () => value,
    write: (_, written) => {
      if (written !== value) generalProtection();
    },
  };
}

const beyondMemory = 2n ** 64n - 2n ** BigInt(physicalAddressBits);
/** UC, WC, WT, WP and WB: what memory-type range registers may say. */
const mtrrTypes = new Set([0n, 1n, 4n, 5n, 6n]);
const validMtrrBase = (value: bigint): boolean =>
  mtrrTypes.has(value & 0xffn) && (value & (0xf00n | beyondMemory)) === 0n;
const validMtrrMask = (value: bigint): boolean => (value & (0x7ffn | beyondMemory)) === 0n;
const validMtrrDefault = (value: bigint): boolean => mtrrTypes.has(value & 0xffn) && (value & ~0xcffn) === 0n;
const validMtrrFixed = (value: bigint): boolean => bytesOf(value).every((type) => mtrrTypes.has(type));

const variableRanges = 8;
const fixedRanges: readonly (readonly [number: number, name: string])[] = [
  [0x250, "FIX64K_00000"],
  [0x258, "FIX16K_80000"],
  [0x259, "FIX16K_A0000"],
  ...Array.from(
    { length: 8 },
    (_, n) => [0x268 + n, `FIX4K_${(0xc0000 + n * 0x8000).toString(16).toUpperCase()}`] as const,
  ),
];

/** Memory types have no effect here: there are no caches that memory does not agree with. */
const memoryTypes: readonly Msr[] = (
  [
    // Eight variable ranges, the fixed ones, and write combining.
    fixed(0xfe, "IA32_MTRRCAP", 0x508n, "What memory-type range registers there are."),
    ...Array.from({ length: variableRanges }, (_, n) => [
      field(
        0x200 + 2 * n,
        `IA32_MTRR_PHYSBASE${n}`,
        layout.mtrrVariable + 16 * n,
        "Base and memory type of a range; kept, without effect.",
        validMtrrBase,
      ),
      field(
        0x201 + 2 * n,
        `IA32_MTRR_PHYSMASK${n}`,
        layout.mtrrVariable + 16 * n + 8,
        "Mask of a range, and whether it is valid (bit 11).",
        validMtrrMask,
      ),
    ]).flat(),
    ...fixedRanges.map(([number, name], n) =>
      field(number, `IA32_MTRR_${name}`, layout.mtrrFixed + 8 * n, "Memory types of eight ranges.", validMtrrFixed),
    ),
    field(0x2ff, "IA32_MTRR_DEF_TYPE", layout.mtrrDefault, "Memory type of all else, and enables.", validMtrrDefault),
  ] satisfies Msr[]
).map((msr) => ({ ...msr, minor: true }));

/** Fast strings (bit 0), which may be switched off; no branch trace store and no event sampling (bits 11 and 12). */
const miscEnable = { after: 0x1801n, writable: 1n } as const;
export const miscEnableAfterReset = miscEnable.after;

function writeApicBase(cpu: Cpu, value: bigint): void {
  const written = value & ~apicBase.boot;
  if ((written & ~apicBase.on) !== apicBase.registers) generalProtection();
  cpu.r64[layout.apicBase >> 3] = written;
  cpu.bus.switchLocalApic?.(hasLocalApic(cpu));
}

function setTimeStamp(cpu: Cpu, value: bigint): void {
  const change = BigInt.asUintN(64, value - timeStamp(cpu));
  moveTime(cpu, change);
}

/** Adds to the time-stamp counter and to what IA32_TSC_ADJUST says was added. */
function moveTime(cpu: Cpu, change: bigint): void {
  for (const place of [layout.tscOffset, layout.tscAdjust])
    cpu.r64[place >> 3] = BigInt.asUintN(64, cpu.r64[place >> 3]! + change);
}

/** IA32_FEATURE_CONTROL: locked until the next reset (bit 0); VMXON outside SMX operation (bit 2). */
const featureControl = { lock: 1n, vmx: 4n, writable: 5n } as const;

/** Whether software may use VMXON: locked, and allowed. */
export const allowsVmx = (cpu: Cpu): boolean =>
  (cpu.r64[layout.featureControl >> 3]! & (featureControl.lock | featureControl.vmx)) ===
  (featureControl.lock | featureControl.vmx);

/** Those of VMX, which not every processor has. */
const virtualization: readonly Msr[] = [
  {
    number: 0x3a,
    name: "IA32_FEATURE_CONTROL",
    doc: "Whether it is locked (bit 0), and whether VMXON is allowed (bit 2).",
    read: (cpu: Cpu) => cpu.r64[layout.featureControl >> 3]!,
    write: (cpu: Cpu, value: bigint) => {
      const place = layout.featureControl >> 3;
      if ((cpu.r64[place]! & featureControl.lock) !== 0n || (value & ~featureControl.writable) !== 0n)
        generalProtection();
      cpu.r64[place] = value;
    },
  },
  ...capabilityMsrs.map(({ number, name, doc, value }) => ({
    number,
    name,
    doc,
    read: value,
    write: generalProtection,
  })),
].map(
  (msr): Msr => ({
    ...msr,
    minor: true,
    read: (cpu) => (cpu.vmx ? msr.read(cpu) : generalProtection()),
    write: (cpu, value) => (cpu.vmx ? msr.write(cpu, value) : generalProtection()),
  }),
);

/** All there are; any other number is #GP(0). */
export const msrs: readonly Msr[] = [
  ...virtualization,
  {
    number: 0x10,
    name: "IA32_TIME_STAMP_COUNTER",
    doc: "Cycles since the start, plus what software wrote to it.",
    read: timeStamp,
    write: setTimeStamp,
  },
  {
    number: 0x1b,
    name: "IA32_APIC_BASE",
    doc: "Where the registers of the local APIC are, which cannot be moved here; whether it is on (bit 11); the boot processor (8).",
    read: (cpu) => cpu.r64[layout.apicBase >> 3]! | (cpu.r32[layout.apicId >> 2] === 0 ? apicBase.boot : 0n),
    write: writeApicBase,
  },
  fixed(0x17, "IA32_PLATFORM_ID", 0n, "Which of several kinds of package it is in."),
  {
    number: 0x3b,
    name: "IA32_TSC_ADJUST",
    doc: "The sum of what software has added to the time-stamp counter.",
    read: (cpu) => cpu.r64[layout.tscAdjust >> 3]!,
    write: (cpu, value) => moveTime(cpu, BigInt.asUintN(64, value - cpu.r64[layout.tscAdjust >> 3]!)),
  },
  fixed(0x8b, "IA32_BIOS_SIGN_ID", 0n, "Revision of the microcode update: there is none."),
  ...memoryTypes,
  field(
    0x1a0,
    "IA32_MISC_ENABLE",
    layout.miscEnable,
    "Fast string operation (bit 0); no branch trace store (bit 11), no event-based sampling (bit 12).",
    (value) => (value & ~miscEnable.writable) === (miscEnable.after & ~miscEnable.writable),
  ),
  fixed(0x1d9, "IA32_DEBUGCTL", 0n, "Branch records and steps: there are none."),
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
export const readMsr = (cpu: Cpu, number: number): bigint => (byNumber.get(number) ?? generalProtection()).read(cpu);

/** WRMSR; #GP(0) for a register that does not exist or a value it does not take. */
export const writeMsr = (cpu: Cpu, number: number, value: bigint): void =>
  (byNumber.get(number) ?? generalProtection()).write(cpu, value);
