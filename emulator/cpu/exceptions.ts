import { flagMask } from "../../isa/flags.ts";
import type { Cpu } from "./cpu.ts";
import { enterDebugException } from "./debug-registers.ts";
import { deliverThroughTable } from "./event-delivery.ts";
import { hardwareFault, isFault, pushesErrorCode, vector } from "./fault.ts";
import { layout } from "./layout.ts";
import type { Fault } from "./monitor.ts";

interface InterruptEvent {
  readonly kind: "interrupt";
  readonly vector: number;
}
export type VectoringEvent = Fault | InterruptEvent;

const contributory = new Set<number>([vector.DE, vector.TS, vector.NP, vector.SS, vector.GP]);
const blockedByDelivery = 3 | (7 << 29);
const TF = flagMask("TF");
/** Blocking by NMI in the interruptibility state. */
export const nmiBlocked = 8;
/** Activity state "shutdown". */
export const shutdown = 2;

type Combination = "serial" | "double" | "triple";

/** What an exception becomes that arises while another event is delivered (SDM Vol. 3, table 6-5). */
export function combine(first: VectoringEvent, second: Fault): Combination {
  if (first.kind === "interrupt" || first.source !== "hardware") return "serial";
  if (first.vector === vector.DF) return "triple";
  const bad = contributory.has(second.vector);
  if (contributory.has(first.vector) && bad) return "double";
  const isPage = (number: number): boolean => number === vector.PF || number === vector.VE;
  return isPage(first.vector) && (bad || isPage(second.vector)) ? "double" : "serial";
}

/** Real-address mode knows no error codes. */
const asInMode = (cpu: Cpu, fault: Fault): Fault =>
  cpu.protectedMode || fault.errorCode === undefined ? fault : { ...fault, errorCode: undefined };

/** What became of an event: its handler is entered; another exception took its place; the guest left to the monitor. */
export type Delivery = "entered" | "replaced" | "left";

/** Delivers an exception; the monitor is asked about it, and about every further one that delivering it raises. */
export function deliverException(cpu: Cpu, raised: Fault, during: VectoringEvent | undefined): Delivery {
  const fault = asInMode(cpu, raised);
  cpu.vectoring = during;
  // What a faulting instruction has met of breakpoints it will meet again.
  if (!during) cpu.r32[layout.pendingDebug >> 2] = 0;
  if (cpu.monitor?.onException(fault, raised.errorCode)) return "left";
  const combination = during ? combine(during, fault) : "serial";
  loadPageFaultAddress(cpu, fault);
  if (combination === "triple") {
    tripleFault(cpu);
    return "replaced";
  }
  const event = combination === "double" ? asInMode(cpu, hardwareFault(vector.DF, 0)) : fault;
  if (event !== fault && cpu.monitor?.onException(event, event.errorCode)) return "left";
  const delivery = injectException(cpu, event);
  return delivery === "entered" && event !== fault ? "replaced" : delivery;
}

/** As `deliverException`, without asking the monitor about this one (VM-entry event injection). */
export function injectException(cpu: Cpu, fault: Fault): Delivery {
  cpu.vectoring = fault;
  cpu.activity = 0;
  loadPageFaultAddress(cpu, fault);
  if (fault.debug !== undefined) enterDebugException(cpu, fault.debug);
  const instruction = fault.source !== "hardware";
  // INT1 is privileged: its gate's DPL does not count (SDM Vol. 2, INT n).
  const software = instruction && !(fault.source === "software-exception" && fault.vector === vector.DB);
  cpu.observer.exception?.(fault);
  try {
    deliverThroughTable(cpu, {
      vector: fault.vector,
      errorCode: fault.errorCode !== undefined && pushesErrorCode(fault.vector) ? fault.errorCode : undefined,
      software,
      returnTo: instruction ? cpu.sequential(fault.length) : cpu.rip,
      length: fault.length,
      setResume: !instruction && fault.vector !== vector.DB && fault.vector !== vector.DF,
    });
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return instead(deliverException(cpu, thrown, fault));
  }
  delivered(cpu);
  return "entered";
}

/** What became of an event, from what became of an exception that its delivery raised. */
const instead = (delivery: Delivery): Delivery => (delivery === "left" ? "left" : "replaced");

/** Delivers an external interrupt or NMI (vector 2). */
export function deliverInterrupt(cpu: Cpu, number: number): Delivery {
  const event: InterruptEvent = { kind: "interrupt", vector: number };
  cpu.vectoring = event;
  cpu.activity = 0;
  // From now on: also where its delivery raises an exception, or leaves the guest (SDM Vol. 3, 28.1).
  if (number === vector.NMI) cpu.interruptibility |= nmiBlocked;
  cpu.observer.interrupt?.(number);
  try {
    deliverThroughTable(cpu, {
      vector: number,
      errorCode: undefined,
      software: false,
      returnTo: cpu.rip,
      length: 0,
      setResume: false,
    });
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return instead(deliverException(cpu, thrown, event));
  }
  delivered(cpu);
  return "entered";
}

/** CR2 is loaded even where the page fault then becomes a double or triple fault. */
function loadPageFaultAddress(cpu: Cpu, { vector: number, address }: Fault): void {
  if (number === vector.PF && address !== undefined) cpu.r64[layout.cr2 >> 3] = address;
}

/** The handler is entered: what its first instruction finds. */
function delivered(cpu: Cpu): void {
  cpu.next = cpu.rip;
  cpu.activity = 0;
  cpu.interruptibility &= ~blockedByDelivery;
  cpu.unblockedNmi = false;
  if ((cpu.eflags & TF) !== 0) cpu.attention = true;
}

/** An exception while #DF was delivered: shutdown, unless the monitor takes it. */
function tripleFault(cpu: Cpu): void {
  cpu.vectoring = undefined;
  cpu.next = cpu.rip;
  if (cpu.monitor?.onTripleFault()) return;
  cpu.activity = shutdown;
  cpu.attention = true;
}
