import { passthroughMsrs, passthroughPorts } from "../../../isa/passthrough.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { saveGuest, saveHidden } from "../../svm/guest-state.ts";
import { type InterceptName, interceptWord } from "../../svm/intercepts.ts";
import { iopmBytes, type MapBit, msrBit, msrpmBytes, portBit } from "../../svm/permission-maps.ts";
import { virtualInterrupt } from "../../svm/virtual-interrupt.ts";
import { Vmcb, vmcbBytes } from "../../svm/vmcb.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import type { Allocator } from "../allocator.ts";
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
/** CR0, CR3 and CR4. */
const pagingRegisters = 0x19;

const invalidOpcode = 6;
const pageFault = 14;

/** A VMCB for a guest in the processor's present state, with its permission maps and perhaps empty nested page tables, in the VMM's memory. */
export function setUpVmcb(
  cpu: Cpu,
  memory: HostMemory,
  allocator: Allocator,
  virtualization: MemoryVirtualization,
): Vmcb {
  const address = allocator.page();
  const vmcb = new Vmcb(memory.bytes(address, vmcbBytes), address);
  vmcb.set("vector3", interceptWord(...intercepted.vector3));
  vmcb.set("vector4", interceptWord(...intercepted.vector4));
  // VMCALL raises #UD here: a guest that was written for VT-x means a hypercall by it.
  vmcb.set("exceptions", 1 << invalidOpcode);
  vmcb.set(
    "iopmBase",
    makeMap(
      memory,
      allocator,
      iopmBytes,
      passthroughPorts.map((port) => portBit(port)),
    ),
  );
  const msrBits = passthroughMsrs.flatMap((msr) => [msrBit(msr, false), msrBit(msr, true)]);
  vmcb.set(
    "msrpmBase",
    makeMap(
      memory,
      allocator,
      msrpmBytes,
      msrBits.filter((bit) => bit !== undefined),
    ),
  );
  vmcb.set("asid", 1);
  if (virtualization === "nested") {
    vmcb.set("nestedControl", 1);
    vmcb.set("nestedCr3", allocator.page());
  } else interceptPaging(vmcb);
  virtualInterrupt.setMasking(vmcb, true);
  virtualInterrupt.setNmiEnabled(vmcb, true);
  saveGuest(cpu, vmcb);
  saveHidden(cpu, vmcb);
  return vmcb;
}

function interceptPaging(vmcb: Vmcb): void {
  const { vector3, vector5 } = interceptedForShadow;
  vmcb.set("vector3", (vmcb.number("vector3") | interceptWord(...vector3)) >>> 0);
  vmcb.set("vector5", interceptWord(...vector5));
  vmcb.set("crReads", pagingRegisters);
  vmcb.set("crWrites", pagingRegisters);
  vmcb.set("exceptions", vmcb.number("exceptions") | (1 << pageFault));
}
