import type { Cpu } from "../../cpu/cpu.ts";
import { cpuidLeaf, identityOf } from "../../cpu/cpuid.ts";
import { debugCause } from "../../cpu/debug-registers.ts";
import { hardwareFault, isFault, vector, vectorName } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import type { Fault } from "../../cpu/monitor.ts";
import { readMsr, writeMsr } from "../../cpu/msr.ts";
import { readDescriptor } from "../../cpu/segmentation.ts";
import { switchTask, type TaskSwitch } from "../../cpu/task-switch.ts";
import { tripleFaultText } from "../../stop-texts.ts";
import { kvmCpuid } from "../kvm/features.ts";
import { kvmHypercall } from "../kvm/hypercalls.ts";
import { readKvmMsr, renewClock, writeKvmMsr } from "../kvm/msrs.ts";
import { yieldProcessor } from "../yielding.ts";
import type { HardwareVmm, RegisterVmm } from "./hardware-vmm.ts";

/** What a VMM does about an exit, in words; undefined if the guest is not to be resumed (yet). */
export type Emulation = (vm: HardwareVmm) => string | undefined;

const [RAX, RCX, RDX, RBX] = [0, 1, 2, 3];
const GP = 13;
const TS = 10;

const register32 = (vm: RegisterVmm, number: number): number => vm.cpu.u32[number * 2]!;
/** A write of a 32-bit register clears the upper half. */
const setRegister32 = (vm: RegisterVmm, number: number, value: number): void => {
  const { u32 } = vm.cpu;
  u32[2 * number] = value;
  u32[2 * number + 1] = 0;
};

/** Runs an emulation that may raise an exception in the guest; if it does, injects that instead. */
export function emulate(vm: HardwareVmm, act: () => string): string {
  try {
    return act();
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    if (thrown.address !== undefined) vm.cpu.r64[layout.cr2 >> 3] = thrown.address;
    return vm.injectException(thrown.vector, thrown.errorCode);
  }
}

export const cpuid = (vm: RegisterVmm): string => {
  const leaf = register32(vm, RAX);
  const result =
    kvmCpuid(leaf, vm.context.options.withoutFeatures) ??
    cpuidLeaf(leaf, register32(vm, RCX), identityOf(vm.cpu, vm.guestIs64));
  const hypervisorBit = leaf === 1 ? 0x8000_0000 : 0;
  setRegister32(vm, RAX, result.eax);
  setRegister32(vm, RBX, result.ebx);
  setRegister32(vm, RCX, result.ecx | hypervisorBit);
  setRegister32(vm, RDX, result.edx);
  vm.advance();
  return "emulated CPUID";
};

/** IA32_TIME_STAMP_COUNTER and IA32_TSC_ADJUST. */
const timeStampMsrs: ReadonlySet<number> = new Set([0x10, 0x3b]);

function setPair(vm: RegisterVmm, value: bigint): void {
  setRegister32(vm, RAX, Number(value & 0xffffffffn));
  setRegister32(vm, RDX, Number(value >> 32n));
}

const pair = (vm: RegisterVmm): bigint => (BigInt(register32(vm, RDX)) << 32n) | BigInt(register32(vm, RAX));

/** RDMSR and WRMSR of KVM's registers, which take no control block: what was done; undefined for other registers. May raise #GP. */
export function accessKvmMsr(vm: RegisterVmm, reason: "RDMSR" | "WRMSR"): string | undefined {
  const number = register32(vm, RCX);
  if (reason === "WRMSR") {
    const said = writeKvmMsr(vm.kvm, number, pair(vm));
    if (said !== undefined) vm.advance();
    return said;
  }
  const value = readKvmMsr(vm.kvm, number);
  if (value === undefined) return undefined;
  setPair(vm, value);
  vm.advance();
  return "emulated RDMSR";
}

export const rdmsr: Emulation = (vm) =>
  emulate(vm, () => {
    const kvm = accessKvmMsr(vm, "RDMSR");
    if (kvm !== undefined) return kvm;
    setPair(vm, readMsr(vm.cpu, register32(vm, RCX)));
    vm.advance();
    return "emulated RDMSR";
  });

export const wrmsr: Emulation = (vm) =>
  emulate(vm, () => {
    const kvm = accessKvmMsr(vm, "WRMSR");
    if (kvm !== undefined) return kvm;
    const number = register32(vm, RCX);
    writeMsr(vm.cpu, number, pair(vm));
    vm.writeBack();
    if (timeStampMsrs.has(number)) renewClock(vm.kvm);
    vm.advance();
    return "emulated WRMSR";
  });

export const hlt: Emulation = (vm) => {
  vm.advance();
  if (vm.kvm.takeKick()) return "it had been kicked already";
  return vm.wait() ? "an interrupt was already waiting" : undefined;
};

/** The page of a device is never mapped for longer than the VMM takes to execute the instruction that touches it. */
export function accessDevice(vm: HardwareVmm, at: number): string {
  vm.nestedPaging.map(at);
  try {
    vm.context.interpret();
  } finally {
    vm.nestedPaging.unmap(at);
    vm.cpu.flushTlb(true);
  }
  vm.writeBack();
  vm.completed(1);
  vm.stepped();
  return `emulated the access to the device at guest-physical ${at.toString(16).toUpperCase()}h`;
}

export const externalInterrupt: Emulation = () => "let the device models run";
export const interruptWindow: Emulation = () => "the window is open";

export const tripleFault: Emulation = (vm) => {
  vm.context.stop("triple-fault", tripleFaultText);
  return undefined;
};

const resumeFlag = 0x10000;

/** A task switch that left the guest before anything of it had happened. */
export interface TaskSwitchExit {
  readonly selector: number;
  readonly source: TaskSwitch["source"];
  /** Set where an event went through a task gate: an instruction asked for it, or it was a fault. */
  readonly event: "software" | "fault" | "other" | undefined;
  readonly errorCode: number | undefined;
  /** Bytes of the instruction; 0 for events that none asked for. */
  readonly length: number;
}

/** The control block has no place for a debug trap by the T bit of a TSS. */
function deliverTaskTrap(cpu: Cpu): void {
  const pending = layout.pendingDebug >> 2;
  const causes = cpu.r32[pending]!;
  if ((causes & debugCause.task) === 0) return;
  cpu.r32[pending] = 0;
  cpu.deliver({ ...hardwareFault(vector.DB), debug: causes });
}

/**
 * As the processor does it outside a guest (SDM Vol. 3, 26.4.2; APM Vol. 2, 15.14.1). A fault of the new task is delivered here:
 * the state in which it happens, with segments that could not be loaded, cannot be entered.
 */
export function emulateTaskSwitch(vm: HardwareVmm, exit: TaskSwitchExit): string {
  const { selector, source, event, errorCode, length } = exit;
  const hardware = event !== undefined && event !== "software";
  const descriptor = readDescriptor(vm.cpu, selector);
  if (!descriptor) return vm.injectException(TS, selector & 0xfffc);
  let fault: Fault | undefined;
  try {
    switchTask(vm.cpu, {
      selector,
      descriptor,
      source,
      returnTo: (vm.cpu.rip + (hardware ? 0 : length)) >>> 0,
      savedFlags: event === "fault" ? resumeFlag : 0,
      errorCode,
      ext: hardware ? 1 : 0,
      length,
    });
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    fault = thrown;
    vm.cpu.deliver(thrown);
  }
  deliverTaskTrap(vm.cpu);
  vm.writeBack();
  if (!fault && !hardware) vm.completed(1);
  const name = `the task switch to TSS ${selector.toString(16).toUpperCase()}h`;
  return fault ? `emulated ${name}, which raised ${vectorName(fault.vector)}` : `emulated ${name}`;
}

export const answerHypercall = (vm: RegisterVmm): string => {
  const wide = vm.guestIs64;
  const at = (number: number): bigint => BigInt.asUintN(wide ? 64 : 32, vm.cpu.r64[number]!);
  const registers = [RBX, RCX, RDX, 6].map(at);
  const from = { cpl: vm.guestCpl, bits: wide ? 64 : 32 } as const;
  const { result, event } = kvmHypercall(vm.kvm, at(RAX), registers, from);
  vm.context.record(event);
  vm.cpu.r64[RAX] = BigInt.asUintN(wide ? 64 : 32, result);
  vm.advance();
  return `hypercall ${event.name}`;
};

/** A long loop of PAUSE: the guest waits for somebody, who may not run because it does. */
export const pause: Emulation = (vm) => {
  vm.advance();
  return yieldProcessor(vm.context, "spins in a loop of PAUSE");
};

/** INVD and WBINVD: the emulated caches hold nothing that memory does not. */
export const caches: Emulation = (vm) => {
  vm.advance();
  return "nothing to do";
};

export const xsetbv: Emulation = (vm) => vm.injectException(GP, 0);
