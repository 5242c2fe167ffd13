import { hardwareFault, vector } from "../../cpu/fault.ts";
import { CR4, signedNumber } from "../../cpu/state.ts";
import { bitsOf } from "../../vmx/bit-layout.ts";
import { eventOf } from "../../vmx/entry.ts";
import { emulate } from "./emulations.ts";
import { handlePageFault, interpret } from "./shadow-emulations.ts";
import type { VtxShadow } from "./vtx-shadow.ts";
import type { VtxVmm } from "./vtx-vmm.ts";

type Handler = (vm: VtxVmm, shadow: VtxShadow) => string | undefined;

/** The event whose delivery the exit interrupted. */
const interrupted = (vm: VtxVmm) =>
  eventOf(
    vm.readNumber("idtVectoringInfo"),
    vm.readNumber("idtVectoringErrorCode"),
    vm.readNumber("exitInstructionLength"),
  );

const pageFault: Handler = (vm, { guest }) => {
  const address = vm.read("exitQualification");
  const fault = { ...hardwareFault(vector.PF, vm.readNumber("exitErrorCode")), address };
  return handlePageFault(vm, guest, fault, interrupted(vm));
};

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

const handlers: Readonly<Record<string, Handler>> = {
  EXCEPTION_NMI: exception,
  CR_ACCESS: controlRegister,
  INVLPG: invlpg,
  INVPCID: invpcid,
};

/** What a VMM without EPT does about exits beyond what it does with EPT, by exit reason. */
export const handlersWith = (shadow: VtxShadow): Record<string, (vm: VtxVmm) => string | undefined> =>
  Object.fromEntries(Object.entries(handlers).map(([reason, handle]) => [reason, (vm) => handle(vm, shadow)]));
