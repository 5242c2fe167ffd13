import { waitForSipi } from "../cpu/context.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { stepArmed } from "../cpu/interrupts.ts";
import { layout, segmentBytes, segmentLayout } from "../cpu/layout.ts";
import { SS } from "../cpu/state.ts";
import { controls, inForce } from "./controls.ts";
import { guestSegments } from "./entry-checks-guest.ts";
import { eventType } from "./qualification.ts";
import { fieldOffset, type Vmcs, wordOf } from "./vmcs.ts";
import { encodingParts, type VmcsField, vmcsFields } from "./vmcs-fields.ts";

const segmentField = (segment: number, part: keyof typeof segmentLayout): number =>
  layout.segments + segment * segmentBytes + segmentLayout[part];

/**
 * Guest-state fields that are words of the processor's state block as they stand, with the place of each there: all but the
 * usual ones, and RSP, which changes all the time and which no check reads.
 */
const plainFields: readonly (readonly [VmcsField, number])[] = [
  ["guestCr0", layout.cr0],
  ["guestCr3", layout.cr3],
  ["guestCr4", layout.cr4],
  ["guestGdtrBase", layout.gdtrBase],
  ["guestGdtrLimit", layout.gdtrLimit],
  ["guestIdtrBase", layout.idtrBase],
  ["guestIdtrLimit", layout.idtrLimit],
  ["guestSysenterCs", layout.sysenterCs],
  ["guestSysenterEsp", layout.sysenterEsp],
  ["guestSysenterEip", layout.sysenterEip],
  ["guestPdpte0", layout.pdptes],
  ["guestPdpte1", layout.pdptes + 8],
  ["guestPdpte2", layout.pdptes + 16],
  ["guestPdpte3", layout.pdptes + 24],
  ...guestSegments.flatMap((names, n): (readonly [VmcsField, number])[] => [
    [names.selector, segmentField(n, "selector")],
    [names.access, segmentField(n, "access")],
    [names.limit, segmentField(n, "limit")],
    [names.base, segmentField(n, "base")],
  ]),
];

interface Copy {
  readonly view: "words" | "halves";
  /** Index in that view of the VMCS, and in the state block's view of the same width. */
  readonly vmcs: number;
  readonly state: number;
}

const copies: readonly Copy[] = plainFields.flatMap(([field, place]) => {
  const { encoding } = vmcsFields[field];
  const { bits } = encodingParts(encoding);
  const unit = bits === 16 ? 2 : 4;
  return Array.from({ length: Math.max(1, bits / 32) }, (_, n) => ({
    view: unit === 2 ? ("halves" as const) : ("words" as const),
    vmcs: fieldOffset(encoding) / unit + n,
    state: place / unit + n,
  }));
});

/**
 * One statement a word: at every exit, and in a loop over tables it would take several times as long. The views of the VMCS are
 * `words` and `halves`, those of the state block `wordsOf` and `halvesOf`.
 */
const unrolled = (statement: (copy: Copy) => string, begin = "", end = "") =>
  new Function(
    "words",
    "halves",
    "wordsOf",
    "halvesOf",
    ['"use strict";', begin, ...copies.map(statement), end].join("\n"),
  );

type Views = [words: Uint32Array, halves: Uint16Array, wordsOf: Uint32Array, halvesOf: Uint16Array];
const load = unrolled(({ view, vmcs, state }) => `${view}Of[${state}] = ${view}[${vmcs}];`) as (
  ...views: Views
) => void;
const save = unrolled(
  ({ view, vmcs, state }) =>
    `now = ${view}Of[${state}]; differences |= ${view}[${vmcs}] ^ now; ${view}[${vmcs}] = now;`,
  "let now, differences = 0;",
  "return differences !== 0;",
) as (...views: Views) => boolean;

/** Copies what has the same form in both from the VMCS. */
const loadPlain = ({ u32, r16 }: Cpu, { words, halves }: Vmcs): void => load(words, halves, u32, r16);

/** Copies what has the same form in both to the VMCS; true if any of it was different. */
const savePlain = ({ u32, r16 }: Cpu, { words, halves }: Vmcs): boolean => save(words, halves, u32, r16);

/** Saves a 64-bit field that is in the state block at a byte offset; true if it was different. */
function saveWide({ u32 }: Cpu, { words }: Vmcs, at: number, offset: number): boolean {
  const low = u32[offset >> 2]!;
  const high = u32[(offset >> 2) + 1]!;
  const differs = words[at] !== low || words[at + 1] !== high;
  words[at] = low;
  words[at + 1] = high;
  return differs;
}

/** Loads a 64-bit field to the state block at a byte offset. */
function loadWide({ u32 }: Cpu, { words }: Vmcs, at: number, offset: number): void {
  u32[offset >> 2] = words[at]!;
  u32[(offset >> 2) + 1] = words[at + 1]!;
}

/** The interruptibility of the state block without the processor's own marks. */
const interruptibilityMask = 0xf;
/** Pending debug exceptions: BS, a single step that is still to be delivered. */
export const pendingSingleStep = 1 << 14;
/** B3 to B0, and that one of them is an enabled breakpoint. */
const pendingBreakpoints = 0xf;
const enabledBreakpoint = 1 << 12;
const pendingDebug = layout.pendingDebug >> 2;
const dr7 = layout.debug + 7 * 8;
const rsp = layout.registers + 4 * 8;

/** Places in `Vmcs.words`. */
const at = {
  rip: wordOf("guestRip"),
  rsp: wordOf("guestRsp"),
  rflags: wordOf("guestRflags"),
  interruptibility: wordOf("guestInterruptibility"),
  injection: wordOf("entryInterruptionInfo"),
  pendingDebug: wordOf("guestPendingDebug"),
  activity: wordOf("guestActivity"),
  dr7: wordOf("guestDr7"),
  pat: wordOf("guestPat"),
  efer: wordOf("guestEfer"),
  tscOffset: wordOf("tscOffset"),
} as const;

/** The field as it is saved: breakpoints met whose trap is held back. */
export const savedDebug = (causes: number): number =>
  (causes & pendingBreakpoints) === 0 ? 0 : (causes & pendingBreakpoints) | enabledBreakpoint;

/** Writes the guest's state into the VMCS (SDM Vol. 3, 28.3). General registers other than RSP are the VMM's to save. */
export function saveGuest(cpu: Cpu, vmcs: Vmcs): void {
  const { words } = vmcs;
  saveWide(cpu, vmcs, at.rip, layout.rip);
  saveWide(cpu, vmcs, at.rsp, rsp);
  words[at.activity] = cpu.activity;
  words[at.rflags] = cpu.flags;
  words[at.rflags + 1] = 0;
  words[at.interruptibility] = cpu.interruptibility & interruptibilityMask;
  words[at.pendingDebug] = savedDebug(cpu.r32[pendingDebug]!);
  words[at.pendingDebug + 1] = 0;
  let differs = savePlain(cpu, vmcs);
  if (inForce(vmcs, controls.saveDebugControls)) differs = saveWide(cpu, vmcs, at.dr7, dr7) || differs;
  if (inForce(vmcs, controls.savePat)) differs = saveWide(cpu, vmcs, at.pat, layout.pat) || differs;
  if (inForce(vmcs, controls.saveEfer)) differs = saveWide(cpu, vmcs, at.efer, layout.efer) || differs;
  if (differs) vmcs.revision++;
  // The guest may have changed its mode by itself: the control follows EFER.LMA (SDM Vol. 3, 28.2).
  const { ia32eModeGuest } = controls;
  if (inForce(vmcs, controls.unrestrictedGuest) && inForce(vmcs, ia32eModeGuest) !== cpu.longMode)
    vmcs.setBit("entryControls", ia32eModeGuest.bit, cpu.longMode);
}

/** Loads the guest's state from a VMCS that has passed the entry checks (SDM Vol. 3, 27.3.2). */
export function loadGuest(cpu: Cpu, vmcs: Vmcs): void {
  loadPlain(cpu, vmcs);
  loadWide(cpu, vmcs, at.rsp, rsp);
  if (inForce(vmcs, controls.loadDebugControls)) loadWide(cpu, vmcs, at.dr7, dr7);
  if (inForce(vmcs, controls.entryLoadPat)) loadWide(cpu, vmcs, at.pat, layout.pat);
  if (inForce(vmcs, controls.entryLoadEfer)) loadWide(cpu, vmcs, at.efer, layout.efer);
  loadUsual(cpu, vmcs);
  cpu.tlb.switchTo(cpu.pcid);
  cpu.setCpl((cpu.access(SS) >> 5) & 3);
}

const blockedByMovSs = 2;
const blockedByStiOrMovSs = 3;

const injectedType = ({ words }: Vmcs): number => (words[at.injection]! >> 8) & 7;

/** Whether the entry brings an event to be delivered: a pending MTF VM exit is none. */
const isVectoring = (vmcs: Vmcs): boolean =>
  vmcs.words[at.injection]! >>> 31 === 1 && injectedType(vmcs) !== eventType.other;

/**
 * The pending debug exceptions that an entry makes pending (SDM Vol. 3, 27.7.3): none without BS or an enabled breakpoint, none in wait for SIPI,
 * and none where an event is injected, unless that is what an instruction behind MOV SS asked for.
 */
function enteredDebug(vmcs: Vmcs): number {
  const debug = vmcs.number("guestPendingDebug");
  const type = injectedType(vmcs);
  const bySoftware = type === eventType.softwareInterrupt || type === eventType.softwareException;
  const lasts = isVectoring(vmcs)
    ? bySoftware && (vmcs.number("guestInterruptibility") & blockedByMovSs) !== 0
    : vmcs.number("guestActivity") !== waitForSipi;
  return lasts && (debug & (pendingSingleStep | enabledBreakpoint)) !== 0 ? debug : 0;
}

/** Loads only the usual fields: enough where nothing else of the VMCS has changed since the guest's state was saved. */
export function loadUsual(cpu: Cpu, vmcs: Vmcs): void {
  const { words } = vmcs;
  loadWide(cpu, vmcs, at.rip, layout.rip);
  cpu.activity = words[at.activity]!;
  const debug = words[at.pendingDebug]! === 0 ? 0 : enteredDebug(vmcs);
  const stepDue = (debug & pendingSingleStep) !== 0;
  cpu.r32[pendingDebug] = debug & pendingBreakpoints;
  // Behind an event that is injected nothing blocks (SDM Vol. 3, 27.7.1).
  const blocking = isVectoring(vmcs) ? ~blockedByStiOrMovSs : -1;
  cpu.interruptibility = (words[at.interruptibility]! & blocking) | (stepDue ? stepArmed : 0);
  if (inForce(vmcs, controls.tscOffsetting)) loadWide(cpu, vmcs, at.tscOffset, layout.tscOffset);
  cpu.flags = words[at.rflags]!;
}
