import type { StopReason } from "../trace/event.ts";
import type { HostMemory } from "./host-memory.ts";
import type { Vmcs } from "./vmcs.ts";

/** VMX-abort indicators (SDM Vol. 3, 28.7) that can come about here, in words. */
const aborts = {
  1: "an MSR of the VM-exit MSR-store area could not be stored",
  2: "the host's PDPTEs are not valid",
  4: "an MSR of the VM-exit MSR-load area could not be loaded",
  6: "the guest was in IA-32e mode, and the host is not to be",
} as const;
export type VmxAbort = keyof typeof aborts;

const abortIndicator = 4;

/** An exit cannot be completed: the processor notes why in the region, and shuts down. */
export function abortVmx(
  memory: HostMemory,
  vmcs: Vmcs,
  indicator: VmxAbort,
  stop: (reason: StopReason, text: string) => void,
): void {
  memory.write32(vmcs.address + abortIndicator, indicator);
  const text = `VMX abort ${indicator}: a VM exit could not be completed, for ${aborts[indicator]}. The processor shut down.`;
  stop("vmx-abort", text);
}
