import { physicalAddressBits } from "../mmu/physical.ts";
import { allowedControls, allowedFunctions } from "./capabilities.ts";
import { type ControlName, controlNames, isOn } from "./controls.ts";
import type { EntryCheck } from "./entry-checks.ts";
import { eptPointerRules } from "./ept.ts";
import { eventType } from "./qualification.ts";
import { apicRegister } from "./virtual-apic.ts";
import { eptpSwitching } from "./vm-functions.ts";
import type { Vmcs } from "./vmcs.ts";
import { type VmcsField, vmcsFields } from "./vmcs-fields.ts";

const unless = (condition: boolean, then: () => boolean): boolean => !condition || then();
export const isPhysical = (address: bigint): boolean => address >> BigInt(physicalAddressBits) === 0n;

type Word = keyof typeof allowedControls;

function capabilityChecks(field: Word, active: (v: Vmcs) => boolean): EntryCheck[] {
  const { must, may } = allowedControls[field];
  const name = vmcsFields[field].name;
  const checks: EntryCheck[] = [
    {
      id: `${field}.must-be-1`,
      field,
      sentence: `Reserved bits of the ${name} that must be 1 are 1.`,
      holds: (v) => unless(active(v), () => (v.number(field) & must) >>> 0 === must >>> 0),
    },
    {
      id: `${field}.must-be-0`,
      field,
      sentence: `The ${name} set only bits that the processor supports.`,
      holds: (v) => unless(active(v), () => (v.number(field) & ~may) >>> 0 === 0),
      culprit: (v) => `The processor does not have: ${controlNames(field, v.number(field) & ~may).join(", ")}.`,
    },
  ];
  return must === 0 ? checks.slice(1) : checks;
}

/** A physical address used while a control is 1. */
function addressCheck(field: VmcsField, control: ControlName, align: number): EntryCheck {
  return {
    id: `${field}.address`,
    field,
    sentence: `${vmcsFields[field].name} is aligned to ${align} bytes and within the physical-address width.`,
    holds: (v) => unless(isOn(v, control), () => (v.get(field) & BigInt(align - 1)) === 0n && isPhysical(v.get(field))),
  };
}

const requires = (
  id: string,
  field: VmcsField,
  control: ControlName,
  needs: ControlName,
  sentence: string,
): EntryCheck => ({
  id,
  field,
  sentence,
  holds: (v) => unless(isOn(v, control), () => isOn(v, needs)),
});

function msrArea(field: VmcsField, count: VmcsField): EntryCheck {
  return {
    id: `${field}.aligned`,
    field,
    sentence: `${vmcsFields[field].name} is aligned to 16 bytes and within the physical-address width if its count is not 0.`,
    holds: (v) => unless(v.number(count) !== 0, () => (v.get(field) & 15n) === 0n && isPhysical(v.get(field))),
  };
}

const translationChecks: readonly EntryCheck[] = [
  {
    id: "vpid.nonzero",
    field: "vpid",
    sentence: "With Enable VPID the VPID is not 0, which is the host's.",
    holds: (v) => unless(isOn(v, "vpid"), () => v.number("vpid") !== 0),
  },
  ...eptPointerRules.map(
    ({ id, sentence, holds }): EntryCheck => ({
      id,
      field: "eptPointer",
      sentence,
      holds: (v) => unless(isOn(v, "ept"), () => holds(v.get("eptPointer"))),
    }),
  ),
  requires("pml.ept", "secondaryControls", "pml", "ept", "Enable PML needs Enable EPT."),
  addressCheck("pmlAddress", "pml", 4096),
  requires(
    "unrestricted-guest.ept",
    "secondaryControls",
    "unrestrictedGuest",
    "ept",
    "Unrestricted guest needs Enable EPT.",
  ),
  requires(
    "mode-based-execute.ept",
    "secondaryControls",
    "modeBasedExecute",
    "ept",
    "Mode-based execute control for EPT needs Enable EPT.",
  ),
  ...functionChecks(),
  addressCheck("virtualizationExceptionAddress", "eptViolationVe", 4096),
];

/** Checks of VM functions, the first of which is EPTP switching. */
function functionChecks(): EntryCheck[] {
  const switches = (v: Vmcs): boolean => isOn(v, "vmFunctions") && v.bit("vmFunctionControls", eptpSwitching);
  const field = "eptpListAddress";
  return [
    {
      id: "vm-functions.reserved",
      field: "vmFunctionControls",
      sentence: "The VM-function controls set only bits of functions that the processor has.",
      holds: (v) => unless(isOn(v, "vmFunctions"), () => (v.get("vmFunctionControls") & ~allowedFunctions) === 0n),
    },
    {
      id: "eptp-switching.ept",
      field: "vmFunctionControls",
      sentence: "EPTP switching needs Enable EPT.",
      holds: (v) => unless(switches(v), () => isOn(v, "ept")),
    },
    {
      id: "eptp-switching.address",
      field,
      sentence: `${vmcsFields[field].name} is aligned to 4096 bytes and within the physical-address width.`,
      holds: (v) => unless(switches(v), () => (v.get(field) & 0xfffn) === 0n && isPhysical(v.get(field))),
    },
  ];
}

const hasThreshold = (v: Vmcs): boolean => isOn(v, "tprShadow") && !isOn(v, "virtualInterruptDelivery");

/** Checks of APIC virtualization after those of the TPR shadow. */
const apicChecks: readonly EntryCheck[] = [
  addressCheck("apicAccessAddress", "virtualizeApicAccesses", 4096),
  requires(
    "apic-register-virtualization.tpr-shadow",
    "secondaryControls",
    "apicRegisterVirtualization",
    "tprShadow",
    "APIC-register virtualization needs Use TPR shadow.",
  ),
  requires(
    "virtual-interrupt-delivery.tpr-shadow",
    "secondaryControls",
    "virtualInterruptDelivery",
    "tprShadow",
    "Virtual-interrupt delivery needs Use TPR shadow.",
  ),
  requires(
    "virtual-interrupt-delivery.external-interrupts",
    "secondaryControls",
    "virtualInterruptDelivery",
    "externalInterruptExiting",
    "Virtual-interrupt delivery needs External-interrupt exiting.",
  ),
  requires(
    "posted-interrupts.delivery",
    "pinControls",
    "postedInterrupts",
    "virtualInterruptDelivery",
    "Process posted interrupts needs Virtual-interrupt delivery.",
  ),
  requires(
    "posted-interrupts.acknowledge",
    "pinControls",
    "postedInterrupts",
    "acknowledgeInterrupt",
    "Process posted interrupts needs Acknowledge interrupt on exit.",
  ),
  {
    id: "posted-interrupts.vector",
    field: "postedInterruptVector",
    sentence: "Bits 15:8 of the posted-interrupt notification vector are 0.",
    holds: (v) => unless(isOn(v, "postedInterrupts"), () => v.number("postedInterruptVector") <= 0xff),
  },
  addressCheck("postedInterruptDescriptor", "postedInterrupts", 64),
];

const injection = (v: Vmcs) => {
  const info = v.number("entryInterruptionInfo");
  return {
    vector: info & 0xff,
    type: (info >> 8) & 7,
    errorCode: ((info >> 11) & 1) === 1,
    info,
  };
};

const vectorsWithErrorCode: readonly number[] = [8, 10, 11, 12, 13, 14, 17];
const isSoftware = (type: number): boolean =>
  type === eventType.softwareInterrupt ||
  type === eventType.privilegedSoftwareException ||
  type === eventType.softwareException;

/** Unrestricted guest entering with CR0.PE = 0 injects without error codes. */
const entersRealMode = (v: Vmcs): boolean => isOn(v, "unrestrictedGuest") && (v.get("guestCr0") & 1n) === 0n;

/** A check of the event to inject, made only if there is one. */
const injected = (
  id: string,
  field: VmcsField,
  sentence: string,
  holds: (event: ReturnType<typeof injection>, v: Vmcs) => boolean,
): EntryCheck => ({
  id: `injection.${id}`,
  field,
  sentence,
  holds: (v) => v.number("entryInterruptionInfo") >>> 31 === 0 || holds(injection(v), v),
});

const injectionChecks: readonly EntryCheck[] = [
  injected(
    "type",
    "entryInterruptionInfo",
    "The type of the event to inject is not the reserved 1.",
    (e) => e.type !== 1,
  ),
  injected("nmi-vector", "entryInterruptionInfo", "An injected NMI has vector 2.", (e) =>
    unless(e.type === eventType.nmi, () => e.vector === 2),
  ),
  injected(
    "other-vector",
    "entryInterruptionInfo",
    "An injected other event, a pending MTF VM exit, has vector 0.",
    (e) => unless(e.type === eventType.other, () => e.vector === 0),
  ),
  injected("exception-vector", "entryInterruptionInfo", "An injected hardware exception has a vector up to 31.", (e) =>
    unless(e.type === eventType.hardwareException, () => e.vector <= 31),
  ),
  injected(
    "error-code",
    "entryInterruptionInfo",
    "An error code is delivered exactly with the hardware exceptions that have one, and never in real mode.",
    (e, v) =>
      e.errorCode ===
      (e.type === eventType.hardwareException && vectorsWithErrorCode.includes(e.vector) && !entersRealMode(v)),
  ),
  injected(
    "reserved",
    "entryInterruptionInfo",
    "Bits 30:12 of the interruption information are 0.",
    (e) => (e.info & 0x7ffff000) === 0,
  ),
  injected("error-code-high", "entryErrorCode", "The error code to deliver has bits 31:16 clear.", (e, v) =>
    unless(e.errorCode, () => v.number("entryErrorCode") <= 0xffff),
  ),
  injected(
    "length",
    "entryInstructionLength",
    "A software interrupt or exception has an instruction length of 1 to 15.",
    (e, v) =>
      unless(
        isSoftware(e.type),
        () => v.number("entryInstructionLength") >= 1 && v.number("entryInstructionLength") <= 15,
      ),
  ),
];

/** Checks of the control fields (SDM Vol. 3, 27.2.1); the first that fails gives VM-instruction error 7. */
export const controlChecks: readonly EntryCheck[] = [
  ...capabilityChecks("pinControls", () => true),
  ...capabilityChecks("primaryControls", () => true),
  ...capabilityChecks("secondaryControls", (v) => isOn(v, "secondaryControls")),
  {
    id: "cr3-targets.count",
    field: "cr3TargetCount",
    sentence: "There are at most 4 CR3-target values.",
    holds: (v) => v.number("cr3TargetCount") <= 4,
  },
  addressCheck("ioBitmapA", "ioBitmaps", 4096),
  addressCheck("ioBitmapB", "ioBitmaps", 4096),
  addressCheck("msrBitmaps", "msrBitmaps", 4096),
  addressCheck("virtualApicAddress", "tprShadow", 4096),
  {
    id: "tpr-threshold.reserved",
    field: "tprThreshold",
    sentence: "Bits 31:4 of the TPR threshold are 0 with a TPR shadow and without virtual-interrupt delivery.",
    holds: (v) => unless(hasThreshold(v), () => v.number("tprThreshold") <= 0xf),
  },
  {
    id: "tpr-threshold.vtpr",
    field: "tprThreshold",
    sentence: "Without Virtualize APIC accesses the TPR threshold is not above bits 7:4 of VTPR.",
    holds: (v, { read32 }) =>
      unless(hasThreshold(v) && !isOn(v, "virtualizeApicAccesses") && read32 !== undefined, () => {
        const priority = read32!(v.address64("virtualApicAddress") + apicRegister.taskPriority);
        return (v.number("tprThreshold") & 0xf) <= ((priority >> 4) & 0xf);
      }),
  },
  requires("virtual-nmis.nmi-exiting", "pinControls", "virtualNmis", "nmiExiting", "Virtual NMIs need NMI exiting."),
  requires(
    "nmi-window.virtual-nmis",
    "primaryControls",
    "nmiWindowExiting",
    "virtualNmis",
    "NMI-window exiting needs Virtual NMIs.",
  ),
  ...apicChecks,
  ...translationChecks,
  ...capabilityChecks("exitControls", () => true),
  requires(
    "save-timer.timer",
    "exitControls",
    "savePreemptionTimer",
    "preemptionTimer",
    "Save VMX-preemption timer value needs Activate VMX-preemption timer.",
  ),
  msrArea("exitMsrStoreAddress", "exitMsrStoreCount"),
  msrArea("exitMsrLoadAddress", "exitMsrLoadCount"),
  ...capabilityChecks("entryControls", () => true),
  ...injectionChecks,
  msrArea("entryMsrLoadAddress", "entryMsrLoadCount"),
];
