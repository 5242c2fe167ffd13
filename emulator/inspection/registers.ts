import { type FlagName, flagBits, flagMask } from "../../isa/flags.ts";
import { registerName, segmentNames } from "../../isa/registers.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { accessBits, layout } from "../cpu/layout.ts";
import { CS, SS, segmentNumber, signedNumber, unsigned64 } from "../cpu/state.ts";
import { vmxOperation } from "../cpu/virtualization.ts";
import type { RegisterGroup, RegisterView } from "../machine-interface.ts";
import { floatingPointRegisters } from "./floating-point-registers.ts";
import { type Peek, setSegmentSelector } from "./segment-registers.ts";
import { controlRegisters, debugRegisters, msrRegisters, vmxRegisters } from "./system-registers.ts";

/** A register of the state block. */
export interface Register {
  readonly name: string;
  readonly group: RegisterGroup;
  readonly width: number;
  readonly doc: string;
  readonly get: (cpu: Cpu) => bigint;
  /** The value in other words. */
  readonly text?: (cpu: Cpu) => string;
  /** True, or why the value is not allowed. The value fits the width. */
  readonly set?: (cpu: Cpu, value: bigint, peek: Peek) => true | string;
  /** Setting it makes cached address translations invalid. */
  readonly translation?: boolean;
}

const word = (offset: number) => (cpu: Cpu) => BigInt(cpu.u32[offset >> 2]!);
const quad = (offset: number) => (cpu: Cpu) => cpu.r64[offset >> 3]!;
const isCanonical = (value: bigint): boolean => BigInt.asUintN(64, BigInt.asIntN(48, value)) === value;

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

const table = (name: "GDTR" | "IDTR", base: number, limit: number, doc: string): readonly Register[] => [
  {
    name: `${name}.base`,
    group: "table",
    width: 64,
    doc,
    get: quad(base),
    set(cpu, value) {
      if (cpu.longMode ? !isCanonical(value) : value >> 32n !== 0n)
        return "The address must be canonical in long mode (bits 63:47 all alike), and fit in 32 bits outside it.";
      cpu.r64[base >> 3] = value;
      return true;
    },
  },
  {
    name: `${name}.limit`,
    group: "table",
    width: 16,
    doc: "Last valid offset in it.",
    get: word(limit),
    set(cpu, value) {
      cpu.u32[limit >> 2] = Number(value);
      return true;
    },
  },
];

const tables: readonly Register[] = [
  ...table("GDTR", layout.gdtrBase, layout.gdtrLimit, "Global descriptor table."),
  ...table("IDTR", layout.idtrBase, layout.idtrLimit, "Interrupt descriptor table."),
];

function registersFor(bits: number): readonly Register[] {
  const width = bits === 64 ? 64 : 32;
  return [
    ...general(width),
    pointer(width),
    ...flags(width),
    ...segments,
    ...controlRegisters(width),
    ...debugRegisters,
    ...msrRegisters,
    ...tables,
    ...floatingPointRegisters(width),
  ];
}

const sets = { 32: registersFor(32), 64: registersFor(64) };
const inVmx = { 32: [...sets[32], ...vmxRegisters], 64: [...sets[64], ...vmxRegisters] };
const setOf = (cpu: Cpu): readonly Register[] =>
  (cpu.vmxOperation === vmxOperation.off ? sets : inVmx)[cpu.bits === 64 ? 64 : 32];

const viewsOf = (cpu: Cpu): RegisterView[] =>
  setOf(cpu).map(({ name, group, width, doc, get, set, text }) => ({
    name,
    group,
    width,
    doc,
    value: BigInt.asUintN(width, get(cpu)),
    ...(text && { text: text(cpu) }),
    writable: set !== undefined,
  }));

/**
 * All registers now, as the guest's machine has them: under their 64-bit names in 64-bit code, else under their 32-bit
 * names. Where a hypervisor makes the processor hold another value while the guest runs, that follows as "CR0 (real)".
 */
export function registerViews(cpu: Cpu): readonly RegisterView[] {
  const real = viewsOf(cpu);
  if (!cpu.monitor) return real;
  return cpu.monitor.viewGuest(() => viewsOf(cpu)).flatMap((view, n) => withReal(view, real[n]!));
}

function withReal(view: RegisterView, real: RegisterView): readonly RegisterView[] {
  const isPart = view.name.includes(".") && view.group !== "table";
  if (isPart || view.value === real.value) return [view];
  const doc = `What the processor really holds in ${view.name} while the guest runs.`;
  return [view, { ...real, name: `${view.name} (real)`, doc, writable: false }];
}

/** The value of a register of the guest's machine, as `registerViews` gives it; undefined if there is none of this name now. */
export function registerValue(cpu: Cpu, name: string): bigint | undefined {
  const found = setOf(cpu).find((register) => register.name === name);
  return found && (cpu.monitor ? cpu.monitor.viewGuest(() => found.get(cpu)) : found.get(cpu));
}

/** Gives a register of the guest's machine a value: true, or why it cannot have it. */
export function setRegister(cpu: Cpu, name: string, value: bigint, peek: Peek): true | string {
  const found = setOf(cpu).find((register) => register.name.toLowerCase() === name.toLowerCase());
  if (!found) return `There is no register ${name} in ${cpu.bits}-bit code.`;
  const { set, width, translation = false } = found;
  if (!set) return `${found.name} cannot be changed.`;
  if (value < 0n || value >= 1n << BigInt(width))
    return `The value does not fit in the ${width} bits of ${found.name}.`;
  const change = () => set(cpu, value, peek);
  return cpu.monitor ? cpu.monitor.changeGuest(change, translation) : change();
}
