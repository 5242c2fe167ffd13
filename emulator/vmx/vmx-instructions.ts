import type { Decoded, Memory, Operand } from "../../isa/operands.ts";
import type { VmxCall } from "../../isa/system.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { refuse, vector } from "../cpu/fault.ts";
import { setStatusFlags } from "../cpu/flags.ts";
import { layout } from "../cpu/layout.ts";
import { allowsVmx } from "../cpu/msr.ts";
import { CR4, segmentOf, signedNumber } from "../cpu/state.ts";
import { hex } from "./bit-layout.ts";
import { isPhysical } from "./entry-checks-controls.ts";
import { eptPointerFault } from "./ept.ts";
import { instructionErrors } from "./exit-reasons.ts";
import { effectiveOffset } from "./instruction-facts.ts";
import type { VmxOperation } from "./operation.ts";
import { enterGuest } from "./vm-entry.ts";
import { vmcsRevision } from "./vmcs.ts";
import { encodingText } from "./vmcs-fields.ts";
import { component } from "./vmcs-support.ts";

const carryFlag = 1;
const zeroFlag = 0x40;

/** VMsucceed, VMfailInvalid and VMfailValid (SDM Vol. 3, 31.2): how an instruction says what became of it. */
export class Outcome {
  readonly #vmx: VmxOperation;
  readonly #instruction: string;

  constructor(vmx: VmxOperation, instruction: string) {
    this.#vmx = vmx;
    this.#instruction = instruction;
  }

  succeed(): void {
    setStatusFlags(this.#vmx.cpu, 0);
  }

  /** With an error number where there is a current VMCS to put it; `because` says more than the manual's words for it. */
  fail(error: number, because?: string): void {
    const { current } = this.#vmx;
    if (!current) {
      this.failInvalid(because ?? `${instructionErrors[error]}.`);
      return;
    }
    setStatusFlags(this.#vmx.cpu, zeroFlag);
    current.set("instructionError", error);
    const text = because ?? `${instructionErrors[error]}.`;
    this.#vmx.context.record({ kind: "vmfail", instruction: this.#instruction, error, text });
  }

  failInvalid(text: string): void {
    setStatusFlags(this.#vmx.cpu, carryFlag);
    this.#vmx.context.record({ kind: "vmfail", instruction: this.#instruction, text });
  }
}

/** In compatibility mode there are none of these instructions. */
const inCompatibility = (cpu: Cpu): boolean => cpu.longMode && cpu.bits !== 64;

/** What comes first of all instructions but VMXON: #UD outside VMX operation, #GP(0) for a CPL that is not 0. */
function requireRoot({ cpu, state }: VmxOperation): void {
  if (state === "off" || cpu.virtual8086 || inCompatibility(cpu)) refuse(vector.UD);
  if (cpu.cpl !== 0) refuse(vector.GP, 0);
}

function read64(cpu: Cpu, operand: Operand): bigint {
  const memory = operand as Memory;
  return cpu.load64(segmentOf(memory.segment), effectiveOffset(cpu, memory));
}

/** The two halves of a descriptor of 128 bits. */
function read128(cpu: Cpu, operand: Operand): readonly [low: bigint, high: bigint] {
  const memory = operand as Memory;
  const segment = segmentOf(memory.segment);
  const offset = effectiveOffset(cpu, memory);
  const low = cpu.load64(segment, offset);
  return [low, cpu.load64(segment, offset + 8)];
}

/** A register as wide as the mode: 64 bits, or 32. */
const registerValue = (cpu: Cpu, number: number): bigint =>
  cpu.bits === 64 ? cpu.r64[number]! : BigInt(cpu.u32[2 * number]!);

/** A register or memory operand as wide as the mode. */
function readWord(cpu: Cpu, operand: Operand): bigint {
  if (operand.kind === "register") return registerValue(cpu, operand.number);
  if (cpu.bits === 64) return read64(cpu, operand);
  const memory = operand as Memory;
  return BigInt(cpu.load32(segmentOf(memory.segment), effectiveOffset(cpu, memory)) >>> 0);
}

function writeWord(cpu: Cpu, operand: Operand, value: bigint): void {
  if (operand.kind === "register") {
    cpu.r64[operand.number] = value;
    return;
  }
  const memory = operand as Memory;
  const segment = segmentOf(memory.segment);
  const offset = effectiveOffset(cpu, memory);
  if (cpu.bits === 64) cpu.store64(segment, offset, value);
  else cpu.store32(segment, offset, Number(value));
}

const isRegionAddress = (address: bigint): boolean => (address & 0xfffn) === 0n && isPhysical(address);

type Instruction = (vmx: VmxOperation, decoded: Decoded, outcome: Outcome) => void;

function vmxOn(vmx: VmxOperation, { operands }: Decoded, outcome: Outcome): void {
  const { cpu } = vmx;
  if ((cpu.cr4 & CR4.VMXE) === 0 || inCompatibility(cpu)) refuse(vector.UD);
  if (cpu.cpl !== 0) refuse(vector.GP, 0);
  if (vmx.state !== "off") {
    outcome.fail(15);
    return;
  }
  const fixed = vmx.allows(0, cpu.r64[layout.cr0 >> 3]!) && vmx.allows(4, cpu.r64[layout.cr4 >> 3]!);
  if (cpu.nested.gatesLine20 || !fixed || !allowsVmx(cpu)) refuse(vector.GP, 0);
  const address = read64(cpu, operands[0]!);
  if (!isRegionAddress(address))
    outcome.failInvalid(
      `The VMXON region ${hex(address)} is not aligned to 4096 bytes, or beyond the physical addresses.`,
    );
  else if (cpu.readPhysical(Number(address), 4) !== vmcsRevision)
    outcome.failInvalid(revisionText("VMXON", cpu, address));
  else {
    vmx.begin(address);
    cpu.r32[layout.monitorArmed >> 2] = 0;
    outcome.succeed();
  }
}

const revisionText = (region: string, cpu: Cpu, address: bigint): string =>
  `The ${region} region at ${hex(address)} begins with ${hex(cpu.readPhysical(Number(address), 4))}, and not with the revision identifier ${hex(vmcsRevision)} that IA32_VMX_BASIC gives.`;

function vmxOff(vmx: VmxOperation, _: Decoded, outcome: Outcome): void {
  requireRoot(vmx);
  vmx.end();
  vmx.cpu.r32[layout.monitorArmed >> 2] = 0;
  outcome.succeed();
}

/** The address of a VMCS region, if it can be one; otherwise the instruction fails by one of two numbers. */
function regionOperand(
  vmx: VmxOperation,
  { operands }: Decoded,
  outcome: Outcome,
  errors: { readonly address: number; readonly vmxon: number },
): bigint | undefined {
  const address = read64(vmx.cpu, operands[0]!);
  if (!isRegionAddress(address)) outcome.fail(errors.address);
  else if (address === vmx.vmxonRegion) outcome.fail(errors.vmxon);
  else return address;
  return undefined;
}

function vmClear(vmx: VmxOperation, decoded: Decoded, outcome: Outcome): void {
  requireRoot(vmx);
  const address = regionOperand(vmx, decoded, outcome, { address: 2, vmxon: 3 });
  if (address === undefined) return;
  const { physical } = vmx.cpu;
  if (physical.isRam(Number(address))) {
    physical.announceWrite(Number(address), 1);
    vmx.regionAt(Number(address)).launched = false;
  }
  if (address === vmx.pointer) vmx.makeCurrent(undefined);
  outcome.succeed();
}

function vmPointerLoad(vmx: VmxOperation, decoded: Decoded, outcome: Outcome): void {
  requireRoot(vmx);
  const address = regionOperand(vmx, decoded, outcome, { address: 9, vmxon: 10 });
  if (address === undefined) return;
  const { cpu } = vmx;
  if (!cpu.physical.isRam(Number(address)) || cpu.readPhysical(Number(address), 4) !== vmcsRevision) {
    outcome.fail(11, revisionText("VMCS", cpu, address));
    return;
  }
  cpu.physical.announceWrite(Number(address), 1);
  vmx.makeCurrent(address);
  outcome.succeed();
}

function vmPointerStore(vmx: VmxOperation, { operands }: Decoded, outcome: Outcome): void {
  requireRoot(vmx);
  const memory = operands[0] as Memory;
  vmx.cpu.store64(segmentOf(memory.segment), effectiveOffset(vmx.cpu, memory), vmx.pointer);
  outcome.succeed();
}

const noCurrent = "There is no current VMCS: VMPTRLD makes one.";
const unsupportedText = (encoding: bigint): string => `The processor has no VMCS field ${hex(encoding)}.`;

function vmRead(vmx: VmxOperation, { operands }: Decoded, outcome: Outcome): void {
  requireRoot(vmx);
  const { cpu, current } = vmx;
  const [destination, source] = operands as [Operand, Operand];
  if (!current) {
    outcome.failInvalid(noCurrent);
    return;
  }
  const encoding = readWord(cpu, source);
  const found = component(encoding);
  if (!found) {
    outcome.fail(12, unsupportedText(encoding));
    return;
  }
  const value = current.get(found.field) >> (found.high ? 32n : 0n);
  writeWord(cpu, destination, cpu.bits === 64 ? value : value & 0xffff_ffffn);
  vmx.context.spend(vmx.context.costs.vmread);
  outcome.succeed();
}

function vmWrite(vmx: VmxOperation, { operands }: Decoded, outcome: Outcome): void {
  requireRoot(vmx);
  const { cpu, current } = vmx;
  const [destination, source] = operands as [Operand, Operand];
  if (!current) {
    outcome.failInvalid(noCurrent);
    return;
  }
  const value = readWord(cpu, source);
  const encoding = readWord(cpu, destination);
  const found = component(encoding);
  if (!found) outcome.fail(12, unsupportedText(encoding));
  else if (found.readOnly) outcome.fail(13, `The VMCS field ${encodingText(found.field)} can only be read.`);
  else {
    const low = current.get(found.field) & 0xffff_ffffn;
    current.set(found.field, found.high ? ((value & 0xffff_ffffn) << 32n) | low : value);
    vmx.context.spend(vmx.context.costs.vmwrite);
    outcome.succeed();
  }
}

const enter =
  (instruction: "VMLAUNCH" | "VMRESUME"): Instruction =>
  (vmx, _, outcome) => {
    requireRoot(vmx);
    if (vmx.current) enterGuest(vmx, vmx.current, instruction, outcome);
    else outcome.failInvalid(noCurrent);
  };

const singleContext = 1n;
const allContexts = 2n;

/** INVEPT. Translations without EPT under VPID 0 are the host's: a guest without a VPID leaves none behind. */
function invalidateExtended(vmx: VmxOperation, { operands }: Decoded, outcome: Outcome): void {
  requireRoot(vmx);
  const { cpu } = vmx;
  const [type, descriptor] = operands as [Operand, Operand];
  const kind = readWord(cpu, type);
  if (kind !== singleContext && kind !== allContexts) {
    outcome.fail(28, `INVEPT has no type ${kind}.`);
    return;
  }
  const [pointer, reserved] = read128(cpu, descriptor);
  const fault = kind === singleContext ? eptPointerFault(pointer) : undefined;
  if (fault !== undefined) outcome.fail(28, fault);
  else if (reserved !== 0n) outcome.fail(28, "Bits 127:64 of an INVEPT descriptor are 0.");
  else {
    cpu.tlb.flushVpid(undefined, "INVEPT");
    outcome.succeed();
  }
}

const individualAddress = 0n;
const retainingGlobals = 3n;

/** INVVPID. */
function invalidateVirtualProcessor(vmx: VmxOperation, { operands }: Decoded, outcome: Outcome): void {
  requireRoot(vmx);
  const { cpu } = vmx;
  const [type, descriptor] = operands as [Operand, Operand];
  const kind = readWord(cpu, type);
  if (kind > retainingGlobals) {
    outcome.fail(28, `INVVPID has no type ${kind}.`);
    return;
  }
  const [low, linear] = read128(cpu, descriptor);
  const vpid = Number(low & 0xffffn);
  if (low >> 16n !== 0n) outcome.fail(28, "Bits 63:16 of an INVVPID descriptor are 0.");
  else if (kind !== allContexts && vpid === 0) outcome.fail(28, "VPID 0 is the host's.");
  else if (kind === individualAddress && !cpu.isCanonical(signedNumber(linear)))
    outcome.fail(28, `The linear address ${hex(linear)} is not canonical.`);
  else {
    if (kind === individualAddress) cpu.tlb.invalidateUnder(vpid, signedNumber(linear));
    else cpu.tlb.flushVpid(kind === allContexts ? undefined : vpid, "INVVPID", kind !== retainingGlobals);
    outcome.succeed();
  }
}

/** VMCALL in root operation: there is no monitor for system-management mode to be called. */
function vmcall(vmx: VmxOperation, _: Decoded, outcome: Outcome): void {
  requireRoot(vmx);
  outcome.fail(1);
}

const instructions: Readonly<Record<VmxCall, Instruction>> = {
  vmxOn,
  vmxOff,
  vmClear,
  vmPointerLoad,
  vmPointerStore,
  vmRead,
  vmWrite,
  vmLaunch: enter("VMLAUNCH"),
  vmResume: enter("VMRESUME"),
  invalidateExtended,
  invalidateVirtualProcessor,
  vmcall,
};

/** Executes a VMX instruction that nothing has taken before (SDM Vol. 3, chapter 31). */
export function executeVmx(vmx: VmxOperation, call: VmxCall, decoded: Decoded): void {
  instructions[call](vmx, decoded, new Outcome(vmx, decoded.row.mnemonic.toUpperCase()));
}
