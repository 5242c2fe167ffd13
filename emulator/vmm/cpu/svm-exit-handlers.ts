import { vector } from "../../cpu/fault.ts";
import type { intercepts } from "../../svm/intercepts.ts";
import { portOfInfo } from "../../svm/port-information.ts";
import { virtualInterrupt } from "../../svm/virtual-interrupt.ts";
import { emulatePort } from "../io/emulated.ts";
import {
  accessDevice,
  answerHypercall,
  caches,
  cpuid,
  emulate,
  externalInterrupt,
  hlt,
  interruptWindow,
  pause,
  rdmsr,
  tripleFault,
  wrmsr,
} from "./emulations.ts";
import type { SvmVmm } from "./svm-vmm.ts";

type Handler = (vm: SvmVmm) => string | undefined;

const msr: Handler = (vm) => (vm.vmcb.number("exitInfo1") === 1 ? wrmsr(vm) : rdmsr(vm));

const io: Handler = (vm) => {
  const { string, addressBits, segment, ...access } = portOfInfo(vm.vmcb.number("exitInfo1"));
  return emulate(vm, () => emulatePort(vm, { ...access, string: string && { addressBits, segment } }));
};

/** EXITINFO2 says where, EXITINFO1 why; which linear address it was nobody says, and nobody needs to know. */
const nestedPageFault: Handler = (vm) => {
  const at = vm.vmcb.physical("exitInfo2");
  if (vm.vmcb.bit("exitInfo1", 0)) {
    const where = at.toString(16).toUpperCase();
    const text = `The nested page-table entry for guest-physical address ${where}h forbids what the VMM allows.`;
    vm.context.stop("unsupported", text);
    return undefined;
  }
  if (vm.cpu.bus.claims(at)) return emulate(vm, () => accessDevice(vm, at));
  const done = vm.nestedPaging.map(at);
  vm.redeliver();
  return done;
};

/** The guest takes it when its virtual NMI mask lets it. */
const nmi: Handler = (vm) => {
  virtualInterrupt.setNmiWanted(vm.vmcb, true);
  vm.write("virtualInterrupt", vm.vmcb.number("virtualInterrupt"));
  return "made a virtual NMI pending";
};

const vmcall = [0x0f, 0x01, 0xc1] as const;

/**
 * VMCALL is no instruction on AMD's processors. A guest that means a hypercall by it gets one all the same, as KVM's documentation
 * of its hypercalls promises; every other #UD is the guest's.
 */
const invalidOpcode: Handler = (vm) =>
  emulate(vm, () => {
    const { cpu, vmcb } = vm;
    if (!vmcall.every((byte, n) => cpu.fetch8(cpu.rip + n) === byte)) return vm.injectException(vector.UD);
    vm.write("nextRip", BigInt.asUintN(64, vmcb.get("rip") + BigInt(vmcall.length)));
    return `${answerHypercall(vm)}, by VMCALL`;
  });

/** The guest's CPUID shows no SVM, and what that means is #UD. */
const noSvm: Handler = (vm) => vm.injectException(vector.UD);

const svmInstructions = [
  "VMRUN",
  "VMLOAD",
  "VMSAVE",
  "STGI",
  "CLGI",
  "SKINIT",
  "INVLPGA",
] as const satisfies readonly (keyof typeof intercepts)[];

/** The VMM's routines, by exit code. */
export const svmExitHandlers: Readonly<Record<string, Handler>> = {
  VMEXIT_CPUID: cpuid,
  VMEXIT_MSR: msr,
  VMEXIT_IOIO: io,
  VMEXIT_HLT: hlt,
  VMEXIT_INVD: caches,
  VMEXIT_VMMCALL: answerHypercall,
  VMEXIT_NPF: nestedPageFault,
  VMEXIT_PAUSE: pause,
  VMEXIT_INTR: externalInterrupt,
  VMEXIT_VINTR: interruptWindow,
  VMEXIT_NMI: nmi,
  VMEXIT_EXCP6: invalidOpcode,
  VMEXIT_SHUTDOWN: tripleFault,
  ...Object.fromEntries(svmInstructions.map((name) => [`VMEXIT_${name}`, noSvm])),
};
