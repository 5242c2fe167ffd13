import { hardwareFault, vector } from "../cpu/fault.ts";
import type { Access, NestedAccess } from "../cpu/monitor.ts";
import { signedNumber } from "../cpu/state.ts";
import { type ExitNumbers, type Later, resolved, type Why } from "../trace/event.ts";
import { hex } from "./bit-layout.ts";
import { controlRule, controls, inForce } from "./controls.ts";
import { type EptMisconfiguration, type EptViolation, walkEpt } from "./ept.ts";
import { violationQualification, violationText, violationWhy } from "./ept-violation.ts";
import { unblocking } from "./exit.ts";
import type { NonRootGuest } from "./non-root-guest.ts";
import { leaveByFullLog, modificationLog } from "./page-modification-log.ts";
import { convertsViolations, notConvertible, writeInformation } from "./virtualization-exception.ts";

/** Host-physical address of a guest-physical one by the EPT in force. Leaves the guest, or raises #VE in it, where there is none. */
export function translate(
  guest: NonRootGuest,
  guestPhysical: number,
  access: Access,
  { forTable, probe = false, steps, linear, userAddress = false }: NestedAccess,
): number | undefined {
  const { vmcs, memory } = guest;
  const outcome = walkEpt(memory, vmcs.get("eptPointer"), guestPhysical, access, {
    forTable,
    probe,
    steps,
    userAddress: inForce(vmcs, controls.modeBasedExecute) ? userAddress : undefined,
    log: inForce(vmcs, controls.pml) ? modificationLog(guest) : undefined,
  });
  if (outcome.kind === "ok") return outcome.host;
  if (probe) return undefined;
  if (outcome.kind === "log-full") return leaveByFullLog(guest, guestPhysical);
  if (outcome.kind === "misconfiguration") return misconfigured(guest, outcome, guestPhysical);
  return violated(guest, outcome, { guestPhysical, access, linear, forTable });
}

interface ViolatingAccess {
  readonly guestPhysical: number;
  readonly access: Access;
  readonly linear: bigint | undefined;
  readonly forTable: boolean;
}

function violated(guest: NonRootGuest, outcome: EptViolation, violating: ViolatingAccess): never {
  const { attempted, allowed, level, entry } = outcome;
  const { guestPhysical, access, linear, forTable } = violating;
  const valid = linear !== undefined;
  if (valid) guest.cpu.tlb.forgetRefused(signedNumber(linear));
  const violation = violationQualification(attempted, allowed, valid, valid && !forTable);
  const qualification = violation | unblocking(guest.cpu);
  let why = violationWhy(access, level, entry);
  if (convertsViolations(guest)) {
    const because = notConvertible(guest, outcome);
    if (because === undefined) {
      writeInformation(guest, { qualification, guestLinear: linear, guestPhysical });
      throw hardwareFault(vector.VE);
    }
    why = notConverted(why, because, controlRule(guest.vmcs, "eptViolationVe"));
  }
  guest.abandon({
    reason: "EPT_VIOLATION",
    what: violationText(access, forTable),
    why,
    first: guestPhysical,
    second: valid ? signedNumber(linear) : 0,
    guestPhysical,
    guestLinear: linear,
    qualification,
  });
}

/** The guest would handle the violation itself, but for one thing. */
const notConverted =
  (why: Later<Why>, because: string, control: string): Later<Why> =>
  (numbers: ExitNumbers) => {
    const { sentence, rule, source } = resolved(why, numbers);
    return { sentence: `${sentence} It does not become #VE: ${because}.`, rule: `${rule}; ${control}`, source };
  };

function misconfigured(
  guest: NonRootGuest,
  { level, entry, fault }: EptMisconfiguration,
  guestPhysical: number,
): never {
  guest.abandon({
    reason: "EPT_MISCONFIGURATION",
    what: `guest-physical ${hex(guestPhysical)}: the EPT entry has ${fault}`,
    why: {
      sentence: `The EPT entry of level ${level} for guest-physical address ${hex(guestPhysical)} has ${fault}.`,
      rule: `EPT entry of level ${level} = ${hex(entry)}`,
      source: "SDM Vol. 3, 29.3.3.1: EPT Misconfigurations",
    },
    guestPhysical,
  });
}
