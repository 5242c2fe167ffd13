import { vector } from "../../cpu/fault.ts";
import { writeCr0, writeCr4 } from "../../cpu/modes.ts";
import { bitsOf } from "../../vmx/bit-layout.ts";
import { vmxInstructions } from "../../vmx/exit-rules.ts";
import { saveGuest } from "../../vmx/guest-state.ts";
import { emulatePort } from "../io/emulated.ts";
import {
  accessDevice,
  answerHypercall,
  caches,
  cpuid,
  emulate,
  emulateTaskSwitch,
  externalInterrupt,
  hlt,
  interruptWindow,
  pause,
  rdmsr,
  tripleFault,
  wrmsr,
  xsetbv,
} from "./emulations.ts";
import type { VtxVmm } from "./vtx-vmm.ts";

type Handler = (vm: VtxVmm) => string | undefined;

const GP = 13;
const vmxe = 0x2000n;

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

function generalValue(vm: VtxVmm, qualification: bigint): bigint {
  const value = vm.cpu.r64[Number(bitsOf(qualification, 11, 8))]!;
  return vm.guestIs64 ? value : value & 0xffffffffn;
}

/** Bits of the exit qualification for I/O instructions. */
const qualificationBit = { in: 8, string: 0x10, rep: 0x20 } as const;

const io: Handler = (vm) => {
  const q = vm.readNumber("exitQualification");
  const string = (q & qualificationBit.string) !== 0;
  const info = string ? BigInt(vm.readNumber("exitInstructionInfo")) : 0n;
  const access = {
    port: q >>> 16,
    bytes: (q & 7) + 1,
    isIn: (q & qualificationBit.in) !== 0,
    rep: (q & qualificationBit.rep) !== 0,
    string: string && { addressBits: 16 << Number(bitsOf(info, 9, 7)), segment: Number(bitsOf(info, 17, 15)) },
  };
  return emulate(vm, () => emulatePort(vm, access));
};

const eptViolation: Handler = (vm) => {
  const at = Number(vm.read("guestPhysicalAddress"));
  if (vm.cpu.bus.claims(at)) return emulate(vm, () => accessDevice(vm, at));
  const done = vm.nestedPaging.map(at);
  vm.redeliver();
  return done;
};

const eptMisconfiguration: Handler = (vm) => {
  const at = vm.read("guestPhysicalAddress").toString(16).toUpperCase();
  vm.context.stop(
    "unsupported",
    `The EPT entry for guest-physical address ${at}h is misconfigured; the VMM made no such entry.`,
  );
  return undefined;
};

const taskSources = ["call", "iret", "jump", "gate"] as const;
/** Types of interruption information whose event an instruction asked for (SDM Vol. 3, 25.9.2). */
const bySoftware = new Set([4, 5, 6]);

const taskSwitch: Handler = (vm) => {
  const qualification = vm.read("exitQualification");
  const info = vm.readNumber("idtVectoringInfo");
  const type = (info >> 8) & 7;
  const kind = bySoftware.has(type) ? "software" : type === 3 && (info & 0xff) !== 1 ? "fault" : "other";
  return emulateTaskSwitch(vm, {
    selector: Number(bitsOf(qualification, 15, 0)),
    source: taskSources[Number(bitsOf(qualification, 31, 30))]!,
    event: info >>> 31 === 1 ? kind : undefined,
    errorCode: ((info >> 11) & 1) === 1 ? vm.readNumber("idtVectoringErrorCode") : undefined,
    length: vm.readNumber("exitInstructionLength"),
  });
};

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
  VMCALL: answerHypercall,
  PAUSE: pause,
  INVD: caches,
  WBINVD: caches,
  XSETBV: xsetbv,
  ...Object.fromEntries(vmxInstructions.map((reason) => [reason, noVmx])),
};
