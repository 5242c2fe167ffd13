import { statusMask } from "../cpu/flags.ts";
import type { Fault } from "../cpu/monitor.ts";
import { checkEntry, type Entering, type EntryFailure, entryChecks } from "./entry-checks.ts";
import { eventType } from "./qualification.ts";
import { type Vmcs, wordOf } from "./vmcs.ts";
import { encodingParts, usualFields, type VmcsField, vmcsFields } from "./vmcs-fields.ts";

type VmxEvent = Fault | { readonly kind: "interrupt"; readonly vector: number };

/** The event that interruption information describes, with its error code and instruction length; undefined if it is not valid. */
export function eventOf(info: number, errorCode: number, length: number): VmxEvent | undefined {
  const vector = info & 0xff;
  const type = (info >> 8) & 7;
  // The other event is an exit of the monitor trap flag, which `NonRoot.entered` sees to.
  if (info >>> 31 === 0 || type === eventType.other) return undefined;
  if (type === eventType.externalInterrupt || type === eventType.nmi) return { kind: "interrupt", vector };
  return {
    kind: "fault",
    vector,
    errorCode: ((info >> 11) & 1) === 1 ? errorCode : undefined,
    source:
      type === eventType.hardwareException
        ? "hardware"
        : type === eventType.softwareInterrupt
          ? "software"
          : "software-exception",
    length: type === eventType.hardwareException ? 0 : length,
  };
}

/** The event that VM-entry interruption information asks to inject; undefined if it is not valid. */
export const injectedEvent = (vmcs: Vmcs): VmxEvent | undefined =>
  eventOf(vmcs.number("entryInterruptionInfo"), vmcs.number("entryErrorCode"), vmcs.number("entryInstructionLength"));

const usual = new Set(usualFields);
const among = (fields: (field: VmcsField) => boolean) => ({
  controls: entryChecks.controls.filter(({ field }) => fields(field)),
  host: entryChecks.host.filter(({ field }) => fields(field)),
  guest: entryChecks.guest.filter(({ field }) => fields(field)),
});
const usualChecks = among((field) => usual.has(field));
/** All that could fail; none does for an address of 32 bits. */
const ripChecks = among((field) => field === "guestRip");

const ripHigh = wordOf("guestRip") + 1;

/** Words of the usual fields but RIP, and of each the bits that checks may read: of RFLAGS not the status flags. */
const readWords = usualFields
  .filter((field) => field !== "guestRip")
  .flatMap((field) => {
    const first = wordOf(field);
    const low = { word: first, mask: field === "guestRflags" ? ~statusMask : -1 };
    return encodingParts(vmcsFields[field].encoding).bits === 64 ? [low, { word: first + 1, mask: -1 }] : [low];
  });

/** What has passed the usual checks, of which revision of the VMCS. */
interface Passed {
  revision: number;
  readonly words: Int32Array;
}
const nothing = (): Passed => ({ revision: -1, words: new Int32Array(readWords.length) });

function isSame({ words, revision }: Vmcs, passed: Passed): boolean {
  if (passed.revision !== revision) return false;
  for (let n = 0; n < readWords.length; n++) {
    const { word, mask } = readWords[n]!;
    if ((words[word]! & mask) !== passed.words[n]) return false;
  }
  return true;
}

/**
 * Remembers a VMCS as an exit left it. All of it passed the checks of the entry before, or was saved by the processor: an
 * entry after which only usual fields have changed need check only those, and these only if they differ from what passed.
 */
export class SavedVmcs {
  readonly #vmcs: Vmcs;
  /** Of the VMCS at the exit; -1 if there was none since its memory was replaced. */
  #revision = -1;
  /** The two that passed last, the newer first: entries with an injected event and without take turns. */
  #passed: readonly [Passed, Passed] = [nothing(), nothing()];

  constructor(vmcs: Vmcs) {
    this.#vmcs = vmcs;
  }

  /** An exit has just saved the guest's state. */
  remember(): void {
    this.#revision = this.#vmcs.revision;
  }

  /** The memory under the VMCS was replaced. */
  forget(): void {
    this.#revision = -1;
    for (const passed of this.#passed) passed.revision = -1;
  }

  /** Has anything but usual fields changed? */
  get changed(): boolean {
    return this.#revision !== this.#vmcs.revision;
  }

  /** The checks of the coming entry, as far as they can fail. */
  check(changed: boolean, by?: Entering): EntryFailure | undefined {
    if (changed) return checkEntry(this.#vmcs, entryChecks, by);
    if (this.#passedBefore) return this.#vmcs.words[ripHigh] === 0 ? undefined : checkEntry(this.#vmcs, ripChecks);
    const failure = checkEntry(this.#vmcs, usualChecks);
    if (!failure) this.#pass();
    return failure;
  }

  get #passedBefore(): boolean {
    const [newer, older] = this.#passed;
    return isSame(this.#vmcs, newer) || isSame(this.#vmcs, older);
  }

  #pass(): void {
    const { words, revision } = this.#vmcs;
    const [newer, older] = this.#passed;
    older.revision = revision;
    for (let n = 0; n < readWords.length; n++) {
      const { word, mask } = readWords[n]!;
      older.words[n] = words[word]! & mask;
    }
    this.#passed = [older, newer];
  }
}
