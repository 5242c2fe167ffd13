import type { Fault } from "../cpu/monitor.ts";
import { checkEntry, type EntryCheck, type EntryFailure, entryChecks } from "./entry-checks.ts";
import { usualFields } from "./guest-state.ts";
import { eventType } from "./qualification.ts";
import { fieldOffset, type Vmcs, vmcsBytes } from "./vmcs.ts";
import { encodingParts, type VmcsField, vmcsFields } from "./vmcs-fields.ts";

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

const words = vmcsBytes / 4;
const usual = new Set(usualFields);
/** Words of the VMCS that hold fields other than the usual ones. */
const unusualWords = Uint16Array.from(
  new Set(
    (Object.keys(vmcsFields) as VmcsField[])
      .filter((field) => !usual.has(field))
      .flatMap((field) => {
        const { encoding } = vmcsFields[field];
        const first = fieldOffset(encoding) >> 2;
        const count = Math.max(1, encodingParts(encoding).bits / 32);
        return Array.from({ length: count }, (_, n) => first + n);
      }),
  ),
);
const ofUsual = (checks: readonly EntryCheck[]): readonly EntryCheck[] =>
  checks.filter(({ field }) => usual.has(field));
const usualChecks = {
  controls: ofUsual(entryChecks.controls),
  host: ofUsual(entryChecks.host),
  guest: ofUsual(entryChecks.guest),
} as const;

/**
 * Remembers a VMCS as an exit left it. All of it passed the checks of the entry before, or was saved by the processor: an
 * entry after which only usual fields have changed need check only those.
 */
export class SavedVmcs {
  readonly #vmcs: Vmcs;
  readonly #saved = new Uint32Array(words);
  #valid = false;

  constructor(vmcs: Vmcs) {
    this.#vmcs = vmcs;
  }

  /** An exit has just saved the guest's state. */
  remember(): void {
    this.#saved.set(this.#vmcs.words);
    this.#valid = true;
  }

  /** The memory under the VMCS was replaced. */
  forget(): void {
    this.#valid = false;
  }

  /** Has anything but usual fields changed? */
  get changed(): boolean {
    if (!this.#valid) return true;
    const now = this.#vmcs.words;
    const saved = this.#saved;
    for (let n = 0; n < unusualWords.length; n++) {
      const word = unusualWords[n]!;
      if (now[word] !== saved[word]) return true;
    }
    return false;
  }

  /** The checks of the coming entry, as far as they can fail. */
  check(changed: boolean): EntryFailure | undefined {
    return changed ? checkEntry(this.#vmcs) : checkEntry(this.#vmcs, usualChecks);
  }
}
