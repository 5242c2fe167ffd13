import { passthroughMsrs, passthroughPorts } from "../../../isa/passthrough.ts";
import type { HypervisorOptions } from "../../configuration/machine-configuration.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { accessBits } from "../../cpu/layout.ts";
import { CR0, TR } from "../../cpu/state.ts";
import { adjust } from "../../vmx/capabilities.ts";
import { type ControlName, controls, controlWord } from "../../vmx/controls.ts";
import { makeEptp } from "../../vmx/ept.ts";
import { saveGuest } from "../../vmx/guest-state.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import { Vmcs, vmcsBytes } from "../../vmx/vmcs.ts";
import type { Allocator } from "../allocator.ts";
import type { VmmContext } from "../context.ts";
import { pauseLoopOf } from "../options.ts";
import type { HardwareShared } from "./hardware-shared.ts";

/** CR4.VMXE: 1 in VMX operation; the VMM hides it behind mask and shadow. */
const vmxe = 0x2000n;

function clearBit(memory: HostMemory, map: number, bit: number): void {
  const view = memory.bytes(map, 4096);
  const byte = bit >> 3;
  view.setUint8(byte, view.getUint8(byte) & ~(1 << (bit & 7)));
}

/** Bitmaps A and B, one after the other: a 1 for every port that exits. */
export function makeIoBitmaps(memory: HostMemory, allocator: Allocator): number {
  const map = allocator.pages(2);
  memory.fill(map, 8192, 0xff);
  for (const port of passthroughPorts) clearBit(memory, map, port);
  return map;
}

/** Read-low, read-high, write-low, write-high, 1024 bytes each. */
export function makeMsrBitmaps(memory: HostMemory, allocator: Allocator): number {
  const map = allocator.page();
  memory.fill(map, 4096, 0xff);
  for (const msr of passthroughMsrs) {
    const bit = (msr >= 0xc0000000 ? 8192 : 0) + (msr & 0x1fff);
    clearBit(memory, map, bit);
    clearBit(memory, map, 16384 + bit);
  }
  return map;
}

/** How the guest's memory is virtualized. */
export type MemoryVirtualization = "nested" | "shadow";

/** What the VMM has the processor do, whatever the guest's memory is virtualized by. */
const usualControls = {
  pin: ["externalInterruptExiting"],
  primary: ["tscOffsetting", "hltExiting", "ioBitmaps", "msrBitmaps", "secondaryControls"],
  secondary: ["vpid", "rdtscp", "invpcid"],
  exit: ["hostAddressSpaceSize", "saveDebugControls", "savePat", "exitLoadPat", "saveEfer", "exitLoadEfer"],
  entry: ["loadDebugControls", "entryLoadPat", "entryLoadEfer"],
} as const satisfies Record<string, readonly ControlName[]>;

/** Without EPT the VMM must see whatever the guest does to its translations. */
const memoryControls = {
  nested: { primary: [], secondary: ["ept", "unrestrictedGuest"] },
  shadow: { primary: ["invlpgExiting", "cr3LoadExiting", "cr3StoreExiting"], secondary: [] },
} as const satisfies Record<MemoryVirtualization, Record<string, readonly ControlName[]>>;

/** Set when they are needed. */
const passingControls = ["interruptWindowExiting", "ia32eModeGuest"] as const satisfies readonly ControlName[];

/** The controls that are ever in force while the VMM's guest runs, if nobody else writes into its VMCS. */
export function vmmControls(memory: MemoryVirtualization, options: HypervisorOptions): ReadonlySet<ControlName> {
  const loop = pauseLoopOf(options) ? (["pauseLoopExiting"] as const) : [];
  const { primary, secondary } = memoryControls[memory];
  return new Set([...Object.values(usualControls).flat(), ...primary, ...secondary, ...passingControls, ...loop]);
}

function setControls(vmcs: Vmcs, memory: MemoryVirtualization): void {
  const { pin, primary, secondary, exit, entry } = usualControls;
  const more = memoryControls[memory];
  const set = (field: Parameters<typeof adjust>[0], ...names: readonly ControlName[]) =>
    vmcs.set(field, adjust(field, controlWord(...names)));
  set("pinControls", ...pin);
  set("primaryControls", ...primary, ...more.primary);
  set("secondaryControls", ...secondary, ...more.secondary);
  set("exitControls", ...exit);
  set("entryControls", ...entry);
}

/** Page faults leave the guest whatever their error code: bit 14 of the exception bitmap, mask and match 0. */
const pageFaults = 1 << 14;

/**
 * Host state: what the processor would load on an exit to run the VMM. Our VMM is no x86 program, so nothing of it is
 * ever executed; the values are those of a 64-bit VMM, and pass the entry checks.
 */
function setHostState(vmcs: Vmcs): void {
  vmcs.set("hostCr0", 0x80050033n);
  vmcs.set("hostCr4", 0x2020n);
  vmcs.set("hostEfer", 0xd01n);
  vmcs.set("hostPat", 0x0007040600070406n);
  vmcs.set("hostCsSelector", 0x08);
  vmcs.set("hostSsSelector", 0x10);
  vmcs.set("hostDsSelector", 0x10);
  vmcs.set("hostEsSelector", 0x10);
  vmcs.set("hostTrSelector", 0x18);
}

/** The VMCS of a virtual CPU, which is in the processor's present state. */
export function setUpVmcs({ cpu, options }: VmmContext, shared: HardwareShared, vcpu: number): Vmcs {
  const address = shared.block(vcpu);
  const vmcs = new Vmcs(shared.memory.bytes(address, vmcsBytes), address);
  vmcs.clear();
  setControls(vmcs, shared.virtualization);
  setHostState(vmcs);
  vmcs.set("ioBitmapA", shared.ioMap);
  vmcs.set("ioBitmapB", shared.ioMap + 4096);
  vmcs.set("msrBitmaps", shared.msrMap);
  if (shared.nestedRoot !== undefined) vmcs.set("eptPointer", makeEptp(shared.nestedRoot, true));
  else vmcs.set("exceptionBitmap", pageFaults);
  vmcs.set("vpid", 1 + vcpu);
  setPauseLoop(vmcs, pauseLoopOf(options));
  vmcs.set("vmcsLinkPointer", 0xffff_ffff_ffff_ffffn);
  takeState(cpu, vmcs);
  return vmcs;
}

function setPauseLoop(vmcs: Vmcs, loop: ReturnType<typeof pauseLoopOf>): void {
  if (!loop) return;
  vmcs.setBit("secondaryControls", controls.pauseLoopExiting.bit, true);
  vmcs.set("pauseLoopGap", loop.gap);
  vmcs.set("pauseLoopWindow", loop.window);
}

/** Makes the processor's state, as the guest is to see it, the state of the VMCS. */
export function takeState(cpu: Cpu, vmcs: Vmcs): void {
  saveGuest(cpu, vmcs);
  if ((cpu.access(TR) & accessBits.unusable) !== 0 || (cpu.access(TR) & accessBits.p) === 0) {
    // VM entry needs a TR that is usable; software cannot see the difference before it loads one.
    vmcs.set("guestTrAccess", 0x8b);
    vmcs.set("guestTrLimit", 0xffff);
  }
  ownControlBits(vmcs);
}

/** CR0.NE and CR4.VMXE must be 1 in VMX operation: the VMM owns them, and the guest sees its own values. */
function ownControlBits(vmcs: Vmcs): void {
  const ne = BigInt(CR0.NE);
  vmcs.set("cr0Mask", ne);
  vmcs.set("cr0Shadow", vmcs.get("guestCr0"));
  vmcs.set("guestCr0", vmcs.get("guestCr0") | ne);
  vmcs.set("cr4Mask", vmxe);
  vmcs.set("cr4Shadow", vmcs.get("guestCr4"));
  vmcs.set("guestCr4", vmcs.get("guestCr4") | vmxe);
}
