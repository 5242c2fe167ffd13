import { format } from "../../../isa/format.ts";
import { vector, vectorName } from "../../cpu/fault.ts";
import type { Fault } from "../../cpu/monitor.ts";
import type { Field, Why } from "../../trace/event.ts";
import { instructionAt } from "../cpu/trap-reasons.ts";
import type { ExitBody } from "../dispatcher.ts";
import { hex } from "./abi.ts";
import type { Domain } from "./domain.ts";
import { hypercallName } from "./hypercalls.ts";

/** Why the guest came to Xen. Plain JSON. */
export type Entry =
  /** By INT 82h (32-bit guests), or SYSCALL; the next instruction is at `next`. */
  | { readonly kind: "hypercall" | "syscall"; readonly next: number }
  | {
      readonly kind: "fault";
      readonly vector: number;
      readonly errorCode: number | null;
      readonly address: string | null;
      readonly source: Fault["source"];
      /** What #DB adds to DR6. */
      readonly debug: number | null;
      readonly next: number;
    }
  | { readonly kind: "timer"; readonly what: string }
  /** Another virtual CPU has made it come. */
  | { readonly kind: "kick" }
  | { readonly kind: "nmi" };

const sources = {
  hypercall: "Barham et al., SOSP 2003, section 3.2.1; xen/include/public/arch-x86",
  exceptions: "Barham et al., SOSP 2003, section 3.2.1",
  gates: "SDM Vol. 3, 6.12.1: Exception- or Interrupt-Handler Procedures",
  syscall: "SDM Vol. 2, SYSCALL",
  timers: "Barham et al., SOSP 2003, section 3.3.2",
  events: "Barham et al., SOSP 2003, section 3.2.2",
} as const;

export const hypercallVector = 0x82;

const base = { number: -1, qualification: 0, fields: [] as readonly Field[] } as const;

/** An exit whose rule is known beforehand. */
export type KnownExit = ExitBody & { readonly why: Why };

export function hypercallExit({ bits, cpu }: Domain): KnownExit {
  const rax = bits === 64 ? cpu.r64[0]! : BigInt(cpu.u32[0]!);
  const what = `hypercall ${hypercallName(rax)}`;
  if (bits === 32)
    return {
      ...base,
      reason: "INT 82h",
      what,
      why: {
        sentence: "The guest's kernel calls Xen: the gate for vector 82h in Xen's IDT is for ring 1, and leads to Xen.",
        rule: "Xen's IDT, gate 82h: DPL 1 ≥ CPL 1",
        source: sources.hypercall,
      },
    };
  return {
    ...base,
    reason: "SYSCALL",
    what,
    why: {
      sentence: "The guest's kernel calls Xen: SYSCALL enters ring 0, which is Xen's, and it was the kernel that ran.",
      rule: "IA32_LSTAR: Xen's entry; the guest is in kernel mode",
      source: sources.syscall,
    },
  };
}

export const systemCallExit: KnownExit = {
  ...base,
  reason: "SYSCALL",
  what: "a system call of the guest's user mode",
  why: {
    sentence: "SYSCALL enters ring 0, which is Xen's; as user mode made it, Xen passes it on to the guest's kernel.",
    rule: "IA32_LSTAR: Xen's entry; the guest is in user mode",
    source: sources.syscall,
  },
};

export const timerExit = (what: string): ExitBody => ({
  ...base,
  reason: "TIMER",
  what,
  why: {
    sentence: "A timer of the machine, which is Xen's, has reached the time that the guest had asked for.",
    rule: what,
    source: sources.timers,
  },
});

export const kickExit = (what: string): ExitBody => ({
  ...base,
  reason: "EVENT_CHECK",
  what,
  why: {
    sentence: "Another virtual CPU has made Xen send an interrupt to this one's processor, so that Xen looks at it.",
    rule: what,
    source: sources.events,
  },
});

export const nmiExit: ExitBody = {
  ...base,
  reason: "NMI",
  what: "an NMI of the machine",
  why: {
    sentence: "An NMI of the machine goes to Xen, which owns the IDT.",
    rule: "Xen's IDT, gate 2h",
    source: sources.exceptions,
  },
};

export function faultExit(domain: Domain, fault: Fault): ExitBody {
  const { cpu } = domain;
  const decoded = instructionAt(cpu);
  const { errorCode } = fault;
  const text = decoded ? format(decoded) : vectorName(fault.vector);
  const isPageFault = fault.vector === vector.PF;
  const software = fault.source !== "hardware";
  const sentence = software
    ? `Software interrupts of the guest go to Xen, whose gate for vector ${hex(fault.vector)} leads to it.`
    : fault.vector === vector.GP
      ? `The processor refused the instruction at CPL ${cpu.cpl}. Xen looks whether it is one that it emulates.`
      : "Every exception goes to Xen, which owns the IDT and passes on what is the guest's.";
  return {
    ...base,
    reason: vectorName(fault.vector),
    qualification: errorCode ?? 0,
    fields: [
      ...(errorCode === undefined ? [] : [{ name: "Error code", value: hex(errorCode), bits: "31:0" }]),
      ...(isPageFault ? [{ name: "Linear address (CR2)", value: hex(fault.address ?? 0n), bits: "63:0" }] : []),
    ],
    what: isPageFault ? `${text}, at linear ${hex(fault.address ?? 0n)}` : text,
    why: {
      sentence,
      rule: `Xen's IDT, gate ${hex(fault.vector)}`,
      source: software ? sources.gates : sources.exceptions,
    },
  };
}
