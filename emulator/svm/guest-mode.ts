import { flagMask } from "../../isa/flags.ts";
import type { Decoded } from "../../isa/operands.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { enterDebugException } from "../cpu/debug-registers.ts";
import { nmiBlocked } from "../cpu/exceptions.ts";
import { vector } from "../cpu/fault.ts";
import { shadow } from "../cpu/interrupts.ts";
import { accessBits, layout } from "../cpu/layout.ts";
import type { Access, Fault, NestedAccess, VmExit } from "../cpu/monitor.ts";
import { endMonitorWait } from "../cpu/monitor-wait.ts";
import { CS, signedNumber } from "../cpu/state.ts";
import type { TaskSwitch } from "../cpu/task-switch.ts";
import type { ExitNumbers, Later, Outlook, Why } from "../trace/event.ts";
import { hex } from "../vmx/bit-layout.ts";
import type { HostMemory } from "../vmx/host-memory.ts";
import { encodeInfo1, encodeInfo2, interruptedEvent, nestedFaultInfo } from "./exit-information.ts";
import { saveGuest } from "./guest-state.ts";
import { instructionAttempt } from "./instruction-attempt.ts";
import { type Attempt, type Decision, decideIntercept } from "./intercept-rules.ts";
import { isIntercepted } from "./intercepts.ts";
import { type NptFault, walkNpt } from "./npt.ts";
import { guestOutlook } from "./outlook.ts";
import { filtered, notePause } from "./pause-filter.ts";
import { virtualInterrupt } from "./virtual-interrupt.ts";
import { mostInstructionBytes, type Vmcb } from "./vmcb.ts";

/** A #VMEXIT as it is about to be recorded. */
export interface GuestExit {
  /** EXITCODE. */
  readonly code: number;
  readonly what: Later<string>;
  readonly why: Later<Why>;
  /** Number for `what` (see `ExitNumbers`); the second one is EXITINFO2. */
  readonly first?: number | undefined;
  readonly info1?: bigint | number | undefined;
  readonly info2?: bigint | number | undefined;
  /** Of the instruction after the intercepted one, unsigned or signed canonical; 0 where the manual does not save it. */
  readonly nextRip?: number;
  /** A data access faulted: the instruction's bytes are stored. */
  readonly withBytes?: boolean;
}

const isPause = (attempt: Attempt): boolean => attempt.kind === "event" && attempt.intercept === "PAUSE";

const vmExit: VmExit = { kind: "exit" };
const unretired = layout.unretired >> 3;
const pendingNmi = layout.pendingNmi >> 2;
const IF = flagMask("IF");
const eventValid = 31;
export const nestedPageFault = 0x400;
const pageFaultFetch = 0x10;
/** BOUND's exception, which like those of INT3 and INTO saves nRIP (APM Vol. 2, 15.7.1). */
const boundRange = 5;

/**
 * A guest of AMD-V: at the points where the processor asks, applies the intercepts of the VMCB to what the guest is about to
 * do. Where that leaves the guest it fills in the VMCB, tells `left`, and says so.
 */
export class GuestMode {
  readonly vmcb: Vmcb;
  readonly #cpu: Cpu;
  readonly #memory: HostMemory;
  readonly #read = (address: number): number => this.#memory.read8(address);
  readonly #left: (exit: GuestExit) => void;

  constructor(cpu: Cpu, vmcb: Vmcb, memory: HostMemory, left: (exit: GuestExit) => void) {
    this.#cpu = cpu;
    this.vmcb = vmcb;
    this.#memory = memory;
    this.#left = left;
  }

  decide(attempt: Attempt): Decision {
    const decision = decideIntercept(this.vmcb, this.#read, attempt);
    const why = isPause(attempt) && decision.exits ? filtered(this.#cpu, this.vmcb) : undefined;
    return why ? { ...decision, exits: false, why } : decision;
  }

  /** #VMEXIT (APM Vol. 2, 15.6): saves the guest's state and why it was left. The caller throws where an instruction is abandoned. */
  leave(exit: GuestExit): void {
    const { vmcb } = this;
    const cpu = this.#cpu;
    endMonitorWait(cpu);
    saveGuest(cpu, vmcb);
    vmcb.set("exitCode", exit.code);
    vmcb.set("exitInfo1", exit.info1 ?? 0);
    vmcb.set("exitInfo2", exit.info2 ?? 0);
    vmcb.set("exitIntInfo", cpu.vectoring ? interruptedEvent(cpu.vectoring) : 0);
    vmcb.set("nextRip", exit.nextRip ?? 0);
    if (exit.withBytes) vmcb.setInstruction(this.#instructionBytes());
    else vmcb.set("instructionBytes", 0);
    // An injection is over once the guest has run.
    vmcb.setBit("eventInjection", eventValid, false);
    cpu.activity = 0;
    this.#left(exit);
  }

  #abandon(exit: GuestExit): never {
    this.leave(exit);
    throw vmExit;
  }

  /** True if the instruction leaves the guest; the step is then counted as one that retires nothing. */
  beforeInstruction(decoded: Decoded): boolean {
    const found = instructionAttempt(this.#cpu, decoded);
    if (!found) return false;
    const { exits, code, why } = this.decide(found.attempt);
    if (!exits) {
      if (isPause(found.attempt) && isIntercepted(this.vmcb, "PAUSE")) notePause(this.#cpu, this.vmcb);
      return false;
    }
    const nextRip = this.#cpu.next;
    const { what, first, info1 } = found;
    const info2 = found.attempt.kind === "port" ? nextRip : 0;
    this.leave({ code, what, why, first, info1: info1?.(), info2, nextRip });
    this.#cpu.f64[unretired]! += 1;
    return true;
  }

  /** What would become of an instruction, and why; `Cpu.next` must be set. Changes nothing. */
  why(instruction: Decoded): Outlook {
    return guestOutlook(this.#cpu, (attempt) => this.decide(attempt), instruction);
  }

  /**
   * Throws a `VmExit` if the exception is intercepted. INT n and INT1 never are by their vectors (APM Vol. 2, 15.12); #DB has
   * written DR6 and DR7 by then, #PF has not written CR2.
   */
  onException(fault: Fault, protectedErrorCode: number | undefined): boolean {
    const { source, address, debug } = fault;
    const icebp = source === "software-exception" && fault.vector === vector.DB;
    if (source === "software" || icebp) return false;
    const { exits, code, why } = this.decide({ kind: "exception", vector: fault.vector });
    if (!exits) return false;
    if (debug !== undefined) enterDebugException(this.#cpu, debug);
    const isPageFault = fault.vector === vector.PF;
    // Also in paged real mode the VMM gets the error code of protected mode (APM Vol. 2, 15.12.15).
    const errorCode = isPageFault ? protectedErrorCode : fault.errorCode;
    const { next } = this.#cpu;
    const after = source === "software-exception" ? this.#cpu.sequential(fault.length) : next;
    const byInstruction = source === "software-exception" || fault.vector === boundRange;
    this.#abandon({
      code,
      what: `exception ${fault.vector}${errorCode === undefined ? "" : `, error code ${hex(errorCode)}`}`,
      why,
      info1: errorCode ?? 0,
      ...(isPageFault ? { info2: address ?? 0n } : {}),
      nextRip: byInstruction ? after : 0,
      withBytes: isPageFault && ((errorCode ?? 0) & pageFaultFetch) === 0,
    });
  }

  /**
   * An interrupt of the machine is pending: true if it made the guest leave. Without V_INTR_MASKING the guest's IF holds it back
   * first (APM Vol. 2, 15.21.1).
   */
  onInterrupt(): boolean {
    if (!virtualInterrupt.masking(this.vmcb) && (this.#cpu.eflags & IF) === 0) return false;
    return this.#event("INTR", "an interrupt of the machine");
  }

  /** An NMI can be taken: true if it made the guest leave. */
  onNmi(): boolean {
    return this.#event("NMI", "an NMI of the machine");
  }

  onTripleFault(): boolean {
    return this.#event("SHUTDOWN", "a fault while delivering a double fault");
  }

  #event(intercept: "INTR" | "NMI" | "VINTR" | "SHUTDOWN", what: string): boolean {
    const { exits, code, why } = this.decide({ kind: "event", intercept });
    if (exits) this.leave({ code, what, why });
    return exits;
  }

  /** Throws a `VmExit` before anything of the task switch has happened, if it is intercepted. */
  onTaskSwitch({ selector, source, errorCode, savedFlags }: TaskSwitch): void {
    const { exits, code, why } = this.decide({ kind: "event", intercept: "TASK_SWITCH" });
    if (!exits) return;
    this.#abandon({
      code,
      what: () => `${taskSwitchNames[source]} to the task of TSS ${hex(selector)}`,
      why,
      info1: encodeInfo1(code, { selector }),
      info2: encodeInfo2(code, {
        errorCode: errorCode ?? 0,
        iret: source === "iret",
        jump: source === "jump",
        hasError: errorCode !== undefined,
        resume: ((savedFlags ?? 0) & flagMask("RF")) !== 0,
      }),
    });
  }

  /**
   * Virtual NMIs and interrupts, and NMIs of the machine, which a virtual mask does not hold back. True if one was delivered or
   * made the guest leave. `physical`: an interrupt of the machine is due, which goes first (APM Vol. 2, 15.21.4).
   */
  atBoundary(physical: boolean): boolean {
    const cpu = this.#cpu;
    const { vmcb } = this;
    if (cpu.r32[pendingNmi] !== 0 && isIntercepted(vmcb, "NMI") && virtualInterrupt.nmiEnabled(vmcb)) {
      cpu.r32[pendingNmi] = 0;
      return this.onNmi();
    }
    const held = cpu.interruptibility;
    if (virtualInterrupt.nmiWanted(vmcb) && (held & (nmiBlocked | shadow.movSs)) === 0) {
      virtualInterrupt.setNmiWanted(vmcb, false);
      cpu.interrupt(vector.NMI);
      return true;
    }
    if (physical || !virtualInterrupt.wanted(vmcb) || !virtualInterrupt.passesTpr(vmcb)) return false;
    if ((cpu.eflags & IF) === 0 || (held & (shadow.sti | shadow.movSs)) !== 0) return false;
    if (this.#event("VINTR", "the guest can take a virtual interrupt")) return true;
    virtualInterrupt.setWanted(vmcb, false);
    cpu.interrupt(vmcb.number("virtualVector"));
    return true;
  }

  /** Host-physical address of a guest-physical one under nested paging; the identity without. */
  translate(guestPhysical: number, access: Access, options: NestedAccess): number | undefined {
    if (!this.vmcb.bit("nestedControl", 0)) return guestPhysical;
    const pointer = this.vmcb.physical("nestedCr3");
    const outcome = walkNpt(this.#memory, pointer - (pointer % 4096), guestPhysical, access, {
      forTable: options.forTable,
      probe: options.probe ?? false,
      steps: options.steps,
    });
    if (outcome.kind === "ok") return outcome.host;
    if (options.probe) return undefined;
    if (options.linear !== undefined) this.#cpu.tlb.forgetRefused(signedNumber(options.linear));
    return this.#nestedFault(outcome, guestPhysical, options.forTable);
  }

  #nestedFault(fault: NptFault, guestPhysical: number, table: boolean): never {
    const { level, entry, because } = fault;
    this.#abandon({
      code: nestedPageFault,
      what: nestedFaultText,
      why: ({ second }: ExitNumbers) => ({
        sentence: `The nested page-table entry of level ${level} for guest-physical address ${hex(second)} ${because}.`,
        rule: `nested entry of level ${level} = ${hex(entry)}: P = ${entry & 1n}, R/W = ${(entry >> 1n) & 1n}, U/S = ${(entry >> 2n) & 1n}, NX = ${entry >> 63n}`,
        source: "APM Vol. 2, 15.25.6: Nested versus Guest Page Faults, Fault Ordering",
      }),
      info1: nestedFaultInfo({ ...fault, table }),
      info2: guestPhysical,
      withBytes: !fault.fetch,
    });
  }

  /** Up to 15 bytes at CS:RIP, as far as they can be fetched (APM Vol. 2, 15.8.4). */
  #instructionBytes(): number[] {
    const cpu = this.#cpu;
    const bytes: number[] = [];
    let page = -1;
    let host: number | undefined;
    for (let n = 0; n < mostInstructionBytes; n++) {
      const offset = cpu.rip + n;
      if (cpu.bits !== 64 && offset > cpu.limit(CS) && (cpu.access(CS) & accessBits.unusable) === 0) break;
      const linear = cpu.codeLinear(offset);
      if (Math.floor(linear / 4096) !== page) {
        page = Math.floor(linear / 4096);
        host = this.#peek(linear - (linear - page * 4096));
      }
      if (host === undefined) break;
      bytes.push(this.#memory.read8(host + (linear - page * 4096)));
    }
    return bytes;
  }

  /** Host-physical address of the page of code at a linear address, if it is mapped and RAM. */
  #peek(linear: number): number | undefined {
    const cpu = this.#cpu;
    const walk = cpu.walker.walk({ linear, access: "execute", user: cpu.cpl === 3, probe: true });
    if (walk.kind !== "page") return undefined;
    const probe = { linear: undefined, forTable: false, probe: true };
    const host = this.translate(walk.physical, "execute", probe);
    return host !== undefined && cpu.physical.isRam(host) ? host : undefined;
  }
}

const taskSwitchNames = { call: "CALL", iret: "IRET", jump: "JMP", gate: "an event through a task gate" } as const;

/** From EXITINFO1 and EXITINFO2 alone: no linear address is known. */
function nestedFaultText({ qualification, second }: ExitNumbers): string {
  const info = Number(qualification & 0xffff_ffffn);
  const access = (info & 0x10) !== 0 ? "execution" : (info & 2) !== 0 ? "write" : "read";
  const target = (qualification >> 33n) & 1n ? " for a guest page table" : "";
  const state = (info & 1) === 0 ? "not present" : (info & 8) !== 0 ? "reserved bits set" : "not allowed";
  return `${access} of guest-physical ${hex(second)}${target}: ${state}`;
}
