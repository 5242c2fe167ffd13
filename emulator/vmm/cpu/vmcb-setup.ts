import { passthroughMsrs, passthroughPorts } from "../../../isa/passthrough.ts";
import type { HypervisorOptions } from "../../configuration/machine-configuration.ts";
import { saveGuest, saveHidden } from "../../svm/guest-state.ts";
import { type InterceptName, intercepts, interceptWord } from "../../svm/intercepts.ts";
import { iopmBytes, type MapBit, msrBit, msrpmBytes, portBit } from "../../svm/permission-maps.ts";
import { virtualInterrupt } from "../../svm/virtual-interrupt.ts";
import { Vmcb, vmcbBytes } from "../../svm/vmcb.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import type { Allocator } from "../allocator.ts";
import type { VmmContext } from "../context.ts";
import { pauseLoopOf } from "../options.ts";
import type { HardwareShared } from "./hardware-shared.ts";
import type { MemoryVirtualization } from "./vmcs-setup.ts";

const pageBytes = 4096;

function clearBit(map: DataView, { byte, bit }: MapBit): void {
  map.setUint8(byte, map.getUint8(byte) & ~(1 << bit));
}

/** A map in memory of its own with a 1 for everything but the bits given. */
function makeMap(memory: HostMemory, allocator: Allocator, bytes: number, clear: readonly MapBit[]): number {
  const address = allocator.pages(bytes / pageBytes);
  memory.fill(address, bytes, 0xff);
  const view = memory.bytes(address, bytes);
  for (const bit of clear) clearBit(view, bit);
  return address;
}

/** What VT-x makes leave the guest too, and what AMD-V asks a VMM to intercept: all instructions of SVM itself. */
const intercepted = {
  vector3: ["INTR", "NMI", "CPUID", "INVD", "HLT", "INVLPGA", "IOIO", "MSR", "SHUTDOWN"],
  vector4: ["VMRUN", "VMMCALL", "VMLOAD", "VMSAVE", "STGI", "CLGI", "SKINIT"],
} as const satisfies Record<string, readonly InterceptName[]>;

/** Without nested paging the VMM must see whatever the guest does to its translations, by task switches too. */
const interceptedForShadow = {
  vector3: ["CR0_SEL_WRITE", "INVLPG", "TASK_SWITCH"],
  vector5: ["INVPCID"],
} as const satisfies Record<string, readonly InterceptName[]>;
const pagingRegisters = [0, 3, 4] as const;
const pagingRegisterBits = pagingRegisters.reduce((word: number, register) => word | (1 << register), 0);

const invalidOpcode = 6;
const pageFault = 14;

const shadowIntercepts = [
  ...Object.values(interceptedForShadow).flat(),
  ...pagingRegisters.flatMap((register) => [`CR${register}_READ`, `CR${register}_WRITE`]),
  `EXCP${pageFault}`,
];

/** All that the VMM ever intercepts, by the names of exit codes, if nobody else writes into its VMCB. */
export function vmmIntercepts(memory: MemoryVirtualization, options: HypervisorOptions): ReadonlySet<string> {
  const loop = pauseLoopOf(options) ? ["PAUSE"] : [];
  const passing: InterceptName = "VINTR";
  const usual = [...Object.values(intercepted).flat(), `EXCP${invalidOpcode}`, passing, ...loop];
  return new Set(memory === "shadow" ? [...usual, ...shadowIntercepts] : usual);
}

/** The I/O permission map. */
export const makeIoMap = (memory: HostMemory, allocator: Allocator): number =>
  makeMap(
    memory,
    allocator,
    iopmBytes,
    passthroughPorts.map((port) => portBit(port)),
  );

/** The MSR permission map. */
export function makeMsrMap(memory: HostMemory, allocator: Allocator): number {
  const bits = passthroughMsrs.flatMap((msr) => [msrBit(msr, false), msrBit(msr, true)]);
  return makeMap(
    memory,
    allocator,
    msrpmBytes,
    bits.filter((bit) => bit !== undefined),
  );
}

/** The VMCB of a virtual CPU, which is in the processor's present state. */
export function setUpVmcb({ cpu, options }: VmmContext, shared: HardwareShared, vcpu: number): Vmcb {
  const address = shared.block(vcpu);
  const vmcb = new Vmcb(shared.memory.bytes(address, vmcbBytes), address);
  vmcb.set("vector3", interceptWord(...intercepted.vector3));
  vmcb.set("vector4", interceptWord(...intercepted.vector4));
  // VMCALL raises #UD here: a guest that was written for VT-x means a hypercall by it.
  vmcb.set("exceptions", 1 << invalidOpcode);
  vmcb.set("iopmBase", shared.ioMap);
  vmcb.set("msrpmBase", shared.msrMap);
  vmcb.set("asid", 1 + vcpu);
  setPauseFilter(vmcb, pauseLoopOf(options));
  if (shared.nestedRoot !== undefined) {
    vmcb.set("nestedControl", 1);
    vmcb.set("nestedCr3", shared.nestedRoot);
  } else interceptPaging(vmcb);
  virtualInterrupt.setMasking(vmcb, true);
  virtualInterrupt.setNmiEnabled(vmcb, true);
  saveGuest(cpu, vmcb);
  saveHidden(cpu, vmcb);
  return vmcb;
}

function setPauseFilter(vmcb: Vmcb, loop: ReturnType<typeof pauseLoopOf>): void {
  if (!loop) return;
  vmcb.setBit("vector3", intercepts.PAUSE.bit, true);
  vmcb.set("pauseFilterCount", loop.count);
  vmcb.set("pauseFilterThreshold", loop.gap);
}

function interceptPaging(vmcb: Vmcb): void {
  const { vector3, vector5 } = interceptedForShadow;
  vmcb.set("vector3", (vmcb.number("vector3") | interceptWord(...vector3)) >>> 0);
  vmcb.set("vector5", interceptWord(...vector5));
  vmcb.set("crReads", pagingRegisterBits);
  vmcb.set("crWrites", pagingRegisterBits);
  vmcb.set("exceptions", vmcb.number("exceptions") | (1 << pageFault));
}
