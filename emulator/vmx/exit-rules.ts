import { hex } from "./bit-layout.ts";
import { type Control, type ControlName, controlRule, controls, controlText, inForce, isOn } from "./controls.ts";
import { type Decision, manual } from "./exit-decision.ts";
import { type ApicAttempt, apicRule } from "./exit-rules-apic.ts";
import { functionRule, logRule, pauseRule } from "./exit-rules-features.ts";
import { type CrAccess, crRule } from "./exit-rules-registers.ts";
import type { PauseTimes } from "./pause-loop.ts";
import type { FunctionCall } from "./vm-functions.ts";
import type { Vmcs } from "./vmcs.ts";
import { encodingText, type VmcsField } from "./vmcs-fields.ts";

/** Something the guest is about to do that may make it leave VMX non-root operation. */
export type Attempt =
  | { readonly reason: "CPUID" | "INVD" | "VMCALL" | "XSETBV" | "TRIPLE_FAULT" | "TASK_SWITCH" }
  | { readonly reason: VmxInstruction }
  | { readonly reason: SimpleReason }
  | ({ readonly reason: "PAUSE" } & PauseTimes)
  | ({ readonly reason: "VMFUNC" } & FunctionCall)
  | { readonly reason: "PML_LOGFULL"; readonly index: number }
  | ApicAttempt
  | { readonly reason: "CR_ACCESS"; readonly register: number; readonly access: CrAccess; readonly value: bigint }
  | { readonly reason: "IO_INSTRUCTION"; readonly port: number; readonly bytes: number }
  | { readonly reason: "RDMSR" | "WRMSR"; readonly msr: number }
  | { readonly reason: "EXCEPTION_NMI"; readonly vector: number; readonly errorCode: number | undefined };

/** VMX instructions that leave non-root operation whatever the controls say; VMREAD and VMWRITE unless VMCSs are shadowed. */
export const vmxInstructions = [
  "VMCLEAR",
  "VMLAUNCH",
  "VMPTRLD",
  "VMPTRST",
  "VMREAD",
  "VMRESUME",
  "VMWRITE",
  "VMXOFF",
  "VMXON",
  "INVEPT",
  "INVVPID",
] as const;
export type VmxInstruction = (typeof vmxInstructions)[number];

/** Host-physical memory as the rules read it: one byte, unsigned. */
export type ReadByte = (address: number) => number;

/** Exits that one control bit decides: what happens if it is 1, and if it is 0. */
const simple = {
  HLT: [
    "hltExiting",
    "HLT leaves the guest, so that the VMM can give the processor to somebody else.",
    "HLT halts inside the guest; the VMM does not see it.",
  ],
  INVLPG: [
    "invlpgExiting",
    "INVLPG leaves the guest, as a VMM with shadow page tables needs.",
    "INVLPG acts on the guest's own translations; the VMM need not see it.",
  ],
  RDPMC: ["rdpmcExiting", "RDPMC leaves the guest.", "RDPMC reads the counter directly."],
  RDTSC: [
    "rdtscExiting",
    "RDTSC leaves the guest, so the VMM decides what time it is.",
    "RDTSC reads the counter plus the TSC offset without the VMM.",
  ],
  RDTSCP: [
    "rdtscExiting",
    "RDTSCP leaves the guest, so the VMM decides what time it is.",
    "RDTSCP reads the counter plus the TSC offset without the VMM.",
  ],
  INVPCID: [
    "invlpgExiting",
    "INVPCID leaves the guest, as a VMM with shadow page tables needs.",
    "INVPCID acts on the guest's own translations; the VMM need not see it.",
  ],
  MONITOR: ["monitorExiting", "MONITOR leaves the guest.", "MONITOR watches the line for the guest."],
  MWAIT: [
    "mwaitExiting",
    "MWAIT leaves the guest, so that the VMM can give the processor to somebody else.",
    "MWAIT waits inside the guest; the VMM does not see it.",
  ],
  RDRAND: ["rdrandExiting", "RDRAND leaves the guest.", "RDRAND reads the processor's random numbers directly."],
  RDSEED: ["rdseedExiting", "RDSEED leaves the guest.", "RDSEED reads the processor's random numbers directly."],
  WBINVD: ["wbinvdExiting", "WBINVD leaves the guest.", "WBINVD runs natively."],
  DR_ACCESS: ["movDrExiting", "Access to a debug register leaves the guest.", "Debug registers belong to the guest."],
  GDTR_IDTR_ACCESS: [
    "descriptorTableExiting",
    "Access to GDTR or IDTR leaves the guest.",
    "GDTR and IDTR belong to the guest.",
  ],
  LDTR_TR_ACCESS: [
    "descriptorTableExiting",
    "Access to LDTR or TR leaves the guest.",
    "LDTR and TR belong to the guest.",
  ],
  EXTERNAL_INTERRUPT: [
    "externalInterruptExiting",
    "An interrupt of the machine belongs to the VMM, whatever the guest's IF says.",
    "Interrupts of the machine go through the guest's IDT.",
  ],
  NMI: ["nmiExiting", "An NMI of the machine belongs to the VMM.", "NMIs of the machine go through the guest's IDT."],
  INTERRUPT_WINDOW: [
    "interruptWindowExiting",
    "The guest can take an interrupt now, and the VMM has asked to be told.",
    "The VMM has not asked to be told when the guest can take an interrupt.",
  ],
  NMI_WINDOW: [
    "nmiWindowExiting",
    "The guest can take an NMI now, and the VMM has asked to be told.",
    "The VMM has not asked to be told when the guest can take an NMI.",
  ],
  VMX_PREEMPTION_TIMER_EXPIRED: [
    "preemptionTimer",
    "The time that the VMM has given the guest is over.",
    "The VMM has set no limit to the time that the guest runs.",
  ],
  MONITOR_TRAP_FLAG: [
    "monitorTrapFlag",
    "The guest leaves after each instruction: so a VMM steps through it, and the guest does not notice.",
    "The VMM does not step through the guest.",
  ],
} as const satisfies Record<string, readonly [ControlName, string, string]>;
type SimpleReason = keyof typeof simple;

/** The control that alone decides about exits of a reason; undefined where it is not one alone. */
export const controlOf = (reason: string): ControlName | undefined =>
  Object.hasOwn(simple, reason) ? simple[reason as SimpleReason][0] : undefined;

/** Those that no instruction attempts. */
const events: ReadonlySet<SimpleReason> = new Set<SimpleReason>([
  "EXTERNAL_INTERRUPT",
  "NMI",
  "INTERRUPT_WINDOW",
  "NMI_WINDOW",
  "VMX_PREEMPTION_TIMER_EXPIRED",
  "MONITOR_TRAP_FLAG",
]);

/** Decisions that say the same every time, made once. */
const simpleDecisions = new Map<string, { readonly yes: Decision; readonly no: Decision; readonly control: Control }>();

function simpleRule(vmcs: Vmcs, reason: SimpleReason): Decision {
  let known = simpleDecisions.get(reason);
  if (!known) {
    const control = controls[simple[reason][0]];
    known = { yes: makeSimple(reason, true), no: makeSimple(reason, false), control };
    simpleDecisions.set(reason, known);
  }
  return inForce(vmcs, known.control) ? known.yes : known.no;
}

function makeSimple(reason: SimpleReason, exits: boolean): Decision {
  const [control, yes, no] = simple[reason];
  const source = events.has(reason) ? manual.other : manual.conditional;
  return { exits, why: { sentence: exits ? yes : no, rule: controlText(control, exits), source } };
}

const alwaysSentence: Readonly<Record<string, string>> = {
  TRIPLE_FAULT: "A triple fault always leaves the guest.",
  TASK_SWITCH: "A hardware task switch always leaves the guest.",
};

const alwaysDecisions = new Map<string, Decision>();

function alwaysRule(reason: string): Decision {
  const known = alwaysDecisions.get(reason);
  if (known) return known;
  const made = makeAlwaysRule(reason);
  alwaysDecisions.set(reason, made);
  return made;
}

const makeAlwaysRule = (reason: string): Decision => ({
  exits: true,
  why: {
    sentence: alwaysSentence[reason] ?? `${reason} always leaves the guest; no control can prevent it.`,
    rule: "no control: unconditional",
    source: alwaysSentence[reason] ? manual.other : manual.always,
  },
});

/** VMREAD and VMWRITE: without shadowing, which our processor does not have, they always leave the guest. */
const shadowRule = (vmcs: Vmcs, reason: "VMREAD" | "VMWRITE"): Decision => ({
  exits: true,
  why: {
    sentence: `${reason} leaves the guest, for the guest's VMCS is not shadowed.`,
    rule: controlRule(vmcs, "vmcsShadowing"),
    source: manual.conditional,
  },
});

function ioRule(vmcs: Vmcs, read: ReadByte, port: number, bytes: number): Decision {
  if (!inForce(vmcs, controls.ioBitmaps)) {
    const exits = isOn(vmcs, "unconditionalIoExiting");
    const sentence = exits ? "Every I/O instruction leaves the guest." : "No I/O instruction leaves the guest.";
    return { exits, why: { sentence, rule: controlRule(vmcs, "unconditionalIoExiting"), source: manual.conditional } };
  }
  if (port + bytes > 0x10000) return wrapped;
  for (let n = port; n < port + bytes; n++) if (inIoBitmap(vmcs, read, n)) return ioDecision(n, true);
  return ioDecision(port, false);
}

const wrapped: Decision = {
  exits: true,
  why: {
    sentence: "The access wraps around port FFFFh.",
    rule: "access wraps past port FFFFh",
    source: manual.ioBitmaps,
  },
};

/** Bitmap A covers ports 0 to 7FFFh, B the rest. */
function inIoBitmap(vmcs: Vmcs, read: ReadByte, port: number): boolean {
  const start = vmcs.address64(port < 0x8000 ? "ioBitmapA" : "ioBitmapB");
  return ((read(start + ((port & 0x7fff) >> 3)) >> (port & 7)) & 1) === 1;
}

const ioDecisions = new Map<number, Decision>();

function ioDecision(port: number, exits: boolean): Decision {
  const key = port * 2 + (exits ? 1 : 0);
  const known = ioDecisions.get(key);
  if (known) return known;
  const made = makeIoDecision(port, exits);
  ioDecisions.set(key, made);
  return made;
}

function makeIoDecision(port: number, exits: boolean): Decision {
  const [field, name]: [VmcsField, string] = port < 0x8000 ? ["ioBitmapA", "A"] : ["ioBitmapB", "B"];
  const byte = (port & 0x7fff) >> 3;
  const sentence = exits
    ? `The bit of port ${hex(port)} in the I/O bitmap is 1.`
    : `The I/O bitmap lets port ${hex(port)} through.`;
  const rule = `I/O bitmap ${name} (${encodingText(field)}), byte ${hex(byte)}, bit ${port & 7} = ${exits ? 1 : 0}`;
  return { exits, why: { sentence, rule, source: manual.ioBitmaps } };
}

function msrRule(vmcs: Vmcs, read: ReadByte, msr: number, write: boolean): Decision {
  if (!isOn(vmcs, "msrBitmaps"))
    return {
      exits: true,
      why: {
        sentence: "Without MSR bitmaps every RDMSR and WRMSR leaves the guest.",
        rule: controlRule(vmcs, "msrBitmaps"),
        source: manual.conditional,
      },
    };
  const verb = write ? "write" : "read";
  const low = msr <= 0x1fff;
  if (!low && (msr < 0xc0000000 || msr > 0xc0001fff))
    return {
      exits: true,
      why: {
        sentence: `MSR ${hex(msr)} has no bit in the MSR bitmaps, so accesses to it always leave the guest.`,
        rule: "MSR outside 0 to 1FFFh and C0000000h to C0001FFFh",
        source: manual.msrBitmaps,
      },
    };
  const byte = (low ? 0 : 1024) + (write ? 2048 : 0) + ((msr & 0x1fff) >> 3);
  const set = (read(Number(vmcs.get("msrBitmaps")) + byte) >> (msr & 7)) & 1;
  return {
    exits: set === 1,
    why: {
      sentence: `The ${verb} bit of MSR ${hex(msr)} in the MSR bitmaps is ${set}.`,
      rule: `MSR bitmaps (2004h), ${verb}-${low ? "low" : "high"}, byte ${hex(byte)}, bit ${msr & 7} = ${set}`,
      source: manual.msrBitmaps,
    },
  };
}

/** For #PF the bitmap's bit is inverted where the error code does not match (SDM Vol. 3, 26.2). */
function exceptionRule(vmcs: Vmcs, vector: number, errorCode: number): Decision {
  const bit = (vmcs.number("exceptionBitmap") >>> vector) & 1;
  if (vector === 14) return pageFaultRule(bit, errorCode, vmcs.number("pageFaultMask"), vmcs.number("pageFaultMatch"));
  return {
    exits: bit === 1,
    get why() {
      return {
        sentence: `The VMM ${bit === 1 ? "wants" : "does not want"} to see exception ${vector}.`,
        rule: `exception bitmap 4004h, bit ${vector} = ${bit}`,
        source: manual.other,
      };
    },
  };
}

function pageFaultRule(bit: number, errorCode: number, mask: number, match: number): Decision {
  const matches = (errorCode & mask) >>> 0 === match;
  const exits = matches === (bit === 1);
  return {
    exits,
    get why() {
      return {
        sentence: `The page fault ${exits ? "leaves" : "stays in"} the guest: its error code ${hex(errorCode)} ${matches ? "matches" : "does not match"}, and bit 14 of the exception bitmap is ${bit}.`,
        rule: `(error code & 4006h) = ${hex((errorCode & mask) >>> 0)}, 4008h = ${hex(match)}: ${matches ? "equal" : "unequal"}; exception bitmap 4004h, bit 14 = ${bit}`,
        source: manual.other,
      };
    },
  };
}

/** Whether an attempt leaves the guest under a VMCS, and why (SDM Vol. 3, 26.1 and 26.2). Changes nothing. */
export function decideExit(vmcs: Vmcs, read: ReadByte, attempt: Attempt): Decision {
  switch (attempt.reason) {
    case "IO_INSTRUCTION":
      return ioRule(vmcs, read, attempt.port, attempt.bytes);
    case "RDMSR":
    case "WRMSR":
      return msrRule(vmcs, read, attempt.msr, attempt.reason === "WRMSR");
    case "VMREAD":
    case "VMWRITE":
      return shadowRule(vmcs, attempt.reason);
    case "CR_ACCESS":
      return crRule(vmcs, attempt.register, attempt.access, attempt.value);
    case "APIC_ACCESS":
    case "APIC_WRITE":
    case "TPR_THRESHOLD":
    case "VIRTUALIZED_EOI":
      return apicRule(vmcs, attempt);
    case "VMFUNC":
      return functionRule(vmcs, attempt);
    case "PML_LOGFULL":
      return logRule(vmcs, attempt.index);
    case "PAUSE":
      return pauseRule(vmcs, attempt);
    case "EXCEPTION_NMI":
      return exceptionRule(vmcs, attempt.vector, attempt.errorCode ?? 0);
    default:
      return attempt.reason in simple ? simpleRule(vmcs, attempt.reason as SimpleReason) : alwaysRule(attempt.reason);
  }
}
