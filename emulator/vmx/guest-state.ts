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

/** Places to copy between, in units of the width: [in the VMCS, in the state block]. */
function copies(bits: 16 | 32 | 64): readonly (readonly [number, number])[] {
  const unit = bits === 16 ? 2 : 4;
  return plainFields
    .filter(([field]) => encodingParts(vmcsFields[field].encoding).bits === bits)
    .map(([field, place]) => [fieldOffset(vmcsFields[field].encoding) / unit, place / unit]);
}
const copies16 = copies(16);
const copies32 = copies(32);
const copies64 = copies(64);

/** The interruptibility of the state block without the processor's own marks. */
const interruptibilityMask = 0x1f;
/** Pending debug exceptions: BS, a single step that is still to be delivered. */
export const pendingSingleStep = 1n << 14n;

/** Writes the guest's state into the VMCS (SDM Vol. 3, 28.3). General registers other than RSP are the VMM's to save. */
export function saveGuest(cpu: Cpu, vmcs: Vmcs): void {
  const { words, halves } = vmcs;
  const { u32, r16 } = cpu;
  for (const [to, from] of copies16) halves[to] = r16[from]!;
  for (const [to, from] of copies32) words[to] = u32[from]!;
  for (const [to, from] of copies64) {
    words[to] = u32[from]!;
    words[to + 1] = u32[from + 1]!;
  }
  vmcs.set("guestRflags", cpu.flags >>> 0);
  vmcs.set("guestInterruptibility", cpu.interruptibility & interruptibilityMask);
  vmcs.set("guestPendingDebug", 0);
  if (isOn(vmcs, "saveDebugControls")) vmcs.set("guestDr7", cpu.r64[(layout.debug >> 3) + 7]!);
  if (isOn(vmcs, "savePat")) vmcs.set("guestPat", cpu.r64[layout.pat >> 3]!);
  if (isOn(vmcs, "saveEfer")) vmcs.set("guestEfer", cpu.r64[layout.efer >> 3]!);
  // The guest may have changed its mode by itself: the control follows EFER.LMA (SDM Vol. 3, 28.2).
  if (isOn(vmcs, "unrestrictedGuest")) vmcs.setBit("entryControls", controls.ia32eModeGuest.bit, cpu.longMode);
}

/** Loads the guest's state from a VMCS that has passed the entry checks (SDM Vol. 3, 27.3.2). */
export function loadGuest(cpu: Cpu, vmcs: Vmcs): void {
  const { words, halves } = vmcs;
  const { u32, r16 } = cpu;
  for (const [from, to] of copies16) r16[to] = halves[from]!;
  for (const [from, to] of copies32) u32[to] = words[from]!;
  for (const [from, to] of copies64) {
    u32[to] = words[from]!;
    u32[to + 1] = words[from + 1]!;
  }
  if (isOn(vmcs, "loadDebugControls")) cpu.r64[(layout.debug >> 3) + 7] = vmcs.get("guestDr7");
  if (isOn(vmcs, "entryLoadPat")) cpu.r64[layout.pat >> 3] = vmcs.get("guestPat");
  if (isOn(vmcs, "entryLoadEfer")) cpu.r64[layout.efer >> 3] = vmcs.get("guestEfer");
  loadUsual(cpu, vmcs);
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
  const stepDue = (vmcs.get("guestPendingDebug") & pendingSingleStep) !== 0n;
  cpu.interruptibility = vmcs.number("guestInterruptibility") | (stepDue ? stepArmed : 0);
  if (isOn(vmcs, "tscOffsetting")) cpu.r64[layout.tscOffset >> 3] = vmcs.get("tscOffset");
  cpu.flags = vmcs.number("guestRflags");
}
