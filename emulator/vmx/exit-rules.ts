import type { Why } from "../trace/event.ts";
import { hex } from "./bit-layout.ts";
import { type Control, type ControlName, controlRule, controls, controlText, inForce, isOn } from "./controls.ts";
import { type ApicAttempt, apicRule } from "./exit-rules-apic.ts";
import type { PauseTimes } from "./pause-loop.ts";
import { type FunctionCall, functionFault } from "./vm-functions.ts";
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

export type CrAccess = "to" | "from" | "clts" | "lmsw";

/** Would it exit, and the rule that says so. */
export interface Decision {
  readonly exits: boolean;
  readonly why: Why;
}

/** Host-physical memory as the rules read it: one byte, unsigned. */
export type ReadByte = (address: number) => number;

const manual = {
  always: "SDM Vol. 3, 26.1.2: Instructions That Cause VM Exits Unconditionally",
  conditional: "SDM Vol. 3, 26.1.3: Instructions That Cause VM Exits Conditionally",
  other: "SDM Vol. 3, 26.2: Other Causes of VM Exits",
  ioBitmaps: "SDM Vol. 3, 25.6.4: I/O-Bitmap Addresses",
  masks: "SDM Vol. 3, 25.6.6: Guest/Host Masks and Read Shadows for CR0 and CR4",
  targets: "SDM Vol. 3, 25.6.7: CR3-Target Controls",
  msrBitmaps: "SDM Vol. 3, 25.6.9: MSR-Bitmap Address",
  functions: "SDM Vol. 3, 26.5.6: VM Functions",
  log: "SDM Vol. 3, 29.3.6: Page-Modification Logging",
} as const;

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

/** PAUSE exiting, or else PAUSE-loop exiting at CPL 0 by the time between executions. */
function pauseRule(vmcs: Vmcs, { cpl, sinceLast, sinceFirst }: PauseTimes): Decision {
  const why = (sentence: string, rule: string): Why => ({ sentence, rule, source: manual.conditional });
  const loop = controlRule(vmcs, "pauseLoopExiting");
  if (isOn(vmcs, "pauseExiting"))
    return {
      exits: true,
      why: why("PAUSE leaves the guest, which may be spinning on a lock.", controlRule(vmcs, "pauseExiting")),
    };
  if (!isOn(vmcs, "pauseLoopExiting"))
    return { exits: false, why: why("PAUSE runs natively.", `${controlRule(vmcs, "pauseExiting")}; ${loop}`) };
  if (cpl !== 0) return { exits: false, why: why("PAUSE loops are looked for at CPL 0 only.", `${loop}; CPL ${cpl}`) };
  const gap = vmcs.number("pauseLoopGap");
  const window = vmcs.number("pauseLoopWindow");
  if (sinceLast === undefined || sinceFirst === undefined)
    return { exits: false, why: why("It is the first PAUSE since the entry: a loop may begin.", loop) };
  const gapRule = `${sinceLast} cycles since the last PAUSE, PLE_Gap 4020h = ${gap}`;
  if (sinceLast > gap)
    return { exits: false, why: why("The PAUSE before is too long ago: a new loop may begin.", `${loop}; ${gapRule}`) };
  const exits = sinceFirst > window;
  const sentence = exits ? "The guest spins for longer than the VMM lets it." : "The guest does not spin for long yet.";
  const windowRule = `${sinceFirst} since the first of the loop, PLE_Window 4022h = ${window}`;
  return { exits, why: why(sentence, `${loop}; ${gapRule}; ${windowRule}`) };
}

function functionRule(vmcs: Vmcs, call: FunctionCall): Decision {
  const fault = functionFault(vmcs.get("vmFunctionControls"), call);
  const sentence = fault
    ? `VMFUNC leaves the guest: ${fault}.`
    : `VMFUNC switches to entry ${call.index} of the EPTP list without the VMM.`;
  const rule = `${controlRule(vmcs, "vmFunctions")}; VM-function controls 2018h = ${hex(vmcs.get("vmFunctionControls"))}`;
  return { exits: fault !== undefined, why: { sentence, rule, source: manual.functions } };
}

const logRule = (vmcs: Vmcs, index: number): Decision => ({
  exits: index > 511,
  why: {
    sentence:
      index > 511
        ? "An accessed or dirty flag of EPT is to be set, and the page-modification log is full."
        : "The page-modification log has room.",
    rule: `${controlRule(vmcs, "pml")}; PML index 0812h = ${index}`,
    source: manual.log,
  },
});

/** Bits a write changes as the guest sees them, among those the host owns: an exit if there are any. */
function maskRule(vmcs: Vmcs, register: 0 | 4, changed: bigint): Decision {
  const mask = vmcs.get(register === 0 ? "cr0Mask" : "cr4Mask");
  const differing = mask & changed;
  return {
    exits: differing !== 0n,
    why: {
      sentence:
        differing !== 0n
          ? `The write would change bits ${hex(differing)} of CR${register}, which the VMM owns.`
          : `The write changes no bit of CR${register} that the VMM owns.`,
      rule: `${maskText(vmcs, register)}: differing owned bits ${hex(differing)}`,
      source: manual.masks,
    },
  };
}

const peBit = 1n;
const tsBit = 8n;

function cr0Rule(vmcs: Vmcs, access: CrAccess, value: bigint): Decision {
  const shadow = vmcs.get("cr0Shadow");
  if (access === "clts") return maskRule(vmcs, 0, shadow & tsBit);
  if (access === "to") return maskRule(vmcs, 0, shadow ^ value);
  // LMSW writes bits 3:0 and cannot clear PE.
  return maskRule(vmcs, 0, ((shadow ^ value) & 0xen) | (value & ~shadow & peBit));
}

function cr3Rule(vmcs: Vmcs, access: CrAccess, value: bigint): Decision {
  const control = access === "to" ? "cr3LoadExiting" : "cr3StoreExiting";
  const on = isOn(vmcs, control);
  const verb = access === "to" ? "MOV to CR3" : "MOV from CR3";
  if (!on || access !== "to")
    return {
      exits: on,
      why: {
        sentence: on ? `${verb} leaves the guest.` : `${verb} does not leave the guest.`,
        rule: controlRule(vmcs, control),
        source: manual.conditional,
      },
    };
  const count = vmcs.number("cr3TargetCount");
  const targets = (["cr3Target0", "cr3Target1", "cr3Target2", "cr3Target3"] as const).slice(0, count);
  const hit = targets.findIndex((field) => vmcs.get(field) === value);
  return {
    exits: hit < 0,
    why: {
      sentence:
        hit < 0
          ? `${verb} leaves the guest: the value is no CR3-target value.`
          : `The value is CR3-target value ${hit}.`,
      rule: `${controlRule(vmcs, control)}; CR3-target count 400Ah = ${count}`,
      source: manual.targets,
    },
  };
}

function readRule(vmcs: Vmcs, register: number): Decision {
  const sentence = `Reading CR${register} never leaves the guest`;
  const masked = register === 0 || register === 4;
  return {
    exits: false,
    why: {
      sentence: masked ? `${sentence}: bits that the VMM owns are read from the read shadow.` : `${sentence}.`,
      rule: masked ? maskText(vmcs, register) : "no control exists",
      source: manual.masks,
    },
  };
}

/** "CR0 guest/host mask 6000h = 20h, read shadow 6004h = 11h" */
function maskText(vmcs: Vmcs, register: 0 | 4): string {
  const [mask, shadow] = register === 0 ? (["cr0Mask", "cr0Shadow"] as const) : (["cr4Mask", "cr4Shadow"] as const);
  return `CR${register} guest/host mask ${encodingText(mask)} = ${hex(vmcs.get(mask))}, read shadow ${encodingText(shadow)} = ${hex(vmcs.get(shadow))}`;
}

const cr2Written: Decision = {
  exits: false,
  why: {
    sentence: "CR2 belongs to the guest: writing it never leaves the guest.",
    rule: "no control exists",
    source: manual.conditional,
  },
};

function crRule(vmcs: Vmcs, register: number, access: CrAccess, value: bigint): Decision {
  if (register === 3) return cr3Rule(vmcs, access, value);
  if (register === 8) {
    const control = access === "to" ? "cr8LoadExiting" : "cr8StoreExiting";
    const exits = isOn(vmcs, control);
    const own = isOn(vmcs, "tprShadow")
      ? "CR8 is the task priority of the virtual-APIC page."
      : "CR8 belongs to the guest.";
    const sentence = exits ? "Access to CR8 leaves the guest." : own;
    const rule = `${controlRule(vmcs, control)}; ${controlRule(vmcs, "tprShadow")}`;
    return { exits, why: { sentence, rule, source: manual.conditional } };
  }
  if (access === "from") return readRule(vmcs, register);
  if (register === 2) return cr2Written;
  return register === 0 ? cr0Rule(vmcs, access, value) : maskRule(vmcs, 4, vmcs.get("cr4Shadow") ^ value);
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
