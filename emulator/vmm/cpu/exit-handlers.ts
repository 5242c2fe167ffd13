import type { Cpu } from "../../cpu/cpu.ts";
import { cpuidLeaf, identityOf } from "../../cpu/cpuid.ts";
import { debugCause } from "../../cpu/debug-registers.ts";
import { hardwareFault, isFault, vector, vectorName } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import { writeCr0, writeCr4 } from "../../cpu/modes.ts";
import type { Fault } from "../../cpu/monitor.ts";
import { readMsr, writeMsr } from "../../cpu/msr.ts";
import { readDescriptor } from "../../cpu/segmentation.ts";
import { switchTask } from "../../cpu/task-switch.ts";
import { tripleFaultText } from "../../stop-texts.ts";
import { bitsOf } from "../../vmx/bit-layout.ts";
import { vmxInstructions } from "../../vmx/exit-rules.ts";
import { saveGuest } from "../../vmx/guest-state.ts";
import { hypercall } from "../hypercall.ts";
import { emulatePort } from "../io/emulated.ts";
import type { HardwareAssisted } from "./hardware-assisted.ts";
import { hypervisorCpuid } from "./hypervisor-cpuid.ts";

type Handler = (vm: HardwareAssisted) => string | undefined;

const [RAX, RCX, RDX, RBX] = [0, 1, 2, 3];
const GP = 13;
const TS = 10;
const vmxe = 0x2000n;

const register32 = (vm: HardwareAssisted, number: number): number => vm.cpu.u32[number * 2]!;
/** A write of a 32-bit register clears the upper half. */
const setRegister32 = (vm: HardwareAssisted, number: number, value: number): void => {
  const { u32 } = vm.cpu;
  u32[2 * number] = value;
  u32[2 * number + 1] = 0;
};

/** Runs an emulation that may raise an exception in the guest; if it does, injects that instead. */
function emulate(vm: HardwareAssisted, act: () => string): string {
  try {
    return act();
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    if (thrown.address !== undefined) vm.cpu.r64[layout.cr2 >> 3] = thrown.address;
    return vm.injectException(thrown.vector, thrown.errorCode);
  }
}

const cpuid: Handler = (vm) => {
  const leaf = register32(vm, RAX);
  const result = hypervisorCpuid(leaf) ?? cpuidLeaf(leaf, register32(vm, RCX), identityOf(vm.cpu, vm.guestIs64));
  const hypervisorBit = leaf === 1 ? 0x8000_0000 : 0;
  setRegister32(vm, RAX, result.eax);
  setRegister32(vm, RBX, result.ebx);
  setRegister32(vm, RCX, result.ecx | hypervisorBit);
  setRegister32(vm, RDX, result.edx);
  vm.advance();
  return "emulated CPUID";
};

const rdmsr: Handler = (vm) =>
  emulate(vm, () => {
    const value = readMsr(vm.cpu, register32(vm, RCX));
    setRegister32(vm, RAX, Number(value & 0xffffffffn));
    setRegister32(vm, RDX, Number(value >> 32n));
    vm.advance();
    return "emulated RDMSR";
  });

const wrmsr: Handler = (vm) =>
  emulate(vm, () => {
    const value = (BigInt(register32(vm, RDX)) << 32n) | BigInt(register32(vm, RAX));
    writeMsr(vm.cpu, register32(vm, RCX), value);
    saveGuest(vm.cpu, vm.vmcs);
    vm.write("tscOffset", vm.cpu.r64[layout.tscOffset >> 3]!);
    vm.advance();
    return "emulated WRMSR";
  });

/** Only writes that change bits the VMM owns come here: CR0.NE and CR4.VMXE. */
const controlRegister: Handler = (vm) =>
  emulate(vm, () => {
    const q = vm.read("exitQualification");
    const register = Number(bitsOf(q, 3, 0));
    const type = Number(bitsOf(q, 5, 4));
    if (type === 3 || register === 0) {
      const shadow = (vm.vmcs.get("guestCr0") & ~vm.read("cr0Mask")) | (vm.read("cr0Shadow") & vm.read("cr0Mask"));
      const source = type === 3 ? (shadow & ~0xen) | (bitsOf(q, 31, 16) & 0xfn) : generalValue(vm, q);
      writeCr0(vm.cpu, source);
      vm.write("cr0Shadow", source);
    } else {
      const value = generalValue(vm, q);
      if ((value & vmxe) !== 0n) return vm.injectException(GP, 0);
      writeCr4(vm.cpu, value);
      vm.write("cr4Shadow", value);
    }
    saveGuest(vm.cpu, vm.vmcs);
    vm.advance();
    return `emulated the write of CR${register}`;
  });

function generalValue(vm: HardwareAssisted, qualification: bigint): bigint {
  const value = vm.cpu.r64[Number(bitsOf(qualification, 11, 8))]!;
  return vm.guestIs64 ? value : value & 0xffffffffn;
}

const io: Handler = (vm) => emulate(vm, () => emulatePort(vm));

const hlt: Handler = (vm) => {
  vm.advance();
  return vm.wait() ? "an interrupt was already waiting" : undefined;
};

const eptViolation: Handler = (vm) => {
  const at = Number(vm.read("guestPhysicalAddress"));
  if (vm.cpu.bus.claims(at)) return emulate(vm, () => accessDevice(vm, at));
  const done = vm.nestedPaging.map(at);
  vm.redeliver();
  return done;
};

/** The page of a device is never mapped for longer than the VMM takes to execute the instruction that touches it. */
function accessDevice(vm: HardwareAssisted, at: number): string {
  vm.nestedPaging.map(at);
  try {
    vm.context.interpret();
  } finally {
    vm.nestedPaging.unmap(at);
    vm.cpu.flushTlb(true);
  }
  saveGuest(vm.cpu, vm.vmcs);
  vm.completed(1);
  vm.stepped();
  return `emulated the access to the device at guest-physical ${at.toString(16).toUpperCase()}h`;
}

const eptMisconfiguration: Handler = (vm) => {
  const at = vm.read("guestPhysicalAddress").toString(16).toUpperCase();
  vm.context.stop(
    "unsupported",
    `The EPT entry for guest-physical address ${at}h is misconfigured; the VMM made no such entry.`,
  );
  return undefined;
};

const externalInterrupt: Handler = () => "let the device models run";
const interruptWindow: Handler = () => "the window is open";

const tripleFault: Handler = (vm) => {
  vm.context.stop("triple-fault", tripleFaultText);
  return undefined;
};

const taskSources = ["call", "iret", "jump", "gate"] as const;
const resumeFlag = 0x10000;
/** Types of interruption information whose event an instruction asked for (SDM Vol. 3, 25.9.2). */
const bySoftware = new Set([4, 5, 6]);

/** The VMCS has no place for a debug trap by the T bit of a TSS. */
function deliverTaskTrap(cpu: Cpu): void {
  const pending = layout.pendingDebug >> 2;
  const causes = cpu.r32[pending]!;
  if ((causes & debugCause.task) === 0) return;
  cpu.r32[pending] = 0;
  cpu.deliver({ ...hardwareFault(vector.DB), debug: causes });
}

/**
 * As the processor does it outside VMX non-root operation (SDM Vol. 3, 26.4.2). A fault of the new task is delivered here: the
 * state in which it happens, with segments that could not be loaded, cannot be entered.
 */
const taskSwitch: Handler = (vm) => {
  const qualification = vm.read("exitQualification");
  const selector = Number(bitsOf(qualification, 15, 0));
  const source = taskSources[Number(bitsOf(qualification, 31, 30))]!;
  const info = vm.readNumber("idtVectoringInfo");
  const event = info >>> 31 === 1;
  const software = event && bySoftware.has((info >> 8) & 7);
  const byFault = event && ((info >> 8) & 7) === 3 && (info & 0xff) !== 1;
  let fault: Fault | undefined;
  const descriptor = readDescriptor(vm.cpu, selector);
  if (!descriptor) return vm.injectException(TS, selector & 0xfffc);
  const length = vm.readNumber("exitInstructionLength");
  const returnTo = vm.cpu.rip + (event && !software ? 0 : length);
  try {
    switchTask(vm.cpu, {
      selector,
      descriptor,
      source,
      returnTo: returnTo >>> 0,
      savedFlags: byFault ? resumeFlag : 0,
      errorCode: ((info >> 11) & 1) === 1 ? vm.readNumber("idtVectoringErrorCode") : undefined,
      ext: event && !software ? 1 : 0,
      length,
    });
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    fault = thrown;
    vm.cpu.deliver(thrown);
  }
  deliverTaskTrap(vm.cpu);
  saveGuest(vm.cpu, vm.vmcs);
  if (!fault && (!event || software)) vm.completed(1);
  const name = `the task switch to TSS ${selector.toString(16).toUpperCase()}h`;
  return fault ? `emulated ${name}, which raised ${vectorName(fault.vector)}` : `emulated ${name}`;
};

const vmcall: Handler = (vm) => {
  const wide = vm.guestIs64;
  const at = (number: number): bigint => BigInt.asUintN(wide ? 64 : 32, vm.cpu.r64[number]!);
  const { result, event } = hypercall(at(RAX), [RBX, RCX, RDX, 6].map(at), vm.guestCpl);
  vm.context.record(event);
  vm.cpu.r64[RAX] = BigInt.asUintN(wide ? 64 : 32, result);
  vm.advance();
  return `hypercall ${event.name}`;
};

/** INVD and WBINVD: the emulated caches hold nothing that memory does not. */
const caches: Handler = (vm) => {
  vm.advance();
  return "nothing to do";
};

const xsetbv: Handler = (vm) => vm.injectException(GP, 0);

/** VMX instructions: the guest's CPUID shows no VMX, and what that means is #UD. */
const noVmx: Handler = (vm) => vm.injectException(vector.UD);

/** The VMM's interpreter routines, by exit reason. */
export const exitHandlers: Readonly<Record<string, Handler>> = {
  CPUID: cpuid,
  RDMSR: rdmsr,
  WRMSR: wrmsr,
  CR_ACCESS: controlRegister,
  IO_INSTRUCTION: io,
  HLT: hlt,
  EPT_VIOLATION: eptViolation,
  EPT_MISCONFIGURATION: eptMisconfiguration,
  EXTERNAL_INTERRUPT: externalInterrupt,
  INTERRUPT_WINDOW: interruptWindow,
  TRIPLE_FAULT: tripleFault,
  TASK_SWITCH: taskSwitch,
  VMCALL: vmcall,
  INVD: caches,
  WBINVD: caches,
  XSETBV: xsetbv,
  ...Object.fromEntries(vmxInstructions.map((reason) => [reason, noVmx])),
};
