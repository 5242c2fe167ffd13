import type { Cpu } from "../cpu/cpu.ts";
import { setDebugRegister } from "../cpu/debug-registers.ts";
import { isFault, isUnsupported, vectorName } from "../cpu/fault.ts";
import { layout } from "../cpu/layout.ts";
import { writeCr0, writeCr3, writeCr4 } from "../cpu/modes.ts";
import { msrs } from "../cpu/msr.ts";
import { CR0, EFER } from "../cpu/state.ts";
import { setTaskPriority } from "../cpu/system-calls.ts";
import { vmxOperation } from "../cpu/virtualization.ts";
import type { Register } from "./registers.ts";

const quad = (offset: number) => (cpu: Cpu) => cpu.r64[offset >> 3]!;

/** Does what an instruction does; where that would raise an exception, nothing has changed, and `rule` says why. */
function asInstruction(instruction: string, rule: string, act: () => void): true | string {
  try {
    act();
    return true;
  } catch (thrown) {
    if (isFault(thrown)) return `${instruction} would raise ${vectorName(thrown.vector)}: ${rule}`;
    if (isUnsupported(thrown)) return `Ringside has no ${thrown.what}.`;
    throw thrown;
  }
}

/** Outside IA-32e mode instructions move 32 bits. */
const needsLongMode = (cpu: Cpu, value: bigint): string | undefined =>
  !cpu.longMode && value >> 32n !== 0n ? "Outside long mode this register takes 32 bits." : undefined;

const modeBits = BigInt((CR0.PE | CR0.PG) >>> 0);

function setCr0(cpu: Cpu, value: bigint): true | string {
  if (((value ^ cpu.r64[layout.cr0 >> 3]!) & modeBits) !== 0n)
    return "PE and PG cannot be changed here: let the guest change its mode itself.";
  return asInstruction("MOV to CR0", "bits 63:32 must be 0, and NW needs CD.", () => writeCr0(cpu, value));
}

const setCr3 = (cpu: Cpu, value: bigint): true | string =>
  needsLongMode(cpu, value) ??
  asInstruction(
    "MOV to CR3",
    "bits above the physical address width must be 0, and so must the reserved bits of the entries it points to in PAE paging.",
    () => writeCr3(cpu, value),
  );

const setCr4 = (cpu: Cpu, value: bigint): true | string =>
  asInstruction(
    "MOV to CR4",
    "bits of features that the processor has not must be 0, and PAE must be 1 in long mode.",
    () => writeCr4(cpu, value),
  );

/** Control registers; `bits` is the width of those that have the width of the mode. */
export const controlRegisters = (bits: 32 | 64): readonly Register[] => [
  {
    name: "CR0",
    group: "control",
    width: bits,
    doc: "System control: protected mode, paging, write protection, task switched.",
    get: quad(layout.cr0),
    set: setCr0,
    translation: true,
  },
  {
    name: "CR2",
    group: "control",
    width: 64,
    doc: "Linear address of the last page fault.",
    get: quad(layout.cr2),
    set(cpu, value) {
      const refused = needsLongMode(cpu, value);
      if (refused === undefined) cpu.r64[layout.cr2 >> 3] = value;
      return refused ?? true;
    },
  },
  {
    name: "CR3",
    group: "control",
    width: 64,
    doc: "Physical address of the top page table. Setting it flushes the TLB.",
    get: quad(layout.cr3),
    set: setCr3,
    translation: true,
  },
  {
    name: "CR4",
    group: "control",
    width: 64,
    doc: "Extensions: PSE, PAE, PGE, VMXE and others.",
    get: quad(layout.cr4),
    set: setCr4,
    translation: true,
  },
  {
    name: "CR8",
    group: "control",
    width: 64,
    doc: "Task priority.",
    get: quad(layout.cr8),
    set: (cpu, value) =>
      asInstruction("MOV to CR8", "the task priority is at most 15.", () => setTaskPriority(cpu, value)),
  },
];

export const debugRegisters: readonly Register[] = [0, 1, 2, 3, 6, 7].map((number) => ({
  name: `DR${number}`,
  group: "debug",
  width: 64,
  doc: number < 4 ? `Address of breakpoint ${number}.` : number === 6 ? "Debug status." : "Debug control.",
  get: quad(layout.debug + 8 * number),
  set: (cpu, value) =>
    needsLongMode(cpu, value) ??
    asInstruction(`MOV to DR${number}`, "bits 63:32 must be 0.", () => setDebugRegister(cpu, number, value)),
}));

/** VMX operation of software's own hypervisor, while there is any. */
export const vmxRegisters: readonly Register[] = [
  {
    name: "VMX operation",
    group: "control",
    width: 2,
    doc: "Whether the processor is in VMX root operation (1), the hypervisor's, or in non-root operation (2), its guest's.",
    get: (cpu) => BigInt(cpu.vmxOperation),
    text: (cpu) => (cpu.vmxOperation === vmxOperation.root ? "root" : "non-root"),
  },
  {
    name: "VMXON pointer",
    group: "control",
    width: 64,
    doc: "Physical address of the VMXON region.",
    get: quad(layout.vmxonPointer),
  },
  {
    name: "VMCS pointer",
    group: "control",
    width: 64,
    doc: "Physical address of the current VMCS; all ones if there is none.",
    get: quad(layout.vmcsPointer),
  },
];

const modeEfer = BigInt(EFER.LME | EFER.LMA);

const rules: Readonly<Record<string, string>> = {
  IA32_EFER: "only SCE, LME, LMA and NXE exist.",
  IA32_PAT: "each byte must be a memory type: 0, 1, 4, 5, 6 or 7.",
};
const otherRule = "an address must be canonical (bits 63:47 all alike), other values must fit in 32 bits.";

/** Those that RDMSR and WRMSR know. */
export const msrRegisters: readonly Register[] = msrs
  .filter(({ minor }) => !minor)
  .map(({ number, name, doc, read, write }) => ({
    name,
    group: "msr",
    width: 64,
    doc: `${number.toString(16).toUpperCase()}h: ${doc}`,
    get: read,
    set(cpu, value) {
      if (name === "IA32_EFER" && ((value ^ read(cpu)) & modeEfer) !== 0n)
        return "LME and LMA cannot be changed here: let the guest change its mode itself.";
      return asInstruction("WRMSR", rules[name] ?? otherRule, () => write(cpu, value));
    },
    ...(name === "IA32_EFER" ? { translation: true } : {}),
  }));
