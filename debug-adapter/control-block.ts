import { groupTitles } from "../emulator/inspection/counterparts/as-vmcs.ts";
import type { OtherBits } from "../emulator/inspection/counterparts/other-names.ts";
import { type ControlBit, canDecide } from "../emulator/inspection/deciding-bit.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";

import type { ControlTally } from "./control-tally.ts";

/** A bit of a field, or several; of controls with what they do. */
export interface ControlBits {
  readonly name: string;
  readonly value: string;
  /** As the manual writes it: "3:0". */
  readonly bits: string;
  readonly doc?: string;
  /** How often it made this vCPU exit up to now, of the exits that are kept; where it makes anything exit. */
  readonly exits?: number;
}

export interface ControlField {
  /** The manual's name. */
  readonly name: string;
  /** Encoding of a VMCS field, offset in the VMCB: hexadecimal. */
  readonly place: string;
  /** Hexadecimal; of a field under the other vendor's names "", where its value cannot be told. */
  readonly value: string;
  /** Bits. */
  readonly width: number;
  /** Worth showing at first sight. */
  readonly shown: boolean;
  readonly bits: readonly ControlBits[];
  /** Under the other vendor's names: what it really is, or why it has no counterpart. */
  readonly note?: string;
  /** Under the other vendor's names: places of the fields that it was made of. */
  readonly sources?: readonly string[];
}

interface Fields {
  readonly groups: readonly { readonly group: string; readonly fields: readonly ControlField[] }[];
}

/** A VMCS or a VMCB, as plain JSON. */
export interface ControlBlock extends Fields {
  readonly kind: "VMCS" | "VMCB";
  /** Host-physical, hexadecimal. */
  readonly address: string;
  /** What is to know of it in one sentence. */
  readonly state: string;
  /** The same state under the other vendor's names. */
  readonly other: Fields & { readonly kind: "VMCS" | "VMCB" };
  /** The check that the processor would not pass, or has not passed, and the place of the field at fault. */
  readonly failure?: { readonly place: string; readonly check: string; readonly sentence: string };
}

/** The control block now, or, as a sentence, why there is none; and the moment, and the last exit up to it. */
export type ControlBlockNow = {
  readonly step: number;
  readonly cycle: number;
  /** Older events that are no longer kept: the exits among them are not in the counts. */
  readonly missed?: number;
  readonly exit?: { readonly sequence: number; readonly reason: string };
} & (
  | { readonly block: ControlBlock; readonly absent?: undefined }
  | { readonly absent: string; readonly block?: undefined }
);

/** Events looked through, from the newest, for the last exit. */
const mostEvents = 512;

const place = (number: number, digits: number): string => number.toString(16).toUpperCase().padStart(digits, "0");

function stateOfVmcs(machine: MachineInterface, launched: boolean): string {
  const { vmx } = machine;
  const entry = launched ? "launched: the next entry is a VMRESUME" : "clear: the next entry is a VMLAUNCH";
  if (vmx?.hypervisor !== "guest") return "The built-in VMM's. Its guest-state area holds what the last exit saved.";
  const where =
    vmx.operation === "non-root"
      ? "The processor is in VMX non-root operation; the guest-state area holds what the last exit saved."
      : "The processor is in VMX root operation.";
  return `The guest's own hypervisor's, ${entry}. ${where}`;
}

/** How often a bit of the control block that there is made the guest exit; undefined if it makes nothing exit. */
type CountOf = (bit: ControlBit) => number | undefined;

/** Bits of the field at a place, with how often they made the guest exit. */
const counted = (place: number, bits: readonly ControlBits[], countOf: CountOf): readonly ControlBits[] =>
  bits.map((part) => {
    const exits = /^\d+$/.test(part.bits) ? countOf({ place, bit: Number(part.bits) }) : undefined;
    return exits === undefined ? part : { ...part, exits };
  });

const digits = { VMCS: 4, VMCB: 3 } as const;

/** A bit under the other vendor's name has the exits of all that it was made of. */
function countedOther({ madeOf = [], ...bit }: OtherBits, countOf: CountOf): ControlBits {
  const counts = madeOf.map(countOf).filter((count) => count !== undefined);
  return counts.length === 0 ? bit : { ...bit, exits: counts.reduce((sum, count) => sum + count, 0) };
}

function otherNames(machine: MachineInterface, own: "VMCS" | "VMCB", countOf: CountOf): ControlBlock["other"] {
  const { kind, groups } = machine.otherNames()!;
  return {
    kind,
    groups: groups.map(({ group, alone, fields }) => ({
      group,
      fields: fields.map(({ place: at, value, sources, bits, ...field }) => ({
        ...field,
        bits: bits.map((bit) => countedOther(bit, countOf)),
        place: place(at, digits[alone ? own : kind]),
        value: value === undefined ? "" : value.toString(16),
        sources: sources.map((source) => place(source, digits[own])),
      })),
    })),
  };
}

function vmcsNow(machine: MachineInterface, countOf: CountOf): ControlBlock | undefined {
  const view = machine.vmcs();
  if (!view) return undefined;
  const { address, launched, groups, failure } = view;
  return {
    kind: "VMCS",
    address: address.toString(16),
    state: stateOfVmcs(machine, launched),
    groups: groups.map(({ group, fields }) => ({
      group: groupTitles[group],
      fields: fields.map(({ encoding, value, bits, ...field }) => ({
        ...field,
        bits: counted(encoding, bits, countOf),
        place: place(encoding, digits.VMCS),
        value: value.toString(16),
      })),
    })),
    other: otherNames(machine, "VMCS", countOf),
    ...(failure ? { failure: { ...failure, place: place(failure.encoding, digits.VMCS) } } : {}),
  };
}

function vmcbNow(machine: MachineInterface, countOf: CountOf): ControlBlock | undefined {
  const view = machine.vmcb();
  if (!view) return undefined;
  const { address, groups, failure } = view;
  return {
    kind: "VMCB",
    address: address.toString(16),
    state: "The built-in VMM's. Its state save area holds what the last #VMEXIT saved.",
    groups: groups.map(({ group, fields }) => ({
      group,
      fields: fields.map(({ offset, value, bits, ...field }) => ({
        ...field,
        bits: counted(offset, bits, countOf),
        place: place(offset, digits.VMCB),
        value: value.toString(16),
      })),
    })),
    other: otherNames(machine, "VMCB", countOf),
    ...(failure ? { failure: { ...failure, place: place(failure.offset, digits.VMCB) } } : {}),
  };
}

/** Why there is no control block, as a sentence. */
export function absence(machine: MachineInterface): string {
  const { vmx } = machine;
  const { technique } = machine.configuration;
  if (vmx?.hypervisor !== "guest")
    return `Under ${technique} the processor uses no control block: choose VT-x or AMD-V, or write a hypervisor of your own for bare metal.`;
  return vmx.operation === "off"
    ? "VMX is off: no VMXON has been executed yet. For the built-in VMM's control block choose VT-x or AMD-V."
    : "No VMCS is current: the guest's hypervisor has to load one with VMPTRLD.";
}

function lastExit(machine: MachineInterface) {
  const { lastSequence } = machine;
  const exit = machine.events(Math.max(0, lastSequence - mostEvents), mostEvents, ["exit"]).at(-1);
  return exit?.kind === "exit" ? { exit: { sequence: exit.sequence, reason: exit.reason } } : {};
}

/** Answers `ringside/controlBlock`, with what the bits did if a tally is given; changes nothing. */
export function controlBlockNow(machine: MachineInterface, tally?: ControlTally): ControlBlockNow {
  const moment = { step: machine.now, cycle: machine.cycle, ...lastExit(machine) };
  const counts = tally?.counts();
  const countIn =
    (block: "VMCS" | "VMCB"): CountOf =>
    (bit) =>
      canDecide(block, bit) ? counts?.(bit) : undefined;
  const block = vmcsNow(machine, countIn("VMCS")) ?? vmcbNow(machine, countIn("VMCB"));
  const missed = tally && tally.reader.missed > 0 ? { missed: tally.reader.missed } : {};
  return block ? { ...moment, ...missed, block } : { ...moment, absent: absence(machine) };
}
