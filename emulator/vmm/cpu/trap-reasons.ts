import { decode } from "../../../isa/decode.ts";
import { format } from "../../../isa/format.ts";
import type { Decoded } from "../../../isa/operands.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { isFault, vector, vectorName } from "../../cpu/fault.ts";
import type { Fault } from "../../cpu/monitor.ts";
import { privilegeAllows } from "../../cpu/privilege.ts";
import type { Field, Why } from "../../trace/event.ts";
import type { ExitBody } from "../dispatcher.ts";

const hex = (value: number | bigint): string => `${value.toString(16).toUpperCase()}h`;

const sources = {
  deprivileging: "Popek and Goldberg, CACM 1974",
  protection: "SDM Vol. 3, 5.9: Privileged Instructions",
  io: "SDM Vol. 1, 19.5: Protected-Mode I/O",
  gates: "SDM Vol. 3, 6.12.1: Exception- or Interrupt-Handler Procedures",
  stackSelector: "SDM Vol. 3, 5.7: Privilege Level Checking When Loading the SS Register",
  transfer: "SDM Vol. 3, 5.8: Privilege Level Checking When Transferring Program Control Between Code Segments",
  selectors: "SDM Vol. 3, 5.6: Privilege Level Checking When Accessing Data Segments",
  shadow: "SDM Vol. 3, 4.7: Page-Fault Exceptions; Bugnion, Nieh and Tsafrir 2017, chapter 3",
  exceptions: "SDM Vol. 3, 6.12: Exception and Interrupt Handling",
} as const;

/** The instruction at RIP; undefined where its bytes cannot be fetched or are none. */
export function instructionAt(cpu: Cpu): Decoded | undefined {
  try {
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

const pageFaultBits = [
  ["Page present", 0],
  ["Write", 1],
  ["User mode", 2],
  ["Reserved bit set", 3],
  ["Instruction fetch", 4],
] as const;

const pageFaultFields = ({ errorCode, address }: Fault): Field[] => [
  { name: "Linear address (CR2)", value: hex(address ?? 0n), bits: "31:0" },
  ...pageFaultBits.map(([name, bit]) => ({
    name,
    value: (((errorCode ?? 0) >> bit) & 1) === 1 ? "yes" : "no",
    bits: `${bit}`,
  })),
];

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

/** Why a #GP or another fault that ring compression can cause arose. */
function compression(cpu: Cpu, fault: Fault, decoded: Decoded): Why {
  const { privilege } = decoded.row;
  const name = decoded.row.mnemonic.toUpperCase();
  const { cpl, iopl } = cpu;
  if (!privilegeAllows(cpu, privilege, decoded)) {
    if (privilege === "iopl" || privilege === "io")
      return {
        sentence: `${name} needs CPL ≤ IOPL; the guest runs at CPL ${cpl} with IOPL ${iopl}.`,
        rule:
          privilege === "io"
            ? `CPL ${cpl} > IOPL ${iopl}, and the I/O bitmap of the VMM's TSS allows no port`
            : `CPL ${cpl} > IOPL ${iopl}`,
        source: privilege === "io" ? sources.io : sources.protection,
      };
    const kernel =
      cpl === 1
        ? "The guest's kernel believes to be at CPL 0, but runs at CPL 1."
        : "The guest's process runs at CPL 3.";
    return { sentence: `${name} is privileged. ${kernel}`, rule: `CPL ${cpl} > 0`, source: sources.deprivileging };
  }
  return byTables(cpu, fault, name, format(decoded));
}

/** What the VMM's descriptor tables and the real CPL refuse, and the guest's would not. */
function byTables({ cpl }: Cpu, fault: Fault, name: string, text: string): Why {
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

function pageFaultWhy(fault: Fault, entry: number): Why {
  const present = (entry & 1) !== 0;
  const write = ((fault.errorCode ?? 0) & 2) !== 0;
  return {
    sentence: present
      ? `The shadow page-table entry does not allow the ${write ? "write" : "access"}.`
      : "The shadow page tables have no entry for the address.",
    rule: `shadow entry = ${hex(entry)}: P = ${entry & 1}, R/W = ${(entry >> 1) & 1}, U/S = ${(entry >> 2) & 1}`,
    source: sources.shadow,
  };
}

/** The exit event of an exception that took the guest to the VMM. `entry` is the shadow entry of the faulting address. */
export function describeTrap(cpu: Cpu, fault: Fault, entry: number): ExitBody {
  if (fault.source !== "hardware") return softwareInterrupt(cpu, fault);
  const { errorCode } = fault;
  const decoded = instructionAt(cpu);
  const base = {
    reason: vectorName(fault.vector),
    number: -1,
    qualification: errorCode ?? 0,
    fields: errorCode === undefined ? [] : [errorCodeField(errorCode)],
    what: () => (decoded ? format(decoded) : vectorName(fault.vector)),
  };
  if (fault.vector === vector.PF) {
    const access = ((errorCode ?? 0) & 2) !== 0 ? "write" : "read or fetch";
    const what = () => `${access} at linear ${hex(fault.address ?? 0n)}`;
    return { ...base, fields: () => pageFaultFields(fault), what, why: () => pageFaultWhy(fault, entry) };
  }
  if (decoded && isCompressed(fault, decoded)) return { ...base, why: compression(cpu, fault, decoded) };
  const why: Why = {
    sentence: "Every exception goes to the VMM, which owns the real IDT and passes on what is the guest's.",
    rule: `real IDT, gate ${hex(fault.vector)}: the VMM's`,
    source: sources.exceptions,
  };
  return { ...base, why };
}

/** Exceptions that an instruction may raise only because it runs at another ring than the guest believes. */
const compressible: ReadonlySet<number> = new Set([vector.GP, vector.NP, vector.SS, vector.TS]);

/** Whether the fault may come from the ring: STAC, MONITOR and others raise #UD outside ring 0. */
export const isCompressed = (fault: Fault, decoded: Decoded | undefined): boolean =>
  compressible.has(fault.vector) || (fault.vector === vector.UD && decoded?.row.privilege === "cpl0-ud");

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
