import { type FlagName, flagBits, flagMask } from "../isa/flags.ts";
import { registerName, segmentNames } from "../isa/registers.ts";
import type { Cpu } from "./cpu/cpu.ts";
import { accessBits, layout } from "./cpu/layout.ts";
import { CR0, CS, EFER, SS, segmentNumber, signedNumber, unsigned64 } from "./cpu/state.ts";
import type { RegisterGroup, RegisterView } from "./machine-interface.ts";
import { type Peek, setSegmentSelector } from "./segment-registers.ts";

interface Register {
  readonly name: string;
  readonly group: RegisterGroup;
  readonly width: number;
  readonly doc: string;
  readonly get: (cpu: Cpu) => bigint;
  /** True, or why the value is not allowed. The value fits the width. */
  readonly set?: (cpu: Cpu, value: bigint, peek: Peek) => true | string;
}

const word = (offset: number) => (cpu: Cpu) => BigInt(cpu.u32[offset >> 2]!);
const quad = (offset: number) => (cpu: Cpu) => cpu.r64[offset >> 3]!;
const setQuad = (offset: number) => (cpu: Cpu, value: bigint) => {
  cpu.r64[offset >> 3] = value;
  return true as const;
};
const isCanonical = (value: bigint): boolean => BigInt.asUintN(64, BigInt.asIntN(48, value)) === value;
const setCanonical = (offset: number) => (cpu: Cpu, value: bigint) =>
  isCanonical(value) ? setQuad(offset)(cpu, value) : "The address must be canonical: bits 63:47 all alike.";

const general = (bits: number): Register[] =>
  Array.from({ length: bits === 64 ? 16 : 8 }, (_, number) => ({
    name: registerName("general", number, bits === 64 ? 64 : 32).toUpperCase(),
    group: "general",
    width: bits === 64 ? 64 : 32,
    doc: number === 4 ? "Stack pointer." : "General-purpose register.",
    get: (cpu) => (bits === 64 ? cpu.r64[number]! : BigInt(cpu.u32[2 * number]!)),
    set(cpu, value) {
      if (bits === 64) cpu.r64[number] = value;
      else cpu.u32[2 * number] = Number(value);
      return true;
    },
  }));

const pointer = (bits: number): Register => ({
  name: bits === 64 ? "RIP" : "EIP",
  group: "general",
  width: bits === 64 ? 64 : 32,
  doc: "Instruction pointer: offset in the code segment of the next instruction.",
  get: (cpu) => unsigned64(cpu.rip),
  set(cpu, value) {
    if (bits === 64 ? !isCanonical(value) : value > cpu.limit(CS)) return "The address is beyond the code segment.";
    cpu.rip = bits === 64 ? signedNumber(value) : Number(value);
    return true;
  },
});

const flagDocs: Readonly<Record<FlagName, string>> = {
  CF: "Carry",
  PF: "Parity of the low byte: set if even",
  AF: "Carry out of bit 3",
  ZF: "Zero",
  SF: "Sign",
  TF: "Trap: single step",
  IF: "Interrupts enabled",
  DF: "Direction: string instructions go down",
  OF: "Overflow",
  IOPL: "I/O privilege level",
  NT: "Nested task",
  RF: "Resume: no debug fault at the next instruction",
  VM: "Virtual-8086 mode",
  AC: "Alignment check",
  VIF: "Virtual interrupt flag",
  VIP: "Virtual interrupt pending",
  ID: "CPUID can be used",
};

const settableFlags = Object.keys(flagBits)
  .filter((name) => name !== "VM")
  .reduce((mask, name) => mask | flagMask(name as FlagName), 0);

function setFlags(cpu: Cpu, value: number): true | string {
  if ((value ^ cpu.flags) & ~settableFlags) return "Bit 1 is always 1, VM and the reserved bits cannot be set here.";
  cpu.flags = value;
  cpu.attention = true;
  return true;
}

const flags = (bits: number): Register[] => [
  {
    name: bits === 64 ? "RFLAGS" : "EFLAGS",
    group: "flags",
    width: bits === 64 ? 64 : 32,
    doc: "All flags.",
    get: (cpu) => BigInt(cpu.flags),
    set: (cpu, value) => setFlags(cpu, Number(BigInt.asIntN(32, value))),
  },
  ...Object.keys(flagBits).map((key): Register => {
    const name = key as FlagName;
    return {
      name,
      group: "flags",
      width: name === "IOPL" ? 2 : 1,
      doc: `${flagDocs[name]} (bit ${flagBits[name]}).`,
      get: (cpu) => BigInt((cpu.flags & flagMask(name)) >>> flagBits[name]),
      set: (cpu, value) => setFlags(cpu, (cpu.flags & ~flagMask(name)) | (Number(value) << flagBits[name])),
    };
  }),
];

function segment(name: string, number: number): Register[] {
  const part = (suffix: string, width: number, doc: string, get: Register["get"]): Register => ({
    name: `${name}.${suffix}`,
    group: "segment",
    width,
    doc,
    get,
  });
  const isSystem = number >= segmentNumber.ldtr;
  return [
    {
      name,
      group: "segment",
      width: 16,
      doc: isSystem
        ? `Selector of the ${name === "TR" ? "task state segment" : "local descriptor table"}.`
        : "Selector.",
      get: (cpu) => BigInt(cpu.selector(number)),
      ...(isSystem
        ? {}
        : { set: (cpu: Cpu, value: bigint, peek: Peek) => setSegmentSelector(cpu, number, Number(value), peek) }),
    },
    part("base", 64, "Linear address of offset 0.", (cpu) => unsigned64(cpu.segment(number).base)),
    part("limit", 32, "Last valid offset, in bytes.", (cpu) => BigInt(cpu.limit(number))),
    part("access", 32, "Access rights as in the VMCS.", (cpu) => BigInt(cpu.access(number) >>> 0)),
  ];
}

const accessBit = (name: string, number: number, mask: number, doc: string): Register => ({
  name,
  group: "segment",
  width: 1,
  doc,
  get: (cpu) => (cpu.access(number) & mask ? 1n : 0n),
});

const segments: readonly Register[] = [
  ...segmentNames.flatMap((name) => segment(name.toUpperCase(), segmentNumber[name])),
  ...segment("LDTR", segmentNumber.ldtr),
  ...segment("TR", segmentNumber.tr),
  accessBit("CS.L", CS, accessBits.l, "64-bit code."),
  accessBit("CS.DB", CS, accessBits.db, "32-bit code (with L clear)."),
  accessBit("SS.DB", SS, accessBits.db, "32-bit stack pointer."),
  { name: "CPL", group: "segment", width: 2, doc: "Current privilege level.", get: (cpu) => BigInt(cpu.cpl) },
];

const tables: readonly Register[] = [
  { name: "GDTR.base", group: "table", width: 64, doc: "Global descriptor table.", get: quad(layout.gdtrBase) },
  { name: "GDTR.limit", group: "table", width: 16, doc: "Last valid offset in it.", get: word(layout.gdtrLimit) },
  { name: "IDTR.base", group: "table", width: 64, doc: "Interrupt descriptor table.", get: quad(layout.idtrBase) },
  { name: "IDTR.limit", group: "table", width: 16, doc: "Last valid offset in it.", get: word(layout.idtrLimit) },
];

/** Bits whose change means another mode of operation or another meaning of all addresses. */
const fixedCr0 = BigInt((CR0.PE | CR0.PG) >>> 0);
const settableCr0 = BigInt((CR0.MP | CR0.EM | CR0.TS | CR0.NE | CR0.WP | CR0.AM) >>> 0);

const control = (bits: number): Register[] => [
  {
    name: "CR0",
    group: "control",
    width: bits === 64 ? 64 : 32,
    doc: "System control: protected mode, paging, write protection, task switched.",
    get: quad(layout.cr0),
    set(cpu, value) {
      const changed = value ^ cpu.r64[layout.cr0 >> 3]!;
      if (changed & fixedCr0) return "PE and PG cannot be changed here: let the guest change its mode itself.";
      if (changed & ~settableCr0) return "Only MP, EM, TS, NE, WP and AM can be changed here.";
      cpu.r64[layout.cr0 >> 3] = value;
      cpu.flushTlb(true);
      cpu.refresh();
      return true;
    },
  },
  {
    name: "CR2",
    group: "control",
    width: 64,
    doc: "Linear address of the last page fault.",
    get: quad(layout.cr2),
    set: setQuad(layout.cr2),
  },
  { name: "CR3", group: "control", width: 64, doc: "Physical address of the top page table.", get: quad(layout.cr3) },
  {
    name: "CR4",
    group: "control",
    width: 64,
    doc: "Extensions: PSE, PAE, PGE, VMXE and others.",
    get: quad(layout.cr4),
  },
  { name: "CR8", group: "control", width: 64, doc: "Task priority.", get: quad(layout.cr8) },
];

const debug: readonly Register[] = [0, 1, 2, 3, 6, 7].map((number) => ({
  name: `DR${number}`,
  group: "debug",
  width: 64,
  doc: number < 4 ? `Address of breakpoint ${number}.` : number === 6 ? "Debug status." : "Debug control.",
  get: quad(layout.debug + 8 * number),
}));

const msr = (name: string, offset: number, doc: string, set?: Register["set"]): Register => ({
  name: `IA32_${name}`,
  group: "msr",
  width: 64,
  doc,
  get: quad(offset),
  ...(set ? { set } : {}),
});

const msrs: readonly Register[] = [
  msr("EFER", layout.efer, "C0000080h: long mode (LME, LMA), SYSCALL (SCE), no-execute (NXE).", (cpu, value) => {
    const changed = value ^ cpu.r64[layout.efer >> 3]!;
    if (changed & ~BigInt(EFER.SCE | EFER.NXE)) return "Only SCE and NXE can be changed here.";
    cpu.flushTlb(true);
    return setQuad(layout.efer)(cpu, value);
  }),
  msr("STAR", layout.star, "C0000081h: selectors of SYSCALL and SYSRET.", setQuad(layout.star)),
  msr("LSTAR", layout.lstar, "C0000082h: RIP of SYSCALL in 64-bit code.", setCanonical(layout.lstar)),
  msr("CSTAR", layout.cstar, "C0000083h: RIP of SYSCALL in compatibility mode.", setCanonical(layout.cstar)),
  msr("FMASK", layout.fmask, "C0000084h: flags that SYSCALL clears.", setQuad(layout.fmask)),
  msr("KERNEL_GS_BASE", layout.kernelGsBase, "C0000102h: what SWAPGS swaps in.", setCanonical(layout.kernelGsBase)),
  msr("SYSENTER_CS", layout.sysenterCs, "174h: code selector of SYSENTER.", setQuad(layout.sysenterCs)),
  msr("SYSENTER_ESP", layout.sysenterEsp, "175h: stack pointer of SYSENTER.", setCanonical(layout.sysenterEsp)),
  msr("SYSENTER_EIP", layout.sysenterEip, "176h: instruction pointer of SYSENTER.", setCanonical(layout.sysenterEip)),
  msr("PAT", layout.pat, "277h: memory types that page table entries choose from."),
  msr("APIC_BASE", layout.apicBase, "1Bh: where the local APIC is."),
  msr("MISC_ENABLE", layout.miscEnable, "1A0h: features switched on."),
  msr("FEATURE_CONTROL", layout.featureControl, "3Ah: whether VMX may be used."),
];

function registersFor(bits: number): readonly Register[] {
  const width = bits === 64 ? 64 : 32;
  return [
    ...general(width),
    pointer(width),
    ...flags(width),
    ...segments,
    ...control(width),
    ...debug,
    ...msrs,
    ...tables,
  ];
}

const sets = { 32: registersFor(32), 64: registersFor(64) };
const setOf = (cpu: Cpu): readonly Register[] => sets[cpu.bits === 64 ? 64 : 32];

/** All registers now: under their 64-bit names in 64-bit code, else under their 32-bit names. */
export const registerViews = (cpu: Cpu): readonly RegisterView[] =>
  setOf(cpu).map(({ name, group, width, doc, get, set }) => ({
    name,
    group,
    width,
    doc,
    value: BigInt.asUintN(width, get(cpu)),
    writable: set !== undefined,
  }));

/** Gives a register a value: true, or why it cannot have it. */
export function setRegister(cpu: Cpu, name: string, value: bigint, peek: Peek): true | string {
  const found = setOf(cpu).find((register) => register.name.toLowerCase() === name.toLowerCase());
  if (!found) return `There is no register ${name} in ${cpu.bits}-bit code.`;
  if (!found.set) return `${found.name} cannot be changed.`;
  if (value < 0n || value >= 1n << BigInt(found.width))
    return `The value does not fit in the ${found.width} bits of ${found.name}.`;
  return found.set(cpu, value, peek);
}
