/** Names by which an assignment's checks count events. */
import { exceptionName, exceptionVectors } from "../emulator/cpu/exception-names.ts";
import { exitCodes } from "../emulator/svm/exit-codes.ts";
import type { EventKind, MachineEvent } from "../emulator/trace/event.ts";
import { exitReasons } from "../emulator/vmx/exit-reasons.ts";
import type { EventPredicate } from "./assignment.ts";

const exceptions: ReadonlySet<string> = new Set(exceptionVectors.map(exceptionName));
const exits: ReadonlySet<string> = new Set([
  ...exitReasons.map(({ name }) => name),
  ...exitCodes.map(({ name }) => name),
  ...exceptions,
  // Of the hypervisors without a basic exit reason: binary translation, and Xen's guests.
  ...["callout", "translate", "INT 82h", "SYSCALL", "TIMER", "INTR"],
]);

const hexadecimal = (value: number): string => `${value.toString(16).toUpperCase()}h`;
const isHexadecimal = (name: string): boolean => /^[0-9A-F]+h$/.test(name);
const isVector = (name: string): boolean => isHexadecimal(name) && Number.parseInt(name, 16) < 0x100;

/** EPT and nested page tables: what an exit is to an instructor who does not care for the vendor. */
const nested: Readonly<Record<string, string>> = {
  EPT_VIOLATION: "violation",
  VMEXIT_NPF: "violation",
  EPT_MISCONFIGURATION: "misconfiguration",
};

/** What becomes of units of the translation cache. */
export const translationKinds = ["translate", "chain", "invalidate", "adapt"] as const satisfies readonly EventKind[];

export interface EventNames {
  /** The names of an event; none if it is not one of these. */
  readonly of: (event: MachineEvent) => readonly string[];
  /** What is wrong with a name, as a sentence; undefined if events can have it. */
  readonly problem: (name: string) => string | undefined;
}

const anything = (): undefined => undefined;
const vectors = (name: string): string | undefined =>
  isVector(name) ? undefined : `“${name}” is no vector: write it in hexadecimal, such as 20h.`;

/** How events of each kind of check are named. */
export const eventNames: Readonly<Record<EventPredicate["kind"], EventNames>> = {
  exits: {
    of: (event) => (event.kind === "exit" ? [event.reason] : []),
    problem: (name) =>
      exits.has(name) || /^vector [0-9a-f]+h$/.test(name)
        ? undefined
        : `There is no exit reason “${name}”; docs/techniques.md has them, such as IO_INSTRUCTION, VMEXIT_IOIO, #GP.`,
  },
  hypercalls: { of: (event) => (event.kind === "hypercall" ? [event.name, event.number] : []), problem: anything },
  exceptions: {
    of: (event) => (event.kind === "exception" ? [event.name] : []),
    problem: (name) =>
      exceptions.has(name) ? undefined : `There is no exception “${name}”; there are ${[...exceptions].join(", ")}.`,
  },
  injections: {
    of: (event) => (event.kind === "inject" ? [event.name, hexadecimal(event.vector)] : []),
    problem: anything,
  },
  interrupts: { of: (event) => (event.kind === "interrupt" ? [hexadecimal(event.vector)] : []), problem: vectors },
  io: {
    of: (event) => (event.kind === "io" ? [hexadecimal(event.port)] : []),
    problem: (name) =>
      isHexadecimal(name) ? undefined : `“${name}” is no port: write it in hexadecimal, such as 3F8h.`,
  },
  translations: {
    of: (event) => ((translationKinds as readonly string[]).includes(event.kind) ? [event.kind] : []),
    problem: anything,
  },
  shadow: { of: (event) => (event.kind === "shadow" ? [event.class] : []), problem: anything },
  ept: {
    of: (event) => (event.kind === "exit" && Object.hasOwn(nested, event.reason) ? [nested[event.reason]!] : []),
    problem: anything,
  },
};
