import { vectorName } from "../cpu/fault.ts";
import type { Later, Why } from "../trace/event.ts";
import { hex } from "../vmx/bit-layout.ts";
import { firstCode } from "./exit-codes.ts";
import { type InterceptName, interceptRule, intercepts, isIntercepted } from "./intercepts.ts";
import { type MapBit, msrBit, portBit } from "./permission-maps.ts";
import type { Vmcb } from "./vmcb.ts";
import { placeText, type VmcbField } from "./vmcb-fields.ts";

/** Something a guest is about to do that its VMM may intercept. */
export type Attempt =
  | { readonly kind: "event"; readonly intercept: Exclude<InterceptName, "IOIO" | "MSR" | "CR0_SEL_WRITE" | "MWAIT"> }
  | { readonly kind: "mwait"; readonly armed: boolean }
  /** `selective`: MOV and LMSW that write CR0 check for it too; `changes` says whether more than TS and MP would change. */
  | {
      readonly kind: "control";
      readonly register: number;
      readonly write: boolean;
      readonly selective?: "mov" | "lmsw";
      readonly changes?: boolean;
    }
  | { readonly kind: "debug"; readonly register: number; readonly write: boolean }
  | { readonly kind: "port"; readonly port: number; readonly bytes: number }
  | { readonly kind: "msr"; readonly msr: number; readonly write: boolean }
  | { readonly kind: "exception"; readonly vector: number };

/** Is it intercepted, by which EXITCODE, and the rule that says so. */
export interface Decision {
  readonly exits: boolean;
  readonly code: number;
  readonly why: Later<Why>;
}

/** Host-physical memory as the rules read it: one byte, unsigned. */
export type ReadByte = (address: number) => number;

const manual = {
  instructions: "APM Vol. 2, 15.9: Instruction Intercepts",
  ports: "APM Vol. 2, 15.10: IOIO Intercepts",
  msrs: "APM Vol. 2, 15.11: MSR Intercepts",
  exceptions: "APM Vol. 2, 15.12: Exception Intercepts",
  interrupts: "APM Vol. 2, 15.13: Interrupt Intercepts",
  other: "APM Vol. 2, 15.14: Miscellaneous Intercepts",
} as const;

const interruptEvents = new Set<InterceptName>(["INTR", "NMI", "SMI", "INIT", "VINTR"]);
const otherEvents = new Set<InterceptName>(["TASK_SWITCH", "FERR_FREEZE", "SHUTDOWN"]);

const sourceOf = (name: InterceptName): string =>
  interruptEvents.has(name) ? manual.interrupts : otherEvents.has(name) ? manual.other : manual.instructions;

const verdict = (exits: boolean): string =>
  exits ? "leaves the guest: the VMM intercepts it." : "does not leave the guest: no intercept is set.";

/** Decisions by a bit differ in nothing but the bit: each is made once. */
function bitDecision(name: InterceptName, exits: boolean): Decision {
  const { code, what, note } = intercepts[name];
  const sentence = `${what} ${verdict(exits)}${note ? ` ${note}` : ""}`;
  return { exits, code, why: { sentence, rule: interceptRule(name, exits), source: sourceOf(name) } };
}
const bitDecisions = new Map(
  (Object.keys(intercepts) as InterceptName[]).map((name) => [
    name,
    { set: bitDecision(name, true), clear: bitDecision(name, false) },
  ]),
);

function bitRule(vmcb: Vmcb, name: InterceptName): Decision {
  const { set, clear } = bitDecisions.get(name)!;
  return isIntercepted(vmcb, name) ? set : clear;
}

/** A bit of the words for control registers, debug registers and exceptions, which are numbered by what they intercept. */
function numberedRule(vmcb: Vmcb, numbered: Numbered): Decision {
  const { word, number, first, what, source } = numbered;
  const exits = vmcb.bit(word, number);
  const key = (first + number) * 2 + (exits ? 1 : 0);
  const known = numberedDecisions.get(key);
  if (known) return known;
  const rule = `${placeText(word)}, bit ${number} = ${exits ? 1 : 0}`;
  const made = { exits, code: first + number, why: { sentence: `${what} ${verdict(exits)}`, rule, source } };
  numberedDecisions.set(key, made);
  return made;
}

const numberedDecisions = new Map<number, Decision>();

interface Numbered {
  readonly word: VmcbField;
  readonly number: number;
  /** EXITCODE of number 0. */
  readonly first: number;
  readonly what: string;
  readonly source: string;
}

/** The intercept of all writes comes before the selective one; CLTS does not check that (APM Vol. 2, table 15-7). */
function controlRule(vmcb: Vmcb, attempt: Attempt & { readonly kind: "control" }): Decision {
  const { register, write, selective, changes } = attempt;
  const plain = numberedRule(vmcb, {
    word: write ? "crWrites" : "crReads",
    number: register,
    first: write ? firstCode.crWrite : firstCode.crRead,
    what: `${write ? "A write to" : "A read of"} CR${register}`,
    source: manual.instructions,
  });
  if (plain.exits || !write || register !== 0 || selective === undefined) return plain;
  if (!isIntercepted(vmcb, "CR0_SEL_WRITE")) return plain;
  const exits = selective === "lmsw" || changes === true;
  const sentence =
    selective === "lmsw"
      ? "LMSW leaves the guest whatever it writes: the selective CR0-write intercept is set."
      : exits
        ? "The write changes bits of CR0 other than TS and MP, and the selective CR0-write intercept is set."
        : "The write changes no bit of CR0 other than TS and MP, which the selective CR0-write intercept lets through.";
  const rule = interceptRule("CR0_SEL_WRITE", true);
  return { exits, code: intercepts.CR0_SEL_WRITE.code, why: () => ({ sentence, rule, source: manual.instructions }) };
}

const debugRule = (vmcb: Vmcb, register: number, write: boolean): Decision =>
  numberedRule(vmcb, {
    word: write ? "drWrites" : "drReads",
    number: register,
    first: write ? firstCode.drWrite : firstCode.drRead,
    what: `${write ? "A write to" : "A read of"} DR${register}`,
    source: manual.instructions,
  });

const exceptionRule = (vmcb: Vmcb, vector: number): Decision =>
  numberedRule(vmcb, {
    word: "exceptions",
    number: vector,
    first: firstCode.exception,
    what: vectorName(vector),
    source: manual.exceptions,
  });

/** Intercepted if the bit of any port that the access touches is 1. */
function portRule(vmcb: Vmcb, read: ReadByte, port: number, bytes: number): Decision {
  if (!isIntercepted(vmcb, "IOIO")) return bitRule(vmcb, "IOIO");
  const base = vmcb.physical("iopmBase");
  const start = base - (base % 4096);
  const isSet = ({ byte, bit }: MapBit): boolean => ((read(start + byte) >> bit) & 1) === 1;
  for (let n = 0; n < bytes; n++) {
    const at = portBit(port, n);
    if (isSet(at)) return portDecision(port + n, at, 1);
  }
  return portDecision(port, portBit(port), 0);
}

const portDecisions = new Map<number, Decision>();

function portDecision(port: number, at: MapBit, value: 0 | 1): Decision {
  const known = portDecisions.get(2 * port + value);
  if (known) return known;
  const made = { exits: value === 1, code: intercepts.IOIO.code, why: portWhy(port, at, value) };
  portDecisions.set(2 * port + value, made);
  return made;
}

function portWhy(port: number, { byte, bit }: MapBit, value: 0 | 1): Why {
  const name = port > 0xffff ? `bit ${port - 0x10000} behind port FFFFh` : `port ${hex(port)}`;
  const sentence =
    value === 1
      ? `The I/O permission map intercepts ${name}.`
      : `The I/O permission map lets ${name} through, and all the access touches.`;
  return {
    sentence,
    rule: `I/O permission map (${placeText("iopmBase")}), byte ${hex(byte)}, bit ${bit} = ${value}`,
    source: manual.ports,
  };
}

function msrRule(vmcb: Vmcb, read: ReadByte, msr: number, write: boolean): Decision {
  if (!isIntercepted(vmcb, "MSR")) return bitRule(vmcb, "MSR");
  const { code } = intercepts.MSR;
  const at = msrBit(msr, write);
  if (!at) {
    const why: Why = {
      sentence: `MSR ${hex(msr)} has no bits in the MSR permission map, so every access to it leaves the guest.`,
      rule: "MSR outside 0 to 1FFFh, C0000000h to C0001FFFh and C0010000h to C0011FFFh",
      source: manual.msrs,
    };
    return { exits: true, code, why };
  }
  const base = vmcb.physical("msrpmBase");
  const exits = ((read(base - (base % 4096) + at.byte) >> at.bit) & 1) === 1;
  const why = (): Why => ({
    sentence: `The ${write ? "write" : "read"} bit of MSR ${hex(msr)} in the MSR permission map is ${exits ? 1 : 0}.`,
    rule: `MSR permission map (${placeText("msrpmBase")}), byte ${hex(at.byte)}, bit ${at.bit} = ${exits ? 1 : 0}`,
    source: manual.msrs,
  });
  return { exits, code, why };
}

/** Whether an attempt leaves the guest under a VMCB, and why (APM Vol. 2, 15.7 to 15.14). Changes nothing. */
export function decideIntercept(vmcb: Vmcb, read: ReadByte, attempt: Attempt): Decision {
  switch (attempt.kind) {
    case "event":
      return bitRule(vmcb, attempt.intercept);
    case "mwait":
      // With the monitor armed the conditional intercept is checked first.
      return attempt.armed && isIntercepted(vmcb, "MWAIT_CONDITIONAL")
        ? bitRule(vmcb, "MWAIT_CONDITIONAL")
        : bitRule(vmcb, "MWAIT");
    case "control":
      return controlRule(vmcb, attempt);
    case "debug":
      return debugRule(vmcb, attempt.register, attempt.write);
    case "port":
      return portRule(vmcb, read, attempt.port, attempt.bytes);
    case "msr":
      return msrRule(vmcb, read, attempt.msr, attempt.write);
    case "exception":
      return exceptionRule(vmcb, attempt.vector);
  }
}
