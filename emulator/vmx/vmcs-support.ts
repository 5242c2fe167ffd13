import { allowedControls } from "./capabilities.ts";
import { type ControlName, controls } from "./controls.ts";
import { encodingParts, fieldByEncoding, type VmcsField } from "./vmcs-fields.ts";

/** Fields that exist only where the processor has a control, by the manual's notes in appendix B of SDM Vol. 3. */
const neededControls: Partial<Record<VmcsField, ControlName>> = {
  vpid: "vpid",
  postedInterruptVector: "postedInterrupts",
  postedInterruptDescriptor: "postedInterrupts",
  eptpIndex: "eptViolationVe",
  virtualizationExceptionAddress: "eptViolationVe",
  guestInterruptStatus: "virtualInterruptDelivery",
  eoiExitBitmap0: "virtualInterruptDelivery",
  eoiExitBitmap1: "virtualInterruptDelivery",
  eoiExitBitmap2: "virtualInterruptDelivery",
  eoiExitBitmap3: "virtualInterruptDelivery",
  pmlIndex: "pml",
  pmlAddress: "pml",
  virtualApicAddress: "tprShadow",
  tprThreshold: "tprShadow",
  apicAccessAddress: "virtualizeApicAccesses",
  vmFunctionControls: "vmFunctions",
  eptpListAddress: "vmFunctions",
  eptPointer: "ept",
  guestPhysicalAddress: "ept",
  guestPdpte0: "ept",
  guestPdpte1: "ept",
  guestPdpte2: "ept",
  guestPdpte3: "ept",
  vmreadBitmap: "vmcsShadowing",
  vmwriteBitmap: "vmcsShadowing",
  xssExitingBitmap: "xsaves",
  subPagePermissionTable: "subPagePermissions",
  tscMultiplier: "tscScaling",
  tertiaryControls: "tertiaryControls",
  guestPerfGlobalCtrl: "entryLoadPerfGlobalCtrl",
  hostPerfGlobalCtrl: "exitLoadPerfGlobalCtrl",
  pauseLoopGap: "pauseLoopExiting",
  pauseLoopWindow: "pauseLoopExiting",
  preemptionTimer: "preemptionTimer",
};

function hasControl(name: ControlName): boolean {
  const { field, bit } = controls[name];
  const word = (allowedControls as Partial<Record<VmcsField, { readonly may: number }>>)[field];
  return word !== undefined && ((word.may >>> bit) & 1) === 1;
}

/** A field and which part of it an encoding means. */
export interface Component {
  readonly field: VmcsField;
  /** Bits 63:32 of a 64-bit field. */
  readonly high: boolean;
  readonly readOnly: boolean;
}

/** What VMREAD and VMWRITE reach by an encoding (SDM Vol. 3, 25.11.2); undefined for what the processor does not have. */
export function component(encoding: bigint): Component | undefined {
  if (encoding >> 15n !== 0n) return undefined;
  const { high, width, group } = encodingParts(Number(encoding));
  if (high && width !== "64") return undefined;
  const field = fieldByEncoding(Number(encoding) & ~1);
  if (field === undefined || !isSupported(field)) return undefined;
  return { field, high, readOnly: group === "read-only" };
}

export function isSupported(field: VmcsField): boolean {
  const control = neededControls[field];
  return control === undefined || hasControl(control);
}
