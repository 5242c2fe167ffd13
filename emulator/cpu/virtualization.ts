import type { Decoded } from "../../isa/operands.ts";
import type { VmxCall } from "../../isa/system.ts";

/**
 * VMX as a feature of the processor, for software that runs on it as a hypervisor (`vmx/operation.ts`). A processor without
 * it raises #UD for the instructions, keeps CR4.VMXE reserved, and has none of the MSRs.
 */
export interface Virtualization {
  /** One of its instructions, outside non-root operation or where it does not leave the guest. Throws faults. */
  execute(call: VmxCall, decoded: Decoded): void;
  /** Whether VMX operation allows a value of CR0 or CR4; any outside it (SDM Vol. 3, 24.8). */
  allows(register: 0 | 4, value: bigint): boolean;
  /** INIT has come: true if it is not to act now. In root operation it stays pending; a guest is left by it. */
  holdsInit(): "pending" | "left" | undefined;
  /** A start-up message has come for a processor that waits: true if it made the guest leave. */
  onStartUp(vector: number): boolean;
  /** The state block was replaced: another processor is in the core, or another moment has come. */
  review(): void;
}

/** `layout.vmxOperation`. */
export const vmxOperation = { off: 0, root: 1, nonRoot: 2 } as const;
