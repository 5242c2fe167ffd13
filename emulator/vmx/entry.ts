import type { Cpu } from "../cpu/cpu.ts";
import { stepArmed } from "../cpu/interrupts.ts";
import { layout } from "../cpu/layout.ts";
import type { Fault } from "../cpu/monitor.ts";
import { SS, signedNumber } from "../cpu/state.ts";
import { isOn } from "./controls.ts";
import { guestSegments } from "./entry-checks-guest.ts";
import { plainFields } from "./exit.ts";
import { eventType } from "./qualification.ts";
import type { Vmcs } from "./vmcs.ts";

/** Pending debug exceptions: BS, a single step that is still to be delivered. */
export const pendingSingleStep = 1n << 14n;

/** Loads the guest's state from a VMCS that has passed the entry checks (SDM Vol. 3, 27.3.2). */
export function loadGuest(cpu: Cpu, vmcs: Vmcs): void {
  for (const [field, offset] of plainFields) cpu.r64[offset >> 3] = vmcs.get(field);
  const is64 = isOn(vmcs, "ia32eModeGuest");
  const base = (value: bigint): number => (is64 ? signedNumber(value) : Number(value));
  cpu.setGdtr(base(vmcs.get("guestGdtrBase")), vmcs.number("guestGdtrLimit"));
  cpu.setIdtr(base(vmcs.get("guestIdtrBase")), vmcs.number("guestIdtrLimit"));
  for (const [n, names] of guestSegments.entries())
    cpu.writeSegment(n, {
      selector: vmcs.number(names.selector),
      access: vmcs.number(names.access),
      limit: vmcs.number(names.limit),
      base: base(vmcs.get(names.base)),
    });
  if (isOn(vmcs, "loadDebugControls")) cpu.r64[(layout.debug >> 3) + 7] = vmcs.get("guestDr7");
  if (isOn(vmcs, "entryLoadPat")) cpu.r64[layout.pat >> 3] = vmcs.get("guestPat");
  if (isOn(vmcs, "entryLoadEfer")) cpu.r64[layout.efer >> 3] = vmcs.get("guestEfer");
  if (isOn(vmcs, "tscOffsetting")) cpu.r64[layout.tscOffset >> 3] = vmcs.get("tscOffset");
  cpu.flags = vmcs.number("guestRflags");
  cpu.activity = vmcs.number("guestActivity");
  const stepDue = (vmcs.get("guestPendingDebug") & pendingSingleStep) !== 0n;
  cpu.interruptibility = vmcs.number("guestInterruptibility") | (stepDue ? stepArmed : 0);
  cpu.setCpl((cpu.access(SS) >> 5) & 3);
  cpu.refresh();
}

/** The event that VM-entry interruption information asks to inject; undefined if it is not valid. */
export function injectedEvent(vmcs: Vmcs): Fault | { readonly kind: "interrupt"; readonly vector: number } | undefined {
  const info = vmcs.number("entryInterruptionInfo");
  if (info >>> 31 === 0) return undefined;
  const vector = info & 0xff;
  const type = (info >> 8) & 7;
  if (type === eventType.externalInterrupt || type === eventType.nmi) return { kind: "interrupt", vector };
  return {
    kind: "fault",
    vector,
    errorCode: ((info >> 11) & 1) === 1 ? vmcs.number("entryErrorCode") : undefined,
    source:
      type === eventType.hardwareException
        ? "hardware"
        : type === eventType.softwareInterrupt
          ? "software"
          : "software-exception",
    length: type === eventType.hardwareException ? 0 : vmcs.number("entryInstructionLength"),
  };
}
