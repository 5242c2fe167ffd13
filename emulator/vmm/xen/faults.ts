import { enterDebugException } from "../../cpu/debug-registers.ts";
import { isFault, vector } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import type { Fault } from "../../cpu/monitor.ts";
import { CR0, signedNumber } from "../../cpu/state.ts";
import { instructionAt } from "../cpu/trap-reasons.ts";
import { hex, isRefused, mostLdtEntries, pageBytes, privatePlaces } from "./abi.ts";
import type { Domain } from "./domain.ts";
import type { Entry } from "./entries.ts";
import { deliverTrap } from "./entry-frames.ts";
import { entryOf } from "./memory-calls.ts";
import { frameOf, isPresent } from "./page-types.ts";
import { emulateForced, emulatePrivileged } from "./privileged.ts";
import { emulateTableWrite } from "./writable-page-tables.ts";

type FaultEntry = Entry & { readonly kind: "fault" };

/** Exceptions whose saved flags do not have RF set: the instruction is done. */
const isTrapLike = (number: number): boolean => number === vector.DB || number === vector.DF;

/** What Xen makes of an exception or software interrupt; undefined if the guest does not go on. `completed`: an instruction is done. */
export function handleFault(domain: Domain, entry: FaultEntry, completed: () => void): string | undefined {
  const errorCode = entry.errorCode ?? undefined;
  if (entry.source !== "hardware") return softwareInterrupt(domain, entry, completed);
  if (entry.vector === vector.PF) return pageFault(domain, entry, completed);
  const emulated =
    entry.vector === vector.GP && errorCode === 0
      ? emulate(domain)
      : entry.vector === vector.UD
        ? emulateForced(domain)
        : undefined;
  if (isFault(emulated)) return deliverTrap(domain, { ...emulated, resume: true });
  if (emulated !== undefined) {
    completed();
    return emulated;
  }
  if (entry.debug !== null) enterDebugException(domain.cpu, entry.debug);
  const handled = deliverTrap(domain, { vector: entry.vector, errorCode, resume: !isTrapLike(entry.vector) });
  // The guest has asked to be told of the first use of the FPU, and now it has been.
  if (entry.vector === vector.NM) clearTaskSwitched(domain);
  return handled;
}

function emulate(domain: Domain): string | Fault | undefined {
  const decoded = instructionAt(domain.cpu);
  return decoded && emulatePrivileged(domain, decoded);
}

function clearTaskSwitched({ cpu }: Domain): void {
  cpu.r64[layout.cr0 >> 3]! &= ~BigInt(CR0.TS);
  cpu.refresh();
}

/** INT n as the trap table allows it; INT3 and INTO are allowed to all. */
function softwareInterrupt(
  domain: Domain,
  { vector: number, source, next }: FaultEntry,
  completed: () => void,
): string | undefined {
  const trap = domain.state.traps[number];
  const level = domain.inKernel ? 1 : 3;
  if (source === "software" && (!trap || trap.level < level))
    return deliverTrap(domain, { vector: vector.GP, errorCode: number * 8 + 2, resume: true });
  domain.cpu.rip = next;
  completed();
  return deliverTrap(domain, { vector: number, errorCode: undefined });
}

function pageFault(domain: Domain, entry: FaultEntry, completed: () => void): string | undefined {
  const linear = signedNumber(BigInt(entry.address ?? 0));
  const errorCode = entry.errorCode ?? 0;
  const mapped = mapLdt(domain, linear);
  if (mapped !== undefined) return mapped;
  const written = emulateTableWrite(domain, linear, errorCode);
  if (written?.kind === "done") {
    completed();
    return written.what;
  }
  if (written?.kind === "fault") return deliverTrap(domain, { ...written.fault, resume: true });
  const address = BigInt.asUintN(domain.bits, BigInt(linear));
  const passed = deliverTrap(domain, { vector: vector.PF, errorCode, address, resume: true });
  return passed !== undefined && written ? `${passed}: ${written.why}` : passed;
}

/** The pages of an LDT are checked and mapped when the processor first reads them. */
function mapLdt(domain: Domain, linear: number): string | undefined {
  const at = linear - (domain.tables.base + privatePlaces.ldt);
  const { ldt } = domain.state;
  if (at < 0 || at >= mostLdtEntries * 8 || at >= ldt.entries * 8) return undefined;
  const page = Math.floor(at / pageBytes);
  const place = entryOf(domain, ldt.base + page * pageBytes);
  if (isRefused(place) || ldt.frames[page] !== undefined) return undefined;
  const entry = domain.types.read(place.frame, place.index);
  if (!isPresent(entry) || domain.types.acquire(frameOf(entry), "descriptor table")) return undefined;
  ldt.frames[page] = frameOf(entry);
  domain.tables.mapLdt(page, frameOf(entry));
  return `mapped page ${page} of the guest's LDT (${hex(frameOf(entry))})`;
}
