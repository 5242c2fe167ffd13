import type { Cpu } from "../cpu/cpu.ts";
import type { Fault } from "../cpu/monitor.ts";
import { bitsOf } from "../vmx/bit-layout.ts";
import { type ConsistencyCheck, checkConsistency } from "./consistency-checks.ts";
import { eventType, validEvent } from "./exit-information.ts";
import { loadGuest } from "./guest-state.ts";
import { loadPauseFilter } from "./pause-filter.ts";
import { type Vmcb, wordOf } from "./vmcb.ts";

type SvmEvent = Fault | { readonly kind: "interrupt"; readonly vector: number };

/** The event that a word in the format of EXITINTINFO and EVENTINJ describes; undefined if it is not valid. */
export function eventOf(info: bigint, length: number): SvmEvent | undefined {
  if ((info & validEvent) === 0n) return undefined;
  const type = Number(bitsOf(info, 10, 8));
  const vector = type === eventType.nmi ? 2 : Number(info & 0xffn);
  if (type === eventType.interrupt || type === eventType.nmi) return { kind: "interrupt", vector };
  // Vectors 3 and 4 behave like the traps of INT3 and INTO.
  const trap = type === eventType.exception && (vector === 3 || vector === 4);
  const source = type === eventType.softwareInterrupt ? "software" : trap ? "software-exception" : "hardware";
  return {
    kind: "fault",
    vector,
    errorCode: bitsOf(info, 11, 11) === 1n ? Number(bitsOf(info, 63, 32)) : undefined,
    source,
    length: source === "hardware" ? 0 : length,
  };
}

/**
 * The event that EVENTINJ asks to inject (APM Vol. 2, 15.20); undefined if it is not valid. Handlers of what an instruction asks
 * for return to nRIP.
 */
export const injectedEvent = (vmcb: Vmcb): SvmEvent | undefined =>
  vmcb.words[wordOf("eventInjection")]! >>> 31 === 0
    ? undefined
    : eventOf(vmcb.get("eventInjection"), Number(BigInt.asIntN(64, vmcb.get("nextRip") - vmcb.get("rip"))));

/** TLB_CONTROL commands (APM Vol. 2, table 15-9). */
export const tlbControl = { none: 0, everything: 1, guest: 3, guestNonGlobal: 7 } as const;

/**
 * VMRUN: checks the VMCB, loads the guest's state and flushes what TLB_CONTROL says (APM Vol. 2, 15.5.1). Gives the check that
 * failed, with VMEXIT_INVALID in the VMCB; undefined if the guest runs. Who calls it delivers the injected event.
 */
export function vmrun(cpu: Cpu, vmcb: Vmcb): ConsistencyCheck | undefined {
  const failed = checkConsistency(vmcb);
  if (failed) {
    vmcb.set("exitCode", invalid);
    return failed;
  }
  loadGuest(cpu, vmcb);
  loadPauseFilter(cpu, vmcb);
  const command = vmcb.number("tlbControl");
  if (command !== tlbControl.none) cpu.flushTlb(command !== tlbControl.guestNonGlobal, "TLB_CONTROL");
  cpu.attention = true;
  return undefined;
}

/** VMEXIT_INVALID. */
const invalid = 0xffff_ffff_ffff_ffffn;
