import type { Access, NestedAccess } from "../cpu/monitor.ts";
import type { State } from "../cpu/state.ts";
import { vmxOperation } from "../cpu/virtualization.ts";
import { type AddressLine, gated } from "./address-line.ts";

const entries = 4096;
/** Reads, writes and fetches of pages, and reads and writes of guest paging structures, are remembered apart. */
const kinds = 5;
const kindOf = (access: Access, forTable: boolean): number =>
  access === "execute" ? 2 : (access === "write" ? 1 : 0) + (forTable ? 3 : 0);

/**
 * Guest-physical to host-physical through the monitor, remembering what it answered where the monitor allows that (the
 * guest-physical mappings of SDM Vol. 3, 29.4). They are forgotten with all other translations, never by the guest's own
 * INVLPG or MOV CR3. A monitor that lets them be remembered has the TLB flushed when it takes a translation back, so what is
 * kept here never shows and is no part of the machine's state.
 */
export class NestedTranslations {
  readonly #state: State;
  #a20: AddressLine;
  readonly #tags = new Int32Array(kinds * entries);
  readonly #hosts = new Float64Array(kinds * entries);

  #empty = true;
  /** Whose answers are remembered; undefined where nobody else gives the same. */
  #owner: object | undefined;

  constructor(state: State, a20: AddressLine) {
    this.#state = state;
    this.#a20 = a20;
    this.#tags.fill(-1);
  }

  /** This is the gate of address line 20 from now on. */
  connect(a20: AddressLine): void {
    this.#a20 = a20;
    this.flush();
  }

  flush(): void {
    if (!this.#empty) this.#tags.fill(-1);
    this.#empty = true;
  }

  /** From now on the monitor is one whose translations are these. */
  use(owner: object | undefined): void {
    if (owner === undefined || owner !== this.#owner) this.flush();
    this.#owner = owner;
  }

  /** Nothing stands between: no monitor, and address line 20 is open. */
  get isIdentity(): boolean {
    return this.#state.monitor === undefined && (this.#a20.enabled || this.#inVmx);
  }

  /** VMX operation lets address line 20 through whatever its gate says (SDM Vol. 3, 24.8). */
  get #inVmx(): boolean {
    return this.#state.vmxOperation !== vmxOperation.off;
  }

  /** Without a monitor, only address line 20 stands between. */
  bare(physical: number): number {
    return this.#inVmx ? physical : gated(physical, this.#a20);
  }

  /** Whether address line 20 is held low now. */
  get gatesLine20(): boolean {
    return !this.#a20.enabled;
  }

  /** Host-physical address; undefined where a probe is refused. May throw a `VmExit`. */
  translate(guest: number, access: Access, options: NestedAccess): number | undefined {
    const { monitor } = this.#state;
    if (!monitor) return this.bare(guest);
    if (!monitor.translationsLast || options.probe || options.steps) return monitor.translate(guest, access, options);
    const page = Math.floor(guest / 4096);
    const at = kindOf(access, options.forTable) * entries + (page & (entries - 1));
    if (this.#tags[at] !== page) {
      const host = monitor.translate(guest, access, options);
      if (host === undefined) return undefined;
      this.#tags[at] = page;
      this.#empty = false;
      this.#hosts[at] = host - (host % 4096);
    }
    return this.#hosts[at]! + (guest % 4096);
  }
}
