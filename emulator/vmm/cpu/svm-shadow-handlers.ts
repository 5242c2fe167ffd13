import { hardwareFault, vector } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import { signedNumber } from "../../cpu/state.ts";
import { eventType, validEvent } from "../../svm/exit-information.ts";
import { eventOf } from "../../svm/vmrun.ts";
import { bitsOf } from "../../vmx/bit-layout.ts";
import { emulate, emulateTaskSwitch, type TaskSwitchExit } from "./emulations.ts";
import { handlePageFault, interpret } from "./shadow-emulations.ts";
import { softwareEventLength } from "./software-events.ts";
import type { SvmShadow } from "./svm-shadow.ts";
import type { SvmVmm } from "./svm-vmm.ts";
import { instructionAt } from "./trap-reasons.ts";

type Handler = (vm: SvmVmm, shadow: SvmShadow) => string | undefined;

const write3 = 0x13;

/** Bytes of the instruction that asked for the event whose delivery the exit interrupted, if one did. */
const askedBy = ({ cpu, vmcb }: SvmVmm): number | undefined =>
  softwareEventLength(cpu, vmcb.get("exitIntInfo"), vmcb.get("dr6"));

const pageFault: Handler = (vm, { guest }) => {
  const { vmcb } = vm;
  const fault = { ...hardwareFault(vector.PF, vmcb.number("exitInfo1")), address: vmcb.get("exitInfo2") };
  return handlePageFault(vm, guest, fault, eventOf(vmcb.get("exitIntInfo"), askedBy(vm) ?? 0));
};

/** MOV to CR0, CR3 and CR4, LMSW, SMSW, and CLTS: on the guest's own registers. */
const controlRegister: Handler = (vm, { guest }) =>
  emulate(vm, () => {
    const loadsRoot = vm.vmcb.number("exitCode") === write3;
    const done = interpret(vm);
    if (loadsRoot) guest.loadedRoot();
    return done;
  });

const moveBit = 1n << 63n;
const rsp = 4;

/** MOV from a control register: the decode assist in EXITINFO1 says to which general register, so that nothing need be decoded. */
const readControl =
  (register: string, offset: number): Handler =>
  (vm, shadow) => {
    const { cpu, vmcb } = vm;
    const info = vmcb.get("exitInfo1");
    if ((info & moveBit) === 0n) return controlRegister(vm, shadow);
    const general = Number(info & 0xfn);
    const value = cpu.r64[offset >> 3]!;
    cpu.r64[general] = vm.guestIs64 ? value : value & 0xffff_ffffn;
    if (general === rsp) vm.write("rsp", cpu.r64[rsp]!);
    vm.advance();
    return `read the guest's own ${register}`;
  };

const invlpg: Handler = (vm, { guest }) =>
  emulate(vm, () => {
    const linear = vm.vmcb.get("exitInfo1");
    const done = interpret(vm);
    guest.faults.invalidated(vm.cpu.longMode ? signedNumber(linear) : Number(linear));
    return done;
  });

const invpcid: Handler = (vm, { guest }) =>
  emulate(vm, () => {
    const done = interpret(vm);
    guest.faults.flushed("the guest executed INVPCID");
    return done;
  });

/** nRIP is not saved for task switches: the length of what caused one is for the VMM to find out. */
const taskSwitch: Handler = (vm) => {
  const { vmcb } = vm;
  const info2 = vmcb.get("exitInfo2");
  const set = (bit: number): boolean => bitsOf(info2, bit, bit) === 1n;
  const event = interruptedKind(vm);
  return emulateTaskSwitch(vm, {
    selector: vmcb.number("exitInfo1") & 0xffff,
    source: event ? "gate" : set(36) ? "iret" : set(38) ? "jump" : "call",
    event,
    errorCode: set(44) ? Number(bitsOf(info2, 31, 0)) : undefined,
    length: event ? (askedBy(vm) ?? 0) : (instructionAt(vm.cpu)?.length ?? 0),
  });
};

function interruptedKind(vm: SvmVmm): TaskSwitchExit["event"] {
  const info = vm.vmcb.get("exitIntInfo");
  if ((info & validEvent) === 0n) return undefined;
  if (askedBy(vm) !== undefined) return "software";
  const isFault = Number(bitsOf(info, 10, 8)) === eventType.exception && (info & 0xffn) !== BigInt(vector.DB);
  return isFault ? "fault" : "other";
}

/** What a VMM without nested paging does about exits beyond what it does with it, by exit code. */
export const svmShadowHandlers: Readonly<Record<string, Handler>> = {
  VMEXIT_EXCP14: pageFault,
  VMEXIT_CR0_READ: readControl("CR0", layout.cr0),
  VMEXIT_CR3_READ: readControl("CR3", layout.cr3),
  VMEXIT_CR4_READ: readControl("CR4", layout.cr4),
  VMEXIT_CR0_WRITE: controlRegister,
  VMEXIT_CR3_WRITE: controlRegister,
  VMEXIT_CR4_WRITE: controlRegister,
  VMEXIT_CR0_SEL_WRITE: controlRegister,
  VMEXIT_INVLPG: invlpg,
  VMEXIT_INVPCID: invpcid,
  VMEXIT_TASK_SWITCH: taskSwitch,
};
