import { flagMask } from "../../../isa/flags.ts";
import { combine } from "../../cpu/exceptions.ts";
import { hardwareFault, vector, vectorName } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import { CR4, signedNumber } from "../../cpu/state.ts";
import { tripleFaultText } from "../../stop-texts.ts";
import { bitsOf } from "../../vmx/bit-layout.ts";
import { eventOf } from "../../vmx/entry.ts";
import { requestOf } from "../memory/shadow-faults.ts";
import { emulate } from "./emulations.ts";
import type { HardwareAssisted } from "./hardware-assisted.ts";
import { instructionAt } from "./trap-reasons.ts";
import type { VtxShadow } from "./vtx-shadow.ts";

type Handler = (vm: HardwareAssisted, shadow: VtxShadow) => string | undefined;

const RF = flagMask("RF");

/** Executes the instruction at the exit by its one semantics, on the guest's own registers; what it raises is injected. */
function interpret(vm: HardwareAssisted): string {
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

/** The event whose delivery the exit interrupted. */
const interrupted = (vm: HardwareAssisted) =>
  eventOf(
    vm.readNumber("idtVectoringInfo"),
    vm.readNumber("idtVectoringErrorCode"),
    vm.readNumber("exitInstructionLength"),
  );

const pageFault: Handler = (vm, { guest }) => {
  const linear = vm.read("exitQualification");
  const event = interrupted(vm);
  const fault = { ...hardwareFault(vector.PF, vm.readNumber("exitErrorCode")), address: linear };
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
};

type Event = NonNullable<ReturnType<typeof interrupted>>;

/** The fault is the guest's. Where it came while another event was delivered, they combine as the processor combines them. */
function reflect(
  vm: HardwareAssisted,
  event: Event | undefined,
  fault: ReturnType<typeof hardwareFault>,
): string | undefined {
  vm.cpu.r64[layout.cr2 >> 3] = fault.address ?? 0n;
  const combination = event ? combine(event, fault) : "serial";
  if (combination === "serial") return vm.injectException(vector.PF, fault.errorCode);
  if (combination === "double") return vm.injectException(vector.DF, 0);
  vm.context.stop("triple-fault", tripleFaultText);
  return undefined;
}

/** Delivers an event in the processor's place, where its delivery touches what the shadow tables cannot map. */
function deliver(vm: HardwareAssisted, event: Event): string {
  const { cpu } = vm;
  if (event.kind === "interrupt") cpu.interrupt(event.vector);
  else if (cpu.inject(event) && event.source !== "hardware") vm.completed(1);
  vm.writeBack();
  return `delivered ${event.kind === "interrupt" ? `interrupt ${event.vector}` : vectorName(event.vector)} to the guest`;
}

const exception: Handler = (vm, shadow) => {
  const info = vm.readNumber("exitInterruptionInfo");
  if ((info & 0xff) === vector.PF) return pageFault(vm, shadow);
  throw new RangeError(`exception ${info & 0xff} left the guest, and the VMM has not asked for it`);
};

/** MOV to and from CR3, and writes of CR0 and CR4 that change what the VMM owns. */
const controlRegister: Handler = (vm, { guest }) =>
  emulate(vm, () => {
    const q = vm.read("exitQualification");
    const [register, type] = [Number(bitsOf(q, 3, 0)), Number(bitsOf(q, 5, 4))];
    const source = vm.cpu.r64[Number(bitsOf(q, 11, 8))]!;
    if (register === 4 && type === 0 && (source & BigInt(CR4.VMXE)) !== 0n) return vm.injectException(vector.GP, 0);
    const done = interpret(vm);
    if (register === 3 && type === 0) guest.loadedRoot();
    return `${done} (CR${register})`;
  });

const invlpg: Handler = (vm, { guest }) =>
  emulate(vm, () => {
    const done = interpret(vm);
    const linear = vm.read("exitQualification");
    guest.faults.invalidated(vm.cpu.longMode ? signedNumber(linear) : Number(linear));
    return done;
  });

const invpcid: Handler = (vm, { guest }) =>
  emulate(vm, () => {
    const done = interpret(vm);
    guest.faults.flushed("the guest executed INVPCID");
    return done;
  });

/** What a VMM without EPT does about exits beyond what it does with EPT, by exit reason. */
export const shadowHandlers: Readonly<Record<string, Handler>> = {
  EXCEPTION_NMI: exception,
  CR_ACCESS: controlRegister,
  INVLPG: invlpg,
  INVPCID: invpcid,
};
