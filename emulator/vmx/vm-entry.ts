import type { Cpu } from "../cpu/cpu.ts";
import { isVmExit, vectorName } from "../cpu/fault.ts";
import { shadow } from "../cpu/interrupts.ts";
import { layout } from "../cpu/layout.ts";
import { cr4Allowed, tryLoadPdptes } from "../cpu/modes.ts";
import { CR4, EFER } from "../cpu/state.ts";
import { virtualTime } from "../cpu/virtual-time.ts";
import { hex } from "./bit-layout.ts";
import { isOn } from "./controls.ts";
import { injectedEvent } from "./entry.ts";
import { type Entering, entryFailureText, failedCheckExit } from "./entry-checks.ts";
import { loadGuest } from "./guest-state.ts";
import { keptCr0 } from "./host-state.ts";
import { failedMsrExit, loadMsrs } from "./msr-areas.ts";
import type { VmxOperation } from "./operation.ts";
import { noteEntry } from "./resume-lint.ts";
import { failEntry } from "./vm-exit.ts";
import type { Vmcs } from "./vmcs.ts";
import { encodingText } from "./vmcs-fields.ts";
import type { Outcome } from "./vmx-instructions.ts";

const exitEvent = layout.vmxExit >> 3;
const exitCycle = layout.vmxExitCycle >> 3;
const guestTscOffset = layout.guestTscOffset >> 3;
const tscOffset = layout.tscOffset >> 3;
const taggedRoot = layout.taggedRoot >> 3;
const addressMask = ((1n << 52n) - 1n) & ~0xfffn;
const debugControlBits = 0xffff_23ffn;
const debugControlFixed = 0x400n;

/** The processor as the checks of an entry ask for it. */
export const entering = ({ cpu, memory }: VmxOperation): Entering => ({
  longMode: cpu.longMode,
  cr4: BigInt(cr4Allowed(cpu)),
  read32: (address) => memory.read32(address),
});

/** VMLAUNCH and VMRESUME from where there is a current VMCS (SDM Vol. 3, 27.1 to 27.8, and 31.3). */
export function enterGuest(
  vmx: VmxOperation,
  vmcs: Vmcs,
  instruction: "VMLAUNCH" | "VMRESUME",
  outcome: Outcome,
): void {
  const { cpu } = vmx;
  if ((cpu.interruptibility & shadow.movSs) !== 0) outcome.fail(26);
  else if (vmcs.launched === (instruction === "VMLAUNCH")) outcome.fail(vmcs.launched ? 4 : 5);
  else {
    const failure = vmx.checked.check(entering(vmx));
    if (failure?.kind === "vmfail") outcome.fail(failure.error, entryFailureText(vmcs, failure));
    else if (failure) failEntry(vmx, vmcs, failedCheckExit(vmcs, failure));
    else load(vmx, vmcs, instruction);
  }
}

function load(vmx: VmxOperation, vmcs: Vmcs, instruction: string): void {
  const { cpu } = vmx;
  tagTranslations(cpu, vmcs);
  vmx.startGuest();
  loadState(cpu, vmcs);
  if (usesMemoryPdptes(cpu, vmcs) && !tryLoadPdptes(cpu, cpu.cr3)) {
    failEntry(vmx, vmcs, badPdptes(vmcs));
    return;
  }
  const bad = loadMsrs(cpu, vmx.memory, vmcs, "entryLoad");
  if (bad !== 0) {
    failEntry(vmx, vmcs, failedMsrExit(vmx.memory, vmcs, bad));
    return;
  }
  vmcs.launched = true;
  cpu.refresh();
  cpu.next = cpu.rip;
  cpu.attention = true;
  recordEntry(vmx, instruction);
  vmx.entered();
  noteEntry(vmx, vmcs);
  inject(vmx, vmcs);
}

/**
 * Without VPIDs an entry forgets what the TLB holds; with them it stays, the host's for the host. Translations through EPT are
 * also told apart by its PML4 table: here those of another one are forgotten (SDM Vol. 3, 29.4).
 */
function tagTranslations(cpu: Cpu, vmcs: Vmcs): void {
  if (!isOn(vmcs, "vpid")) {
    cpu.flushTlb(true, "VM entry");
    return;
  }
  const root = isOn(vmcs, "ept") ? vmcs.get("eptPointer") & addressMask : 0n;
  if (cpu.r64[taggedRoot] !== root) cpu.tlb.flushVpid(undefined, "VM entry");
  cpu.r64[taggedRoot] = root;
  const vpid = vmcs.number("vpid");
  cpu.r32[layout.vpid >> 2] = vpid;
  cpu.tlb.enter(vpid);
}

/** What `loadGuest` leaves to do where the host is a program too, and has state of its own. */
function loadState(cpu: Cpu, vmcs: Vmcs): void {
  const { r64 } = cpu;
  const kept = r64[layout.cr0 >> 3]! & keptCr0;
  const clock = r64[tscOffset]!;
  const added = isOn(vmcs, "tscOffsetting") ? vmcs.get("tscOffset") : 0n;
  if (!isOn(vmcs, "entryLoadEfer")) followMode(cpu, vmcs);
  loadGuest(cpu, vmcs);
  r64[layout.cr0 >> 3] = (r64[layout.cr0 >> 3]! & ~keptCr0) | kept;
  r64[tscOffset] = BigInt.asUintN(64, clock + added);
  r64[guestTscOffset] = added;
  const dr7 = (layout.debug >> 3) + 7;
  if (isOn(vmcs, "loadDebugControls")) r64[dr7] = (r64[dr7]! & debugControlBits) | debugControlFixed;
  cpu.r32[layout.monitorArmed >> 2] = 0;
}

/** EFER where it is not loaded: LMA is the control, and LME too if there is paging. */
function followMode(cpu: Cpu, vmcs: Vmcs): void {
  const wide = isOn(vmcs, "ia32eModeGuest");
  const paging = (vmcs.get("guestCr0") & 0x8000_0000n) !== 0n;
  const set = EFER.LMA | (paging ? EFER.LME : 0);
  cpu.r32[layout.efer >> 2] = wide ? cpu.efer | set : cpu.efer & ~set;
}

/** PAE paging without EPT: the PDPTEs are not the VMCS's. */
const usesMemoryPdptes = (cpu: Cpu, vmcs: Vmcs): boolean =>
  cpu.paging && (cpu.cr4 & CR4.PAE) !== 0 && !cpu.longMode && !isOn(vmcs, "ept");

const badPdptes = (vmcs: Vmcs) => ({
  reason: "VMENTRY_FAILURE_GUEST_STATE",
  qualification: 2n,
  what: "the guest's PDPTEs are not valid",
  why: {
    sentence: "Reserved bits of a present PDPTE are 0; they are loaded from memory, for EPT is off.",
    rule: `Guest CR3 ${encodingText("guestCr3")} = ${hex(vmcs.get("guestCr3"))}`,
    source: "SDM Vol. 3, 27.3.1.6: Checks on Guest Page-Directory-Pointer-Table Entries",
  },
});

function recordEntry({ cpu, context }: VmxOperation, instruction: string): void {
  const exit = cpu.f64[exitEvent]!;
  context.spend(context.costs.entry);
  const now = virtualTime(cpu);
  const cost = exit === 0 ? context.costs.entry : now - cpu.f64[exitCycle]!;
  context.settle(exit, cost);
  context.record({ kind: "entry", exit, handled: `${instruction} by the guest's own hypervisor`, cost });
  cpu.f64[exitEvent] = 0;
}

/** Delivery of the event that the entry brings, through the guest's IDT; it may leave the guest again. */
function inject({ cpu, context }: VmxOperation, vmcs: Vmcs): void {
  const event = injectedEvent(vmcs);
  if (!event) return;
  const { vector } = event;
  const errorCode = event.kind === "fault" ? event.errorCode : undefined;
  const name = event.kind === "interrupt" ? `interrupt ${hex(vector)}` : vectorName(vector);
  context.record({ kind: "inject", vector, name, ...(errorCode === undefined ? {} : { errorCode }) });
  const { observer } = cpu;
  cpu.observer = { ...observer, interrupt: () => {} };
  try {
    if (event.kind === "interrupt") cpu.interrupt(vector);
    else cpu.inject(event);
  } catch (thrown) {
    if (!isVmExit(thrown)) throw thrown;
  } finally {
    cpu.observer = observer;
  }
}
