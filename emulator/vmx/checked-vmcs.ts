import { controls, inForce } from "./controls.ts";
import { SavedVmcs } from "./entry.ts";
import type { Entering, EntryFailure } from "./entry-checks.ts";
import { type Vmcs, vmcsBytes, wordOf } from "./vmcs.ts";
import { encodingParts, usualFields, vmcsFields } from "./vmcs-fields.ts";

/** Words of fields that software usually changes between an exit and an entry. */
const usual = new Set(
  usualFields.flatMap((field) => {
    const first = wordOf(field);
    return encodingParts(vmcsFields[field].encoding).bits === 64 ? [first, first + 1] : [first];
  }),
);
const others = Uint16Array.from({ length: vmcsBytes / 4 }, (_, n) => n).filter((word) => !usual.has(word));

const linkPointer = wordOf("vmcsLinkPointer");
const allOnes = 0xffff_ffff;

/**
 * A VMCS of software, and what of it need not be checked again. Software may write its region past VMWRITE, against the manual:
 * so it is compared with what the last exit left.
 */
export class CheckedVmcs {
  readonly #vmcs: Vmcs;
  readonly #saved: SavedVmcs;
  readonly #copy = new Uint32Array(vmcsBytes / 4);

  constructor(vmcs: Vmcs) {
    this.#vmcs = vmcs;
    this.#saved = new SavedVmcs(vmcs);
  }

  /** An exit has just saved the guest's state. */
  remember(): void {
    this.#copy.set(this.#vmcs.words);
    this.#saved.remember();
  }

  /** The checks of the coming entry, as far as they can fail. */
  check(by: Entering): EntryFailure | undefined {
    const changed = this.#saved.changed || this.#written || this.#looksAtMemory;
    if (changed) this.#saved.forget();
    return this.#saved.check(changed, by);
  }

  /** The checks of the TPR threshold and of a link pointer are of memory too. */
  get #looksAtMemory(): boolean {
    const { words } = this.#vmcs;
    return inForce(this.#vmcs, controls.tprShadow) || (words[linkPointer]! & words[linkPointer + 1]!) >>> 0 !== allOnes;
  }

  get #written(): boolean {
    const { words } = this.#vmcs;
    const copy = this.#copy;
    for (let n = 0; n < others.length; n++) {
      const word = others[n]!;
      if (words[word] !== copy[word]) return true;
    }
    return false;
  }
}
