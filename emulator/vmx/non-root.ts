import type { Decoded, Operand } from "../../isa/operands.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { isImplemented } from "../cpu/cpuid.ts";
import { debugCause } from "../cpu/debug-registers.ts";
import { hardwareFault, vector } from "../cpu/fault.ts";
import { stepArmed } from "../cpu/interrupts.ts";
import { layout } from "../cpu/layout.ts";
import type { Access, Fault, NestedAccess, VmExit } from "../cpu/monitor.ts";
import { endMonitorWait } from "../cpu/monitor-wait.ts";
import { missing } from "../cpu/outlook.ts";
import type { TaskSwitch } from "../cpu/task-switch.ts";
import type { Outlook, Why } from "../trace/event.ts";
import { apicInterceptor, leaveByApicAccess } from "./apic-access.ts";
import { hex } from "./bit-layout.ts";
import { type ControlName, controls as controlBits, controlRule, inForce, isOn } from "./controls.ts";
import { interruptionInfo, nmiInfo, unblocking, writeExit } from "./exit.ts";
import type { Decision } from "./exit-decision.ts";
import { type Attempt, decideExit } from "./exit-rules.ts";
import { translate } from "./guest-physical.ts";
import { pendingSingleStep, saveGuest } from "./guest-state.ts";
import type { HostMemory } from "./host-memory.ts";
import { instructionAttempt } from "./instruction-attempt.ts";
import { wordOperand } from "./instruction-facts.ts";
import { armMonitorTrap, leaveByMonitorTrap } from "./monitor-trap.ts";
import type { Exit, NonRootGuest } from "./non-root-guest.ts";
import { nonRootOutlook } from "./outlook.ts";
import { forgetPauses, notePause } from "./pause-loop.ts";
import { takeNotification } from "./posted-interrupts.ts";
import { leaveByPreemptionTimer, startPreemptionTimer, stopPreemptionTimer } from "./preemption-timer.ts";
import { encodeInterruption, encodeQualification, eventType } from "./qualification.ts";
import {
  deliverVirtualInterrupt,
  enterVirtualApic,
  followApicWrite,
  leaveVirtualApic,
  setShadowedPriority,
  shadowedPriority,
} from "./virtual-apic.ts";
import { functionExists, switchEptp } from "./vm-functions.ts";
import type { Vmcs } from "./vmcs.ts";
import { leaveByInterruptWindow, leaveByNmiWindow } from "./windows.ts";

const shadowFields = {
  0: { mask: "cr0Mask", shadow: "cr0Shadow" },
  4: { mask: "cr4Mask", shadow: "cr4Shadow" },
} as const;
/** CR0 and CR4, and where they are in the state block. */
const controls = [
  [0, layout.cr0 >> 3],
  [4, layout.cr4 >> 3],
] as const;
const vmExit: VmExit = { kind: "exit" };
const unretired = layout.unretired >> 3;
const doubleFault = 8;
const osxsave = 1 << 18;
/** Controls without which instructions raise #UD in the guest, by exit reason. */
const enabledBy: Readonly<Partial<Record<string, ControlName>>> = { RDTSCP: "rdtscp", INVPCID: "invpcid" };

/**
 * VMX non-root operation: at the points where the processor asks, applies the controls of the current VMCS to what the
 * guest is about to do. Where that leaves the guest it fills in the VMCS, tells `left`, and says so.
 */
export class NonRoot implements NonRootGuest {
  readonly vmcs: Vmcs;
  readonly cpu: Cpu;
  readonly memory: HostMemory;
  readonly #read = (address: number): number => this.memory.read8(address);
  readonly #word = (operand: Operand): number => wordOperand(this.cpu, operand);
  readonly #left: (exit: Exit) => void;
  #unowned = false;

  constructor(cpu: Cpu, vmcs: Vmcs, memory: HostMemory, left: (exit: Exit) => void) {
    this.cpu = cpu;
    this.vmcs = vmcs;
    this.memory = memory;
    this.#left = left;
  }

  decide(attempt: Attempt): Decision {
    return decideExit(this.vmcs, this.#read, attempt);
  }

  /** To be called at the end of a VM entry, before what is injected is delivered: starts what begins with it. */
  entered(): void {
    if (inForce(this.vmcs, controlBits.preemptionTimer)) startPreemptionTimer(this);
    armMonitorTrap(this);
    if (inForce(this.vmcs, controlBits.pauseLoopExiting)) forgetPauses(this);
    enterVirtualApic(this);
    this.review();
  }

  /** The guest is in the core again, at this moment or another: what the processor keeps for it beside the state block. */
  review(): void {
    this.cpu.intercept(apicInterceptor(this));
  }

  leave(exit: Exit): void {
    endMonitorWait(this.cpu);
    stopPreemptionTimer(this);
    leaveVirtualApic(this);
    this.cpu.intercept(undefined);
    this.cpu.unblockedNmi = false;
    saveGuest(this.cpu, this.vmcs);
    if (exit.beforeTraps && (this.cpu.interruptibility & stepArmed) !== 0)
      this.vmcs.set("guestPendingDebug", this.vmcs.number("guestPendingDebug") | pendingSingleStep);
    writeExit(this.vmcs, exit, this.cpu.vectoring);
    if (!inForce(this.vmcs, controlBits.vpid)) this.cpu.flushTlb(true, "VM exit");
    this.#left(exit);
  }

  abandon(exit: Exit): never {
    this.leave(exit);
    throw vmExit;
  }

  /** True if the instruction leaves the guest; the step is then counted as one that retires nothing. */
  beforeInstruction(decoded: Decoded): boolean {
    const { exits } = decoded.row;
    if (exits.kind === "never" || this.#isUndefined(decoded)) return false;
    const { attempt, data, what, first, second } = instructionAttempt(this, decoded, exits.reason, this.#word);
    const decision = this.decide(attempt);
    if (!decision.exits) {
      if (attempt.reason === "PAUSE") notePause(this);
      return false;
    }
    const { reason } = attempt;
    const exit: Exit = { reason, what, why: decision.why, first, second, instructionLength: decoded.length };
    this.leave(data ? Object.assign(exit, data()) : exit);
    this.cpu.f64[unretired]! += 1;
    return true;
  }

  /** What comes before the privilege check: the exit of MOV DR, and the #UD of what is not enabled. */
  beforePrivilege(decoded: Decoded): boolean {
    const { exits } = decoded.row;
    const control = exits.kind === "never" ? undefined : enabledBy[exits.reason];
    if (control === undefined) return inForce(this.vmcs, controlBits.movDrExiting) && this.beforeInstruction(decoded);
    if (!isOn(this.vmcs, control)) throw hardwareFault(vector.UD);
    return false;
  }

  /**
   * Its #UD comes before the exit (SDM Vol. 3, 26.1.1): our processor does not have it, VMX instructions do not exist in
   * compatibility mode, nor VM functions without their control, and XSETBV needs CR4.OSXSAVE.
   */
  #isUndefined({ row: { feature, exits } }: Decoded): boolean {
    if (exits.kind === "never") return false;
    if (exits.reason === "VMFUNC") return !functionExists(this);
    if (feature === "VMX") return this.cpu.longMode && this.cpu.bits !== 64;
    if (feature !== undefined && !isImplemented(feature)) return true;
    return exits.reason === "XSETBV" && (this.cpu.cr4 & osxsave) === 0;
  }

  /** What would become of an instruction, and why; `Cpu.next` must be set. Changes nothing. */
  why(instruction: Decoded): Outlook {
    return nonRootOutlook({ guest: this, undefinedBecause: (decoded) => this.#undefinedBecause(decoded) }, instruction);
  }

  #undefinedBecause(decoded: Decoded): Why | undefined {
    const { exits, mnemonic } = decoded.row;
    if (exits.kind === "never") return undefined;
    const control = enabledBy[exits.reason];
    if (control !== undefined && !isOn(this.vmcs, control))
      return {
        sentence: `${mnemonic.toUpperCase()} raises #UD in the guest: its control is 0.`,
        rule: controlRule(this.vmcs, control),
        source: "SDM Vol. 3, 26.3: Changes to Instruction Behavior in VMX Non-Root Operation",
      };
    if (!this.#isUndefined(decoded)) return undefined;
    return (
      (exits.reason === "VMFUNC" ? undefined : missing(decoded)) ?? {
        sentence: `${mnemonic.toUpperCase()} raises #UD before it could leave the guest.`,
        rule:
          exits.reason === "VMFUNC"
            ? `${controlRule(this.vmcs, "vmFunctions")}; EAX = ${this.cpu.u32[0]!}`
            : exits.reason === "XSETBV"
              ? "CR4.OSXSAVE = 0"
              : "it does not exist in this mode",
        source: "SDM Vol. 3, 26.1.1: Relative Priority of Faults and VM Exits",
      }
    );
  }

  /** True if the exception bitmap wanted the exception and the guest left. Software interrupts INT n never exit. */
  onException(fault: Fault): boolean {
    if (fault.source === "software") return false;
    const { vector, errorCode } = fault;
    const decision = this.decide({ reason: "EXCEPTION_NMI", vector, errorCode });
    if (!decision.exits) return false;
    // A double fault does not count as one during the delivery that it comes of (SDM Vol. 3, 28.2.4).
    if (vector === doubleFault) this.cpu.vectoring = undefined;
    const { why } = decision;
    const values: Readonly<Record<string, bigint | number | boolean>> =
      vector === 14 ? { address: fault.address ?? 0n } : vector === 1 ? debugValues(fault.debug ?? 0) : {};
    const hasQualification = vector === 14 || vector === 1;
    this.leave({
      reason: "EXCEPTION_NMI",
      vector,
      what: `exception ${vector}${errorCode === undefined ? "" : `, error code ${hex(errorCode)}`}`,
      why,
      interruptionInfo: interruptionInfo(fault) | unblocking(this.cpu),
      errorCode,
      // Of a fault while an event was delivered it is the length of what asked for that event.
      ...(fault.length > 0 ? { instructionLength: fault.length } : {}),
      ...(hasQualification ? { qualification: encodeQualification("EXCEPTION_NMI", values, vector) } : {}),
    });
    return true;
  }

  /** An interrupt of the machine is pending: true if it made the guest leave, or told of posted ones. */
  onInterrupt(): boolean {
    const { exits, why } = this.decide({ reason: "EXTERNAL_INTERRUPT" });
    if (!exits) return false;
    let interruptionInfo = 0;
    if (inForce(this.vmcs, controlBits.acknowledgeInterrupt)) {
      const vector = this.cpu.bus.acknowledgeInterrupt();
      if (takeNotification(this, vector)) return true;
      interruptionInfo = injectInterruptInfo(vector);
    }
    this.leave({ reason: "EXTERNAL_INTERRUPT", what: "an interrupt of the machine", why, interruptionInfo });
    return true;
  }

  /** An NMI can be taken: true if it made the guest leave. */
  onNmi(): boolean {
    const { exits, why } = this.decide({ reason: "NMI" });
    if (exits)
      this.leave({
        reason: "EXCEPTION_NMI",
        vector: 2,
        what: "an NMI of the machine",
        why,
        interruptionInfo: nmiInfo(),
      });
    return exits;
  }

  /** A hardware task switch leaves the guest before anything of it has happened. */
  onTaskSwitch({ selector, source, errorCode, length }: TaskSwitch): never {
    const { why } = this.decide({ reason: "TASK_SWITCH" });
    this.abandon({
      reason: "TASK_SWITCH",
      what: () => `${taskSwitchNames[source]} to the task of TSS ${hex(selector)}`,
      why,
      qualification: encodeQualification("TASK_SWITCH", { selector, source: taskSwitchSources[source] }),
      ...(length > 0 ? { instructionLength: length } : {}),
      errorCode,
    });
  }

  onTripleFault(): void {
    const { why } = this.decide({ reason: "TRIPLE_FAULT" });
    this.leave({ reason: "TRIPLE_FAULT", what: "a fault while delivering a double fault", why });
  }

  /** What comes ahead of the debug traps of a boundary: true if the guest left. */
  beforeTraps(): boolean {
    return followApicWrite(this) || leaveByMonitorTrap(this);
  }

  /** What comes after them, and before interrupts: true if the guest left, or was delivered a virtual interrupt. */
  atBoundary(): boolean {
    return (
      leaveByPreemptionTimer(this) ||
      leaveByNmiWindow(this) ||
      leaveByInterruptWindow(this) ||
      deliverVirtualInterrupt(this)
    );
  }

  /** What blocking by NMI means to the guest (SDM Vol. 3, 26.3, IRET). */
  nmiBlocking(): "own" | "virtual" | "kept" {
    if (inForce(this.vmcs, controlBits.virtualNmis)) return "virtual";
    return inForce(this.vmcs, controlBits.nmiExiting) ? "kept" : "own";
  }

  /** Host-physical address of a guest-physical one under EPT; the identity without. */
  translate(guestPhysical: number, access: Access, options: NestedAccess): number | undefined {
    const host = inForce(this.vmcs, controlBits.ept) ? translate(this, guestPhysical, access, options) : guestPhysical;
    if (access === "execute" && !options.probe && host !== undefined && this.#isApicPage(host))
      leaveByApicAccess(this, host % 4096, access);
    return host;
  }

  #isApicPage(host: number): boolean {
    const { interceptor } = this.cpu.physical;
    return interceptor !== undefined && Math.floor(host / 4096) === interceptor.page;
  }

  /** MOV from CR8 and to it, where there is a TPR shadow. */
  taskPriority(): number | undefined {
    return shadowedPriority(this);
  }
  setTaskPriority(priority: number): boolean {
    return setShadowedPriority(this, priority);
  }

  /** VMFUNC that does not leave the guest; #UD where it does not exist. */
  vmFunction(): void {
    if (!functionExists(this)) throw hardwareFault(vector.UD);
    switchEptp(this);
  }

  /** CR0 and CR4 as the guest reads them: bits the VMM owns from the read shadow. */
  readControl(number: 0 | 4, real: bigint): bigint {
    const { mask, shadow } = this.#owned(number);
    return (real & ~mask) | (shadow & mask);
  }

  /** Bits of CR0 or CR4 that the VMM owns: writes by the guest leave them as they are. */
  hostOwned(number: 0 | 4): bigint {
    return this.#unowned ? 0n : this.#owned(number).mask;
  }

  /**
   * Lets `act` find CR0 and CR4 in the state block as the guest reads them, and none of their bits owned. What it has
   * written there with `keep` becomes real where the bits are the guest's, and goes to the read shadow where they are not.
   */
  withReadShadows<T>(act: () => T, keep: boolean): T {
    const { r64 } = this.cpu;
    const saved = controls.map(([number, place]) => ({ number, place, real: r64[place]!, ...this.#owned(number) }));
    for (const { place, real, mask, shadow } of saved) r64[place] = (real & ~mask) | (shadow & mask);
    this.#unowned = true;
    const result = act();
    this.#unowned = false;
    for (const { number, place, real, mask, shadow } of saved) {
      if (keep) this.vmcs.set(shadowFields[number].shadow, (shadow & ~mask) | (r64[place]! & mask));
      r64[place] = keep ? (r64[place]! & ~mask) | (real & mask) : real;
    }
    return result;
  }

  #owned(number: 0 | 4): { readonly mask: bigint; readonly shadow: bigint } {
    const { mask, shadow } = shadowFields[number];
    return { mask: this.vmcs.get(mask), shadow: this.vmcs.get(shadow) };
  }
}

const taskSwitchSources = { call: 0, iret: 1, jump: 2, gate: 3 } as const;
const taskSwitchNames = { call: "CALL", iret: "IRET", jump: "JMP", gate: "an event through a task gate" } as const;

/** The exit qualification of #DB, from what DR6 would say. */
const debugValues = (causes: number): Readonly<Record<string, number | boolean>> => ({
  breakpoints: causes & 0xf,
  bd: (causes & debugCause.access) !== 0,
  bs: (causes & debugCause.step) !== 0,
});

/** Interruption information that injects an external interrupt. */
export const injectInterruptInfo = (vector: number): number =>
  encodeInterruption({ vector, type: eventType.externalInterrupt, valid: true });

/** Interruption information that injects a hardware exception. */
export const injectExceptionInfo = (vector: number, withErrorCode: boolean): number =>
  encodeInterruption({ vector, type: eventType.hardwareException, errorCode: withErrorCode, valid: true });
