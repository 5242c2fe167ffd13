import type { Cpu } from "../cpu/cpu.ts";
import { stepArmed } from "../cpu/interrupts.ts";
import { layout, segmentBytes, segmentLayout } from "../cpu/layout.ts";
import { SS } from "../cpu/state.ts";
import { controls, isOn } from "./controls.ts";
import { guestSegments } from "./entry-checks-guest.ts";
import { fieldOffset, type Vmcs } from "./vmcs.ts";
import { encodingParts, type VmcsField, vmcsFields } from "./vmcs-fields.ts";

const segmentField = (segment: number, part: keyof typeof segmentLayout): number =>
  layout.segments + segment * segmentBytes + segmentLayout[part];

/** Guest-state fields that are words of the processor's state block as they stand, with the place of each there. */
const plainFields: readonly (readonly [VmcsField, number])[] = [
  ["guestCr0", layout.cr0],
  ["guestCr3", layout.cr3],
  ["guestCr4", layout.cr4],
  ["guestRip", layout.rip],
  ["guestRsp", layout.registers + 4 * 8],
  ["guestGdtrBase", layout.gdtrBase],
  ["guestGdtrLimit", layout.gdtrLimit],
  ["guestIdtrBase", layout.idtrBase],
  ["guestIdtrLimit", layout.idtrLimit],
  ["guestActivity", layout.activity],
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

/** Places to copy between, in units of `unit` bytes: in the VMCS and, at the same index, in the state block. */
function copies(widths: readonly number[], unit: 2 | 4): { readonly vmcs: Uint16Array; readonly state: Uint16Array } {
  const fields = plainFields
    .map(([field, place]) => ({ place, encoding: vmcsFields[field].encoding }))
    .filter(({ encoding }) => widths.includes(encodingParts(encoding).bits))
    .flatMap(({ place, encoding }) => {
      const words = Math.max(1, encodingParts(encoding).bits / 32);
      return Array.from({ length: words }, (_, n) => [fieldOffset(encoding) / unit + n, place / unit + n] as const);
    });
  return { vmcs: Uint16Array.from(fields, ([at]) => at), state: Uint16Array.from(fields, ([, at]) => at) };
}
const halfCopies = copies([16], 2);
const wordCopies = copies([32, 64], 4);

/** Copies what has the same form in both. */
function copyPlain({ u32, r16 }: Cpu, { words, halves }: Vmcs, toVmcs: boolean): void {
  const { vmcs: halfTo, state: halfFrom } = halfCopies;
  const { vmcs: to, state: from } = wordCopies;
  if (toVmcs) {
    for (let n = 0; n < halfTo.length; n++) halves[halfTo[n]!] = r16[halfFrom[n]!]!;
    for (let n = 0; n < to.length; n++) words[to[n]!] = u32[from[n]!]!;
  } else {
    for (let n = 0; n < halfTo.length; n++) r16[halfFrom[n]!] = halves[halfTo[n]!]!;
    for (let n = 0; n < to.length; n++) u32[from[n]!] = words[to[n]!]!;
  }
}

/** The interruptibility of the state block without the processor's own marks. */
const interruptibilityMask = 0x1f;
/** Pending debug exceptions: BS, a single step that is still to be delivered. */
export const pendingSingleStep = 1n << 14n;
/** B3 to B0, and that one of them is an enabled breakpoint. */
const pendingBreakpoints = 0xfn;
const enabledBreakpoint = 1n << 12n;
const pendingDebug = layout.pendingDebug >> 2;

/** The field as it is saved: breakpoints met whose trap is held back. */
export const savedDebug = (causes: number): bigint =>
  (causes & 0xf) === 0 ? 0n : BigInt(causes & 0xf) | enabledBreakpoint;

/** Writes the guest's state into the VMCS (SDM Vol. 3, 28.3). General registers other than RSP are the VMM's to save. */
export function saveGuest(cpu: Cpu, vmcs: Vmcs): void {
  copyPlain(cpu, vmcs, true);
  vmcs.set("guestRflags", cpu.flags >>> 0);
  vmcs.set("guestInterruptibility", cpu.interruptibility & interruptibilityMask);
  vmcs.set("guestPendingDebug", savedDebug(cpu.r32[pendingDebug]!));
  if (isOn(vmcs, "saveDebugControls")) vmcs.set("guestDr7", cpu.r64[(layout.debug >> 3) + 7]!);
  if (isOn(vmcs, "savePat")) vmcs.set("guestPat", cpu.r64[layout.pat >> 3]!);
  if (isOn(vmcs, "saveEfer")) vmcs.set("guestEfer", cpu.r64[layout.efer >> 3]!);
  // The guest may have changed its mode by itself: the control follows EFER.LMA (SDM Vol. 3, 28.2).
  if (isOn(vmcs, "unrestrictedGuest")) vmcs.setBit("entryControls", controls.ia32eModeGuest.bit, cpu.longMode);
}

/** Loads the guest's state from a VMCS that has passed the entry checks (SDM Vol. 3, 27.3.2). */
export function loadGuest(cpu: Cpu, vmcs: Vmcs): void {
  copyPlain(cpu, vmcs, false);
  if (isOn(vmcs, "loadDebugControls")) cpu.r64[(layout.debug >> 3) + 7] = vmcs.get("guestDr7");
  if (isOn(vmcs, "entryLoadPat")) cpu.r64[layout.pat >> 3] = vmcs.get("guestPat");
  if (isOn(vmcs, "entryLoadEfer")) cpu.r64[layout.efer >> 3] = vmcs.get("guestEfer");
  loadUsual(cpu, vmcs);
  cpu.tlb.switchTo(cpu.pcid);
  cpu.setCpl((cpu.access(SS) >> 5) & 3);
}

/** Fields that a VMM usually changes between an exit and the next entry: `loadUsual` loads what of the guest is in them. */
export const usualFields: readonly VmcsField[] = [
  "guestRip",
  "guestRflags",
  "guestInterruptibility",
  "guestPendingDebug",
  "guestActivity",
  "tscOffset",
  "primaryControls",
  "entryInterruptionInfo",
  "entryErrorCode",
  "entryInstructionLength",
  "cr0Shadow",
  "cr4Shadow",
];

/** Loads only `usualFields`: enough where nothing else of the VMCS has changed since the guest's state was saved. */
export function loadUsual(cpu: Cpu, vmcs: Vmcs): void {
  cpu.r64[layout.rip >> 3] = vmcs.get("guestRip");
  cpu.activity = vmcs.number("guestActivity");
  const debug = vmcs.get("guestPendingDebug");
  const stepDue = (debug & pendingSingleStep) !== 0n;
  cpu.r32[pendingDebug] = Number(debug & pendingBreakpoints);
  cpu.interruptibility = vmcs.number("guestInterruptibility") | (stepDue ? stepArmed : 0);
  if (isOn(vmcs, "tscOffsetting")) cpu.r64[layout.tscOffset >> 3] = vmcs.get("tscOffset");
  cpu.flags = vmcs.number("guestRflags");
}
