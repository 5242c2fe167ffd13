import type { Cpu } from "../../cpu/cpu.ts";
import type { Access, Fault } from "../../cpu/monitor.ts";
import { D, RW } from "../../mmu/entry-bits.ts";
import type { Entry, WalkResult } from "../../mmu/walk.ts";
import type { VmmContext } from "../context.ts";
import type { ShadowClass } from "./shadow-classes.ts";
import type { ShadowPaging, Translation } from "./shadow-paging.ts";

/** What shadow paging takes of its VMM. */
export type ShadowContext = Pick<VmmContext, "cpu" | "costs" | "record">;

/** What a page fault of the guest was about, and what is left to do. */
export type ShadowOutcome =
  /** The guest's own tables allow the access: the shadow has been mended, and the guest notices nothing. */
  | { readonly kind: "hidden"; readonly what: string }
  /** The VMM executes the instruction, or delivers the event that was being delivered, by itself. */
  | { readonly kind: "emulate"; readonly what: string }
  /** A write to a page whose writes the VMM must see; it is writable now, for one instruction. */
  | { readonly kind: "traced"; readonly linear: number }
  /** The guest's own tables do not allow it: the fault is the guest's. */
  | { readonly kind: "guest"; readonly errorCode: number };

/** A page fault that took the guest to the VMM. */
export interface ShadowRequest {
  readonly linear: number;
  readonly access: Access;
  readonly user: boolean;
  /** An event was being delivered, so that there is no instruction to be emulated. */
  readonly delivering: boolean;
  /** The access is known to be the instruction's own, not the processor's to its tables. Default: false. */
  readonly explicit?: boolean;
}

/** After so many emulated writes without a use a table is taken for none any more, as in KVM. */
const floodLimit = 3;
const errorBits = { write: 2, user: 4, fetch: 0x10 } as const;

const hex = (value: number): string =>
  `${(value < 0 ? BigInt.asUintN(64, BigInt(value)) : value).toString(16).toUpperCase()}h`;
const pageOf = (physical: number): string => hex(physical - (physical % 4096));

export function requestOf({ address, errorCode = 0 }: Fault, delivering: boolean, longMode: boolean): ShadowRequest {
  const linear = longMode ? BigInt.asIntN(64, address ?? 0n) : (address ?? 0n);
  return {
    linear: Number(linear),
    access: (errorCode & errorBits.write) !== 0 ? "write" : (errorCode & errorBits.fetch) !== 0 ? "execute" : "read",
    user: (errorCode & errorBits.user) !== 0,
    delivering,
  };
}

type Page = WalkResult & { readonly kind: "page" };

/**
 * Sorts the page faults of a guest with shadow page tables, in the order of the classic decision: walk the guest's tables, find
 * the place, see to writes of page tables, fill. Each fault is one `shadow` event of one class; what else shadow paging does at
 * CR3 loads, INVLPG and flushes are events of their own.
 */
export class ShadowFaults {
  readonly #cpu: Cpu;
  readonly #context: ShadowContext;
  readonly #shadow: ShadowPaging;

  constructor(context: ShadowContext, shadow: ShadowPaging) {
    this.#cpu = context.cpu;
    this.#context = context;
    this.#shadow = shadow;
  }

  /** The guest's own registers must be loaded. */
  handle(request: ShadowRequest): ShadowOutcome {
    const { linear, access, user } = request;
    this.#shadow.takeNotes();
    const dropped = this.#shadow.reserve();
    this.#shadow.load();
    const walk = this.#cpu.walker.walk({ linear, access, user });
    if (walk.kind !== "page") return this.#guestFault(request, walk);
    const { path, physical } = walk;
    const write = access === "write";
    const translation = { linear, path, physical, write };
    const place = this.#shadow.placeOf(physical);
    if (place === undefined) return this.#device(translation);
    if (path.some(({ address }) => this.#shadow.placeOf(address) === undefined))
      return this.#emulate("MMIO", linear, "a page table lies where no memory is: nothing can be shadowed");
    if (write && path.some(({ low }) => (low & RW) === 0))
      return this.#emulate(
        "WP = 0",
        linear,
        `only CR0.WP = 0 allows the write to the read-only page ${pageOf(physical)}`,
      );
    if (this.#shadow.isHidden(path))
      return this.#emulate("SMAP", linear, "the kernel may execute the page, but not read it");
    if (this.#shadow.allows(linear, access, user)) return this.#race(request);
    if (write && this.#shadow.coherence.isProtected(place)) {
      const done = this.#tableWrite(request, walk, place);
      if (done) return done;
    }
    return this.#fill(translation, place, dropped);
  }

  #guestFault({ linear, access }: ShadowRequest, walk: Exclude<WalkResult, Page>): ShadowOutcome {
    const errorCode = walk.kind === "fault" ? walk.errorCode : 0;
    const what = `the guest's own tables refuse the ${access}: error code ${hex(errorCode)}`;
    this.#event("true guest fault", linear, what);
    return { kind: "guest", errorCode };
  }

  /** The shadow allows it already: somebody else has mended it, or it is an access that EFLAGS.AC does not exempt from SMAP. */
  #race(request: ShadowRequest): ShadowOutcome {
    const { linear, access, user, explicit = false } = request;
    const walk = this.#cpu.walker.walk({ linear, access, user, implicit: !explicit });
    if (walk.kind !== "page") return this.#guestFault(request, walk);
    this.#event("race", linear, "the shadow entry already allows the access");
    return { kind: "hidden", what: "found the shadow entry already there" };
  }

  #device(translation: Translation): ShadowOutcome {
    const { linear, physical } = translation;
    const inMemory = translation.path.every(({ address }) => this.#shadow.placeOf(address) !== undefined);
    const slow = !inMemory || this.#shadow.mark(translation);
    const owner = this.#cpu.bus.claims(physical) ? "is a device's" : "is outside the guest's memory";
    const how = slow ? "no entry is made for it" : "the shadow entry says so";
    return this.#emulate("MMIO", linear, `guest-physical ${hex(physical)} ${owner}: ${how}`);
  }

  #emulate(kind: ShadowClass, linear: number, what: string): ShadowOutcome {
    this.#event(kind, linear, what);
    return { kind: "emulate", what };
  }

  /** A write to a page that holds a guest table. Undefined if it is to be filled as any other, which then has its event. */
  #tableWrite({ linear, user, delivering }: ShadowRequest, walk: Page, place: number): ShadowOutcome | undefined {
    const { coherence } = this.#shadow;
    const table = `guest table ${pageOf(walk.physical)}`;
    // A table that translates its own address is in use, whatever is written to it.
    const inUse = this.#isOnPath(walk.path, place);
    if (user && !inUse) return this.#unshadow(walk, linear, place, `a process writes to ${table}`);
    if (coherence.isLeaf(place) && !user) return this.#desynchronize(walk, linear, place, table);
    if (delivering && !inUse) return this.#unshadow(walk, linear, place, `an event is delivered onto ${table}`);
    const writes = coherence.countWrite(place);
    if (writes >= floodLimit && !inUse)
      return this.#unshadow(walk, linear, place, `${table} was written ${writes} times and not used meanwhile`);
    return this.#emulate("trace/protected", linear, `a write to ${table} is emulated, and its shadow updated`);
  }

  #isOnPath(path: readonly Entry[], place: number): boolean {
    return path.some(({ address }) => this.#shadow.placeOf(address) === place);
  }

  #unshadow({ path, physical }: Page, linear: number, place: number, why: string): ShadowOutcome {
    this.#shadow.coherence.unshadow(place);
    this.#shadow.load();
    this.#shadow.fill({ linear, path, physical, write: true });
    this.#event("unshadow", linear, `${why}: its shadow is dropped, the page is writable`);
    return { kind: "hidden", what: "dropped the shadow of a table" };
  }

  #desynchronize({ path, physical }: Page, linear: number, place: number, table: string): ShadowOutcome {
    const evicted = this.#shadow.coherence.desynchronize(place);
    this.#shadow.note("oos-add");
    if (evicted !== undefined) this.#shadow.note("oos-evict");
    this.#shadow.fill({ linear, path, physical, write: true });
    this.#event("trace/protected", linear, `${table} is let go out of sync: it is writable until the next flush`);
    return { kind: "hidden", what: "let a page table go out of sync" };
  }

  #fill(translation: Translation, place: number, dropped: string | undefined): ShadowOutcome {
    const { linear, physical, write, path } = translation;
    const { coherence } = this.#shadow;
    const present = this.#shadow.maps(linear);
    const logged = write && coherence.isClean(place);
    if (logged) coherence.noteDirty(place);
    this.#shadow.fill(translation);
    const opened = this.#shadow.allows(linear, write ? "write" : "read", false);
    const target = `${opened && write ? "writable" : "read-only"} entry to guest-physical ${pageOf(physical)}`;
    const what = `${present ? "changed to" : "made"} a ${target}`;
    if (write && this.#shadow.isTraced(physical)) {
      this.#shadow.permitAt(linear);
      this.#event("trace/protected", linear, `guest-physical ${hex(physical)} holds descriptors`);
      return { kind: "traced", linear };
    }
    const clean = path.length > 0 && (path.at(-1)!.low & D) === 0;
    const kind = logged ? "dirty-log" : write && present && clean ? "dirty/access" : "missing shadow";
    this.#event(
      dropped === undefined ? kind : "no memory",
      linear,
      dropped === undefined ? what : `${dropped}; ${what}`,
    );
    return { kind: "hidden", what: `${present ? "changed" : "filled"} a shadow entry` };
  }

  /** The guest has loaded CR3: what it wrote to its tables counts from now on. */
  loadedRoot(why = "the guest loaded CR3"): void {
    this.#shadow.takeNotes();
    this.#resynchronize(why);
    const known = this.#shadow.hasRoot;
    const { cr3 } = this.#shadow.load();
    this.#event("CR3 load", 0, `${why}: its root ${known ? "was there" : "is new"}, at host-physical ${hex(cr3)}`);
  }

  /** The guest has flushed its TLB, or changed what decides how its tables are read. */
  flushed(why: string): void {
    this.#shadow.takeNotes();
    this.#resynchronize(why);
    this.#event("flush", 0, `${why}: nothing is out of sync`);
  }

  /** All is dropped: the memory behind the guest's addresses is another. */
  dropped(why: string): void {
    this.#shadow.takeNotes();
    this.#shadow.drop();
    this.#event("flush", 0, `all shadow tables were dropped: ${why}`);
  }

  #resynchronize(why: string): void {
    for (const place of this.#shadow.coherence.outOfSync) {
      const changed = this.#shadow.coherence.resynchronize(place);
      const table = `guest table ${hex(this.#shadow.guestAddress(place))}`;
      this.#event("resync", 0, `${why}: ${table} is in sync again, ${changed} of its shadow entries changed`);
    }
  }

  /** INVLPG. */
  invalidated(linear: number): void {
    this.#shadow.takeNotes();
    const changed = this.#shadow.resynchronizeAt(linear);
    if (changed === undefined) this.#event("INVLPG", linear, "its shadow entry is in sync: nothing to do");
    else
      this.#event("resync", linear, `INVLPG: its shadow entry ${changed ? "is brought up to date" : "was up to date"}`);
  }

  #event(kind: ShadowClass, linear: number, what: string): void {
    const { exit, entry } = this.#context.costs;
    const address = (linear < 0 ? BigInt.asUintN(64, BigInt(linear)) : linear).toString(16);
    this.#context.record({
      kind: "shadow",
      class: kind,
      linear: address,
      what,
      also: this.#shadow.takeNotes(),
      cost: exit + entry,
    });
  }
}
