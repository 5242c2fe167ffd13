import { decode } from "../../../isa/decode.ts";
import { format } from "../../../isa/format.ts";
import type { Privilege } from "../../../isa/instruction.ts";
import type { Decoded } from "../../../isa/operands.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { isFault, vector, vectorName } from "../../cpu/fault.ts";
import type { Fault } from "../../cpu/monitor.ts";
import { privilegeAllows } from "../../cpu/privilege.ts";
import type { ExitNumbers, Field, Later, Why } from "../../trace/event.ts";
import type { ExitBody } from "../dispatcher.ts";
import { faultAddress } from "./saved-fault.ts";

const hex = (value: number | bigint): string => `${BigInt.asUintN(64, BigInt(value)).toString(16).toUpperCase()}h`;

const sources = {
  deprivileging: "Popek and Goldberg, CACM 1974",
  protection: "SDM Vol. 3, 5.9: Privileged Instructions",
  io: "SDM Vol. 1, 19.5: Protected-Mode I/O",
  gates: "SDM Vol. 3, 6.12.1: Exception- or Interrupt-Handler Procedures",
  stackSelector: "SDM Vol. 3, 5.7: Privilege Level Checking When Loading the SS Register",
  transfer: "SDM Vol. 3, 5.8: Privilege Level Checking When Transferring Program Control Between Code Segments",
  selectors: "SDM Vol. 3, 5.6: Privilege Level Checking When Accessing Data Segments",
  shadow: "SDM Vol. 3, 4.7: Page-Fault Exceptions; Bugnion, Nieh and Tsafrir 2017, chapter 3",
  systemCalls: "SDM Vol. 3, 5.8.8: Fast System Calls in 64-Bit Mode",
  exceptions: "SDM Vol. 3, 6.12: Exception and Interrupt Handling",
} as const;

/** The instruction at RIP; undefined where its bytes cannot be fetched or are none. */
export function instructionAt(cpu: Cpu): Decoded | undefined {
  try {
    const known = cpu.decodedInstruction?.();
    if (known) return known;
    const decoded = decode((at) => cpu.fetch8(cpu.rip + at), 0, cpu.bits);
    return typeof decoded === "string" ? undefined : decoded;
  } catch (thrown) {
    if (isFault(thrown)) return undefined;
    throw thrown;
  }
}

/** Error code 8n + 2: the exception names a gate of the IDT. */
export const gateErrorCode = (number: number): number => number * 8 + 2;

const errorCodeField = (errorCode: number): Field => ({ name: "Error code", value: hex(errorCode), bits: "31:0" });
const errorCodeFields = ({ qualification }: ExitNumbers): Field[] => [errorCodeField(Number(qualification))];
const noFields: readonly Field[] = [];

const pageFaultBits = [
  ["Page present", 0],
  ["Write", 1],
  ["User mode", 2],
  ["Reserved bit set", 3],
  ["Instruction fetch", 4],
] as const;

const pageFaultFieldsLong = (numbers: ExitNumbers): Field[] =>
  pageFaultFields(numbers).map((field, n) => (n === 0 ? { ...field, bits: "63:0" } : field));

/** Of a page fault the qualification is the error code, `first` the linear address, `second` the shadow entry. */
const pageFaultFields = ({ qualification, first }: ExitNumbers): Field[] => [
  { name: "Linear address (CR2)", value: hex(first), bits: "31:0" },
  ...pageFaultBits.map(([name, bit]) => ({
    name,
    value: ((Number(qualification) >> bit) & 1) === 1 ? "yes" : "no",
    bits: `${bit}`,
  })),
];

const pageFaultText = ({ qualification, first }: ExitNumbers): string =>
  `${(qualification & 2n) !== 0n ? "write" : "read or fetch"} at linear ${hex(first)}`;

/** INT n, INT3 and INTO: the real IDT has gates of DPL 0, so that they fault. */
function softwareInterrupt(cpu: Cpu, fault: Fault): ExitBody {
  const errorCode = gateErrorCode(fault.vector);
  return {
    reason: "#GP",
    number: -1,
    qualification: errorCode,
    fields: [errorCodeField(errorCode)],
    what: textAt(cpu, `int ${hex(fault.vector)}`),
    why: {
      sentence: `The gate for vector ${hex(fault.vector)} in the VMM's IDT is for ring 0, and the guest runs at CPL ${cpu.cpl}.`,
      rule: `shadow IDT, gate ${hex(fault.vector)}: DPL 0 < CPL ${cpu.cpl}, so #GP(${hex(errorCode)})`,
      source: sources.gates,
    },
  };
}

function textAt(cpu: Cpu, otherwise: string): string {
  const decoded = instructionAt(cpu);
  return decoded ? format(decoded) : otherwise;
}

/** What is said of an instruction that traps: the same each time, so that little is kept of an exit. */
interface InstructionTexts {
  readonly decoded: Decoded;
  readonly what: () => string;
  /** Why its privilege refuses it, by CPL and IOPL. */
  readonly refusals: (Why | undefined)[];
}
const instructionTexts = new WeakMap<Decoded, InstructionTexts>();

function textsOf(decoded: Decoded): InstructionTexts {
  const known = instructionTexts.get(decoded);
  if (known) return known;
  const made = { decoded, what: () => format(decoded), refusals: [] };
  instructionTexts.set(decoded, made);
  return made;
}

/** Why a #GP or another fault that ring compression can cause arose; `kernel`: in what believes to be the kernel. */
function compression(cpu: Cpu, fault: Fault, { decoded, refusals }: InstructionTexts, kernel: boolean): Later<Why> {
  const { privilege, mnemonic } = decoded.row;
  const { cpl, iopl } = cpu;
  if (isSystemCall(decoded)) return systemCallWhy;
  if (privilegeAllows(cpu, privilege, decoded))
    return () => byTables(cpl, fault, mnemonic.toUpperCase(), format(decoded));
  const level = 8 * cpl + 2 * iopl + (kernel ? 1 : 0);
  refusals[level] ??= refused(privilege, mnemonic.toUpperCase(), { cpl, iopl, kernel });
  return refusals[level];
}

const isSystemCall = ({ row }: Decoded): boolean => row.mnemonic === "syscall";

/** SYSCALL would enter the real CPL 0, at an address that the guest chooses. */
export const systemCallWhy: Why = {
  sentence:
    "The VMM keeps SYSCALL disabled, for it would lead to the real CPL 0: it raises #UD, and the VMM makes the system call for the guest.",
  rule: "real IA32_EFER.SCE = 0",
  source: sources.systemCalls,
};

interface RealLevel {
  readonly cpl: number;
  readonly iopl: number;
  readonly kernel: boolean;
}

function refused(privilege: Privilege, name: string, { cpl, iopl, kernel }: RealLevel): Why {
  if (privilege === "iopl" || privilege === "io")
    return {
      sentence: `${name} needs CPL ≤ IOPL; the guest runs at CPL ${cpl} with IOPL ${iopl}.`,
      rule:
        privilege === "io"
          ? `CPL ${cpl} > IOPL ${iopl}, and the I/O bitmap of the VMM's TSS allows no port`
          : `CPL ${cpl} > IOPL ${iopl}`,
      source: privilege === "io" ? sources.io : sources.protection,
    };
  const who = kernel
    ? `The guest's kernel believes to be at CPL 0, but runs at CPL ${cpl}.`
    : "The guest's process runs at CPL 3.";
  return { sentence: `${name} is privileged. ${who}`, rule: `CPL ${cpl} > 0`, source: sources.deprivileging };
}

/** What the VMM's descriptor tables and the real CPL refuse, and the guest's would not. */
function byTables(cpl: number, fault: Fault, name: string, text: string): Why {
  const code = hex(fault.errorCode ?? 0);
  if (fault.vector === vector.NP)
    return {
      sentence: `${name} uses a descriptor that the VMM marks not present while the guest's kernel runs, to see every transfer to other rings, gates and tasks.`,
      rule: `shadow descriptor ${code}: P = 0`,
      source: sources.transfer,
    };
  if (/\bss\b/.test(text))
    return {
      sentence: `SS takes a selector whose RPL is the CPL; the guest gives RPL 0, and runs at CPL ${cpl}.`,
      rule: `selector ${code}: RPL 0 ≠ CPL ${cpl}`,
      source: sources.stackSelector,
    };
  if (name.startsWith("IRET") || name === "RETF")
    return {
      sentence: `${name} would return to a more privileged level: the selector on the stack has RPL 0, and the guest runs at CPL ${cpl}.`,
      rule: `selector ${code}: RPL 0 < CPL ${cpl}`,
      source: sources.transfer,
    };
  return {
    sentence: `${name} met a descriptor, selector or limit that the processor refuses at CPL ${cpl}.`,
    rule: `${vectorName(fault.vector)}(${code}) at CPL ${cpl}`,
    source: sources.selectors,
  };
}

function pageFaultWhy({ qualification, second: entry }: ExitNumbers): Why {
  const present = (entry & 1) !== 0;
  const write = (qualification & 2n) !== 0n;
  return {
    sentence: present
      ? `The shadow page-table entry does not allow the ${write ? "write" : "access"}.`
      : "The shadow page tables have no entry for the address.",
    rule: `shadow entry = ${hex(entry)}: P = ${entry & 1}, R/W = ${(entry >> 1) & 1}, U/S = ${(entry >> 2) & 1}`,
    source: sources.shadow,
  };
}

/**
 * The exit event of an exception that took the guest to the VMM. `entry` is the shadow entry of the faulting address; `kernel`:
 * in what believes to be the kernel.
 */
export function describeTrap(cpu: Cpu, fault: Fault, entry: number, kernel = cpu.cpl < 3): ExitBody {
  if (fault.source !== "hardware") return softwareInterrupt(cpu, fault);
  const { errorCode } = fault;
  const decoded = instructionAt(cpu);
  const reason = vectorName(fault.vector);
  const base = { reason, number: -1, qualification: errorCode ?? 0 };
  if (fault.vector === vector.PF) {
    const numbers = { first: faultAddress(fault.address ?? 0n), second: entry };
    return {
      ...base,
      fields: cpu.longMode ? pageFaultFieldsLong : pageFaultFields,
      what: pageFaultText,
      why: pageFaultWhy,
      ...numbers,
    };
  }
  const fields = errorCode === undefined ? noFields : errorCodeFields;
  const texts = decoded && textsOf(decoded);
  const why = texts && isCompressed(fault, decoded) ? compression(cpu, fault, texts, kernel) : otherWhy(fault.vector);
  return { ...base, fields, what: texts?.what ?? reason, why };
}

const otherWhys = new Map<number, Why>();

function otherWhy(number: number): Why {
  const known = otherWhys.get(number);
  if (known) return known;
  const made: Why = {
    sentence: "Every exception goes to the VMM, which owns the real IDT and passes on what is the guest's.",
    rule: `real IDT, gate ${hex(number)}: the VMM's`,
    source: sources.exceptions,
  };
  otherWhys.set(number, made);
  return made;
}

/** Exceptions that an instruction may raise only because it runs at another ring than the guest believes. */
const compressible: ReadonlySet<number> = new Set([vector.GP, vector.NP, vector.SS, vector.TS]);

/** Whether the fault may come from the ring: STAC, MONITOR and others raise #UD outside ring 0, and SYSCALL where it is disabled. */
export const isCompressed = (fault: Fault, decoded: Decoded | undefined): boolean =>
  compressible.has(fault.vector) ||
  (fault.vector === vector.UD &&
    decoded !== undefined &&
    (decoded.row.privilege === "cpl0-ud" || isSystemCall(decoded)));

/** The exit event of an NMI. */
export const describeNmi: ExitBody = {
  reason: "NMI",
  number: -1,
  qualification: 0,
  fields: [],
  what: "an NMI of the machine",
  why: {
    sentence: "An NMI of the machine goes to the VMM, which owns the real IDT and delivers it to the guest.",
    rule: "real IDT, gate 2h: the VMM's",
    source: sources.exceptions,
  },
};

/** The exit event of an interrupt of the machine. */
export const describeInterrupt = (interruptible: boolean): ExitBody => ({
  reason: "INTR",
  number: -1,
  qualification: 0,
  fields: [],
  what: "an interrupt of the machine",
  why: {
    sentence: interruptible
      ? "An interrupt of the machine goes to the VMM, which delivers it to the guest."
      : "An interrupt of the machine goes to the VMM; the guest has interrupts disabled, so the VMM holds it back.",
    rule: `real IF = 1, the guest's IF = ${interruptible ? 1 : 0}`,
    source: sources.exceptions,
  },
});
