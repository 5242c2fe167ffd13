import { flagMask } from "../../../isa/flags.ts";
import { combine } from "../../cpu/exceptions.ts";
import { vector, vectorName } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import type { Fault } from "../../cpu/monitor.ts";
import { tripleFaultText } from "../../stop-texts.ts";
import { requestOf } from "../memory/shadow-faults.ts";
import type { ShadowedGuest } from "../memory/shadowed-guest.ts";
import { emulate } from "./emulations.ts";
import type { HardwareVmm } from "./hardware-vmm.ts";
import { deliverInjected, type InjectedEvent } from "./injection.ts";
import { instructionAt } from "./trap-reasons.ts";

const RF = flagMask("RF");

/** Executes the instruction at the exit by its one semantics, on the guest's own registers; what it raises is injected. */
export function interpret(vm: HardwareVmm): string {
  const { cpu } = vm;
  const decoded = instructionAt(cpu);
  const repeated = decoded !== undefined && decoded.repeat !== "none";
  const start = cpu.rip;
  do {
    vm.context.interpret();
    vm.completed(1);
  } while (repeated && cpu.rip === start && !vm.trapsDue);
  if (repeated && cpu.rip !== start) cpu.eflags &= ~RF;
  vm.writeBack();
  vm.stepped();
  return `emulated ${decoded?.row.mnemonic.toUpperCase() ?? "the instruction"}`;
}

/** A page fault of a guest with shadow page tables has left it; `event` is what was being delivered then. */
export function handlePageFault(
  vm: HardwareVmm,
  guest: ShadowedGuest,
  fault: Fault,
  event: InjectedEvent | undefined,
): string | undefined {
  const outcome = guest.faults.handle(requestOf(fault, event !== undefined, vm.cpu.longMode));
  switch (outcome.kind) {
    case "guest":
      return reflect(vm, event, { ...fault, errorCode: outcome.errorCode });
    case "emulate":
      return event ? deliver(vm, event) : emulate(vm, () => interpret(vm));
    case "hidden":
      vm.redeliver();
      return outcome.what;
    case "traced":
      throw new RangeError("no page is traced in a guest on virtualization hardware");
  }
}

/** The fault is the guest's. Where it came while another event was delivered, they combine as the processor combines them. */
function reflect(vm: HardwareVmm, event: InjectedEvent | undefined, fault: Fault): string | undefined {
  vm.cpu.r64[layout.cr2 >> 3] = fault.address ?? 0n;
  const combination = event ? combine(event, fault) : "serial";
  if (combination === "serial") return vm.injectException(vector.PF, fault.errorCode);
  if (combination === "double") return vm.injectException(vector.DF, 0);
  vm.context.stop("triple-fault", tripleFaultText);
  return undefined;
}

/** Delivers an event in the processor's place, which has tried, where its delivery touches what the shadow tables cannot map. */
function deliver(vm: HardwareVmm, event: InjectedEvent): string {
  if (deliverInjected(vm.context, event, true)) vm.completed(1);
  vm.writeBack();
  return `delivered ${event.kind === "interrupt" ? `interrupt ${event.vector}` : vectorName(event.vector)} to the guest`;
}
