import type { TechniqueId } from "../../isa/technique.ts";
import type { ObservedBody } from "../mmu/translation-events.ts";
import type { ScheduleKind, ScheduleOutcome } from "../schedule/schedule-event.ts";
import type { ShadowClass } from "../vmm/memory/shadow-classes.ts";

export type { Standing } from "../schedule/schedule-event.ts";

/**
 * Everything a person may want to see of the machine, as it happens. What the host does to be quick (translated code) is
 * not among it: that depends on breakpoints and on how time was cut into runs, and the stream must not. Views, breakpoints
 * on events, the command line's trace, the grader and golden tests read this stream and nothing else. Addresses and 64-bit
 * values are hexadecimal strings without prefix where they may exceed 2^53, so that an event is plain JSON.
 */
export interface Stamp {
  /**
   * Counts from 1, never reused within a run of the machine. What is observed and not recorded has a fraction between its neighbours
   * there: the number of the last recorded event, and its place in the step in 4096ths.
   */
  readonly sequence: number;
  /** Virtual time in cycles when it happened. */
  readonly cycle: number;
  /** Machine steps taken when it happened: the moment in time (see `emulator/machine.ts`). */
  readonly step: number;
  readonly vm: string;
  readonly vcpu: number;
  /** Linear address of the guest instruction at hand. */
  readonly rip: string;
}

/** A decoded field of an exit qualification, in the manual's words. */
export interface Field {
  readonly name: string;
  readonly value: string;
  /** Bit range as the manual writes it: "3:0". */
  readonly bits: string;
}

/** The rule that decided an exit: a control bit, a bitmap bit, a mask and shadow pair. */
export interface Why {
  /** One sentence in plain words. */
  readonly sentence: string;
  /** The VMCS field or table entry, with its bit, e.g. "primary controls 4002h, bit 7: HLT exiting = 1". */
  readonly rule: string;
  /** Manual section or paper. */
  readonly source: string;
}

/** What becomes of the instruction about to run, and the rule that decides it. */
export interface Outlook {
  /** `runs`: by the processor itself. `leaves`: to the VMM. `faults`: an exception, delivered where the VMM does not see it. */
  readonly outcome: "runs" | "leaves" | "faults";
  /** The instruction in one line: "out 3F8h, al = 48h 'H'". */
  readonly what: string;
  readonly why: Why;
  /** It is privileged, or sensitive, or there is a control that makes it leave a guest. */
  readonly sensitive: boolean;
}

/** Scheduling of virtual CPUs: a decision, or what led to one. `vm` and `vcpu` of the event are those of `subject`, where there is one. */
export interface ScheduleBody extends ScheduleOutcome {
  readonly kind: "schedule";
  readonly what: ScheduleKind;
  /** Virtual time of the host in whole microseconds. */
  readonly time: number;
  /** The vCPU it is about, as "VM/number"; null: a physical CPU has nothing to run. */
  readonly subject: string | null;
  /** The physical CPU it happened on. */
  readonly pcpu: number | null;
  /** Who ran there before, if the decision took the physical CPU away from it. */
  readonly from: string | null;
  /** Why, with the numbers that decided. */
  readonly reason: string;
}

/** What interrupts through a local APIC without an IRQ: its timer, its error vector, or a message, of a processor or of a device. */
export type LocalSource = "local timer" | "local error" | "message";

export type EventBody =
  /** The processor left the guest and entered the VMM. */
  | {
      readonly kind: "exit";
      /** Basic exit reason by name; under trap and emulate the exception that trapped, e.g. "#GP". */
      readonly reason: string;
      /** Basic exit reason number (SDM appendix C); -1 under techniques without one. */
      readonly number: number;
      readonly qualification: string;
      readonly fields: readonly Field[];
      /** One line for lists: "out 3F8h, al = 48h 'H'". */
      readonly what: string;
      readonly why: Why;
      /** Cycles from exit to entry, VMM work included. Filled by the time the entry happens; 0 while still in the VMM. */
      readonly cost: number;
      readonly technique: TechniqueId;
    }
  /** The VMM resumed the guest. `handled` says what it did: "emulated OUT", "injected #GP(0)". */
  | { readonly kind: "entry"; readonly exit: number; readonly handled: string; readonly cost: number }
  /** A VMX instruction of the guest's own hypervisor failed: VMfailValid with an error number, or VMfailInvalid without. */
  | { readonly kind: "vmfail"; readonly instruction: string; readonly error?: number; readonly text: string }
  /** The guest's own hypervisor does something that the processor allows and that is hardly meant. */
  | { readonly kind: "lint"; readonly code: "not-stepped-over"; readonly text: string }
  /** The VMM or the processor put an exception or interrupt into the guest; Xen's upcalls have no vector: -1. */
  | { readonly kind: "inject"; readonly vector: number; readonly errorCode?: number; readonly name: string }
  | {
      readonly kind: "hypercall";
      readonly number: string;
      readonly name: string;
      readonly arguments: readonly string[];
      readonly result: string;
    }
  /** An exception was raised in the guest, as the guest sees it. */
  | {
      readonly kind: "exception";
      readonly vector: number;
      readonly name: string;
      readonly errorCode?: number;
      readonly address?: string;
    }
  /** A hardware interrupt was delivered; of one without an IRQ (-1), where it came from. */
  | { readonly kind: "interrupt"; readonly vector: number; readonly irq: number; readonly by?: LocalSource }
  | {
      readonly kind: "io";
      readonly direction: "in" | "out";
      readonly port: number;
      readonly bytes: number;
      readonly value: number;
      readonly device: string;
    }
  /** A page walk, with every step. */
  | {
      readonly kind: "walk";
      readonly linear: string;
      readonly physical?: string;
      /** Host-physical. */
      readonly host?: string;
      /** Memory references with nothing cached, and with all caches warm but the TLB (`mmu/translation.ts`). */
      readonly references: { readonly cold: number; readonly warm: number };
      /** The TLB has the translation now: no reference at all. */
      readonly cached: boolean;
      readonly steps: readonly WalkStep[];
      readonly verdict: string;
    }
  /** What shadow paging did at a page fault, CR3 load, INVLPG or flush (`vmm/memory/shadow-classes.ts`). */
  | {
      readonly kind: "shadow";
      readonly class: ShadowClass;
      readonly linear: string;
      readonly what: string;
      /** What was done on the way, in xenalyze's words: "promote", "wrmap", "oos-add", … */
      readonly also: readonly string[];
      /** Cycles to the VMM and back. */
      readonly cost: number;
    }
  /** The VMM begins to execute the guest's code itself, or has done so, for the processor cannot enter the guest in this state. */
  | {
      readonly kind: "interpret";
      readonly what: string;
      /** How many it has executed, at the end; 0 at the beginning. */
      readonly instructions: number;
    }
  /** Binary translation: a unit of the guest's kernel code has been translated. Addresses are linear. */
  | {
      readonly kind: "translate";
      readonly unit: number;
      readonly linear: string;
      /** Guest instructions and their bytes. */
      readonly instructions: number;
      readonly bytes: number;
      /** Where its translation is, and the bytes of that. */
      readonly cache: string;
      readonly cacheBytes: number;
      /** The guest instructions. */
      readonly text: readonly string[];
    }
  /** An exit of unit `from` leads to unit `to` without the VMM now; null: lookups of its address do. */
  | {
      readonly kind: "chain";
      readonly from: number | null;
      readonly to: number;
      /** `elided`: no jump is needed, for the code of `to` simply follows. */
      readonly how: "taken" | "fall-through" | "jump" | "elided" | "lookup";
      /** Linear address of the guest's code that it leads to. */
      readonly at: string;
    }
  /** Units are not used any more. */
  | { readonly kind: "invalidate"; readonly units: readonly number[]; readonly why: string }
  /** An instruction that kept writing to traced pages becomes a callout; or one that no longer does, itself again. */
  | { readonly kind: "adapt"; readonly at: string; readonly callout: boolean; readonly what: string }
  /** Text the guest wrote to its console (UART or port E9h). */
  | { readonly kind: "output"; readonly device: string; readonly text: string }
  /** The screen shows something else than at the last frame (70 a second of virtual time). */
  | {
      readonly kind: "screen";
      readonly mode: "text" | "graphics";
      readonly columns: number;
      readonly rows: number;
      /** Graphics modes in words. */
      readonly graphics: string;
      /** Text modes: the rows, without blanks at their ends. */
      readonly lines: readonly string[];
    }
  /** A mode change worth showing: "real → protected", CPL changes are not reported. */
  | { readonly kind: "mode"; readonly from: string; readonly to: string }
  | ScheduleBody
  | ObservedBody
  /** The machine cannot go on. */
  | { readonly kind: "stop"; readonly reason: StopReason; readonly text: string };

export type StopReason =
  | "halted"
  | "triple-fault"
  /** Switched off. */
  | "shutdown"
  | "reset"
  | "vm-entry-failure"
  /** A VM exit to the guest's own hypervisor could not be completed. */
  | "vmx-abort"
  | "unsupported"
  | "ran-off-code"
  | "debug-exit"
  /** The end that the configuration sets, in virtual time. */
  | "time-limit";

export interface WalkStep {
  /** "PML4E", "PDE", "EPT PDPTE", … */
  readonly table: string;
  readonly level: number;
  /** Whose entry it is, where it is not the guest's. */
  readonly of?: "nested" | "shadow";
  /** What spares the processor this reference once it is warm. */
  readonly spared?: "register" | "paging-structure caches" | "nested translations";
  /** What else there is to know of the table. */
  readonly note?: string;
  /** Physical address of the entry, hexadecimal (guest-physical for the guest's own, else host-physical). */
  readonly address: string;
  readonly entry: string;
  readonly bits: readonly string[];
  readonly verdict: "ok" | "not present" | "protection" | "reserved bit" | "misconfigured";
}

export type MachineEvent = Stamp & EventBody;
type ExitBody = EventBody & { readonly kind: "exit" };

/** What is kept of an exit as numbers, for what explains it. */
export interface ExitNumbers {
  /** Unsigned 64 bits. */
  readonly qualification: bigint;
  /** What `what`, `why` and `fields` speak of, as the recording code likes. */
  readonly first: number;
  readonly second: number;
}

/** A value, or how to work it out when somebody asks: from nothing that changes in the meantime. */
export type Later<T> = T | ((numbers: ExitNumbers) => T);
export const resolved = <T extends string | object>(later: Later<T>, numbers: ExitNumbers): T =>
  typeof later === "function" ? (later as (about: ExitNumbers) => T)(numbers) : later;
type Explained = "fields" | "what" | "why";
/**
 * An exit as it is recorded, but for its numbers. Exits are many and most are never looked at: what explains them is worked
 * out when it is read. Exits of one kind may share a form, so that of each nothing but numbers is kept.
 */
export type ExitForm = Omit<ExitBody, Explained | "qualification" | "cost"> & {
  readonly [K in Explained]: Later<ExitBody[K]>;
};
/** What is recorded beside exits. */
export type RecordedBody = Exclude<EventBody, { readonly kind: "exit" } | ObservedBody>;
export type EventKind = EventBody["kind"];
