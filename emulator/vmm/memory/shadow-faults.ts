import type { Cpu } from "../../cpu/cpu.ts";
import { unsupported } from "../../cpu/fault.ts";
import type { Access, Fault } from "../../cpu/monitor.ts";
import { CR0 } from "../../cpu/state.ts";
import type { VmmContext } from "../context.ts";
import { pte, type ShadowPaging, vmmLinear } from "./shadow-paging.ts";

/** What a page fault of the deprivileged guest was about. */
export type ShadowOutcome =
  /** The guest's own tables allow the access: the shadow has been mended, and the guest notices nothing. */
  | { readonly kind: "hidden"; readonly what: string }
  /** A device is there: the VMM executes the instruction. */
  | { readonly kind: "device" }
  /** A write to a page whose writes the VMM must see; it is writable now, for one instruction. */
  | { readonly kind: "traced"; readonly linear: number }
  /** The guest's own tables do not allow it: the fault is the guest's. */
  | { readonly kind: "guest"; readonly errorCode: number };

const errorBits = { present: 1, write: 2, user: 4, fetch: 0x10 } as const;

const hex = (value: number): string => `${value.toString(16).toUpperCase()}h`;

/** Sorts the page faults of a guest with shadow page tables, in the order of the classic decision: walk, place, trace, fill. */
export class ShadowFaults {
  readonly #cpu: Cpu;
  readonly #context: VmmContext;
  readonly #shadow: ShadowPaging;
  readonly #traced: () => ReadonlySet<number>;

  /** `traced` gives the guest-physical pages to which writes must be seen. */
  constructor(context: VmmContext, shadow: ShadowPaging, traced: () => ReadonlySet<number>) {
    this.#cpu = context.cpu;
    this.#context = context;
    this.#shadow = shadow;
    this.#traced = traced;
  }

  /** The guest's own registers must be loaded. */
  handle(fault: Fault): ShadowOutcome {
    const linear = Number(fault.address ?? 0n);
    if (linear >= vmmLinear)
      throw unsupported(`guest use of linear address ${hex(linear)}: the VMM occupies ${hex(vmmLinear)} and up`);
    const code = fault.errorCode ?? 0;
    const user = (code & errorBits.user) !== 0;
    const access: Access =
      (code & errorBits.write) !== 0 ? "write" : (code & errorBits.fetch) !== 0 ? "execute" : "read";
    const walk = this.#cpu.walker.walk({ linear, access, user });
    if (walk.kind !== "page") {
      const errorCode = walk.kind === "fault" ? walk.errorCode : code;
      this.#event(
        "true guest fault",
        linear,
        `the guest's own tables refuse the ${access}: error code ${hex(errorCode)}`,
      );
      return { kind: "guest", errorCode };
    }
    if (this.#cpu.bus.claims(walk.physical)) {
      this.#event("device", linear, `guest-physical ${hex(walk.physical)} is a device's: no entry is made`);
      return { kind: "device" };
    }
    const writable = access === "write";
    const traced = writable && this.#traced().has(Math.floor(walk.physical / 4096));
    const before = this.#shadow.entry(linear);
    const large = walk.size !== 0;
    const readableByUser = walk.user && !(writable && this.#overridesProtection(linear));
    const full = this.#shadow.fill({ linear, physical: walk.physical, writable, user: readableByUser, large });
    if (full) this.#event("no memory", linear, "all shadow tables were dropped: the VMM's memory was full");
    if (traced) {
      this.#event("write to a traced page", linear, `guest-physical ${hex(walk.physical)} holds descriptors`);
      return { kind: "traced", linear };
    }
    return { kind: "hidden", what: this.#filled(linear, walk.physical, before, writable) };
  }

  /** Does only CR0.WP = 0 allow the kernel to write here? Then a process must not get the entry. */
  #overridesProtection(linear: number): boolean {
    const { cpu } = this.#context;
    if ((cpu.cr0 & CR0.WP) !== 0) return false;
    return cpu.walker.walk({ linear, access: "write", user: true, probe: true }).kind === "fault";
  }

  #filled(linear: number, physical: number, before: number, writable: boolean): string {
    const target = `${writable ? "writable" : "read-only"} entry to guest-physical ${hex(physical - (physical % 4096))}`;
    const upgrade = (before & pte.present) !== 0;
    const kind =
      physical >= this.#context.guestBytes ? "outside memory" : upgrade ? "dirty or rights" : "missing shadow";
    this.#event(kind, linear, `${upgrade ? "changed to" : "made"} a ${target}`);
    return `${upgrade ? "changed" : "filled"} a shadow entry`;
  }

  /** The guest flushed its TLB. */
  flush(why: string): void {
    this.#shadow.flush();
    this.#event("flush", 0, `all shadow entries were dropped: ${why}`);
  }

  /** INVLPG. */
  invalidate(linear: number): void {
    this.#shadow.invalidate(linear);
    this.#event("invalidate", linear, "the shadow entry was dropped (INVLPG)");
  }

  #event(kind: string, linear: number, what: string): void {
    this.#context.record({ kind: "shadow", class: kind, linear: linear.toString(16), what });
  }
}
