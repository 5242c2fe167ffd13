import type { ControlName } from "./controls.ts";
import { controlOf, vmxInstructions } from "./exit-rules.ts";

/** Whatever the controls say, or by bitmaps and masks that have no control of their own. */
const always: readonly ControlName[] = [];

/** Exit reasons that more than one control decides, or none (SDM Vol. 3, 26.1 and 26.2). */
const others: Readonly<Record<string, readonly ControlName[]>> = {
  CPUID: always,
  CR_ACCESS: always,
  EXCEPTION_NMI: always,
  INIT: always,
  INVD: always,
  IO_INSTRUCTION: always,
  RDMSR: always,
  SIPI: always,
  TASK_SWITCH: always,
  TRIPLE_FAULT: always,
  VMCALL: always,
  VMENTRY_FAILURE_GUEST_STATE: always,
  VMENTRY_FAILURE_MSR: always,
  WRMSR: always,
  XSETBV: always,
  ...Object.fromEntries(vmxInstructions.map((name) => [name, always])),
  APIC_ACCESS: ["virtualizeApicAccesses"],
  APIC_WRITE: ["apicRegisterVirtualization", "virtualInterruptDelivery"],
  EPT_MISCONFIGURATION: ["ept"],
  EPT_VIOLATION: ["ept"],
  PAUSE: ["pauseExiting", "pauseLoopExiting"],
  PML_LOGFULL: ["pml"],
  TPR_THRESHOLD: ["tprShadow"],
  VIRTUALIZED_EOI: ["virtualInterruptDelivery"],
  VMFUNC: ["vmFunctions"],
};

/**
 * The controls one of which has to be in force for exits of a reason; none: they need no control. Undefined for reasons that the processor
 * never exits for, because it lacks what they are about.
 */
export function controlsFor(reason: string): readonly ControlName[] | undefined {
  const single = controlOf(reason);
  return single ? [single] : others[reason];
}
