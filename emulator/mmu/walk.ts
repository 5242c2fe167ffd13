import { layout } from "../cpu/layout.ts";
import type { Access, NestedAccess } from "../cpu/monitor.ts";
import { CR0, CR4, EFER, type State, unsigned64 } from "../cpu/state.ts";
import type { WalkStep } from "../trace/event.ts";
import { A, D, G, P, PS, RW, US } from "./entry-bits.ts";
import type { NestedTranslations } from "./nested-translations.ts";
import { type PhysicalMemory, physicalAddressBits } from "./physical.ts";
import type { PageSizeCode } from "./tlb.ts";
import type { WalkFault } from "./translation-events.ts";

export type PagingMode = "off" | "two-level" | "pae" | "four-level" | "five-level";

/** How the processor translates linear addresses now (SDM Vol. 3, 4.1.1). */
export function pagingMode(state: State): PagingMode {
  if (!state.paging) return "off";
  if ((state.cr4 & CR4.PAE) === 0) return "two-level";
  if (!state.longMode) return "pae";
  return (state.cr4 & CR4.LA57) !== 0 ? "five-level" : "four-level";
}

/** Bits of the #PF error code. */
const pageFault = { present: 1, write: 2, user: 4, reserved: 8, fetch: 16 } as const;

/** Bit 63, in the high half. */
const XD = 0x8000_0000 | 0;

/** Bits 51:MAXPHYADDR of an entry, in its high half. */
const highAddressReserved = ((1 << 20) - 1) & ~(2 ** (physicalAddressBits - 32) - 1);
/** Bits 62:52, reserved in PAE paging and ignored in 4-level paging. */
const highIgnored = 0x7ff0_0000;

/** One level of a paging mode: where its index is, what it is called, and the page it maps when PS is set. */
interface Level {
  readonly name: string;
  readonly level: number;
  readonly shift: number;
  readonly large: PageSizeCode;
  /** Bits of the low half that must be 0 in an entry that maps a large page. */
  readonly largeReserved: number;
}

const pml5: Level = { name: "PML5E", level: 5, shift: 48, large: 0, largeReserved: 0 };
const pml4: Level = { name: "PML4E", level: 4, shift: 39, large: 0, largeReserved: 0 };
const pdpt: Level = { name: "PDPTE", level: 3, shift: 30, large: 3, largeReserved: 0x3fff_e000 };
const pd: Level = { name: "PDE", level: 2, shift: 21, large: 1, largeReserved: 0x001f_e000 };
const pt: Level = { name: "PTE", level: 1, shift: 12, large: 0, largeReserved: 0 };
const levels = { pae: [pd, pt], "four-level": [pml4, pdpt, pd, pt], "five-level": [pml5, pml4, pdpt, pd, pt] } as const;

/** Modes whose entries have 8 bytes. */
type LongEntries = keyof typeof levels;

export interface WalkRequest {
  /** As a number: unsigned, or signed canonical in IA-32e mode. */
  readonly linear: number;
  readonly access: Access;
  /** A user-mode access (CPL 3, and not an implicit one to a descriptor table or TSS). */
  readonly user: boolean;
  /** An implicit supervisor-mode access, which EFLAGS.AC does not exempt from SMAP. */
  readonly implicit?: boolean;
  /** Changes nothing: no accessed or dirty bits, no VM exit. */
  readonly probe?: boolean;
  /** By the processor for an access, and not by a VMM in its stead: `PageWalker.observer` is told what comes of it. */
  readonly observed?: boolean;
  /** Where to write down every step, nested ones included. */
  readonly steps?: WalkStep[];
}

/** Where a walk ended. `refused`: nested paging has no translation for a table (only when probing). */
export type WalkResult =
  | {
      readonly kind: "page";
      /** Guest-physical. */
      readonly physical: number;
      readonly size: PageSizeCode;
      readonly global: boolean;
      /** Every level allows user-mode accesses. */
      readonly user: boolean;
      /** The entries used, top level first, as they were read: before this walk set accessed and dirty bits. */
      readonly path: readonly Entry[];
    }
  | { readonly kind: "fault"; readonly errorCode: number }
  | { readonly kind: "refused" };

/** What a walk reads and remembers of one entry. */
export interface Entry {
  readonly name: string;
  readonly level: number;
  /** Guest-physical address of the entry. */
  readonly address: number;
  readonly low: number;
  readonly high: number;
}

/** Is told of what walks of the processor do beside finding translations. */
export interface WalkObserver {
  faulted(request: WalkRequest, table: string, reason: WalkFault, errorCode: number): void;
  /** @param set the accessed flag, or that and the dirty flag; the entry is as it was read */
  marked(request: WalkRequest, entry: Entry, set: number): void;
}

/** Where a walk was refused, and why. */
interface Denial {
  readonly at: number;
  readonly reason: WalkFault;
}

const entryBits = [
  [P, "P"],
  [RW, "R/W"],
  [US, "U/S"],
  [8, "PWT"],
  [0x10, "PCD"],
  [A, "A"],
  [D, "D"],
  [PS, "PS"],
  [G, "G"],
] as const;

const hexadecimal = (value: number): string => value.toString(16).toUpperCase();

/** Reads the guest's paging structures as the processor does (SDM Vol. 3, 4.3 to 4.7). */
export class PageWalker {
  readonly #state: State;
  readonly #physical: PhysicalMemory;
  readonly #nested: NestedTranslations;
  /** Not part of the machine's state. */
  observer: WalkObserver | undefined;

  constructor(state: State, physical: PhysicalMemory, nested: NestedTranslations) {
    this.#state = state;
    this.#physical = physical;
    this.#nested = nested;
  }

  /** Physical address of a linear address, changing nothing; undefined where it has none. */
  physicalOf(linear: number): number | undefined {
    const result = this.walk({ linear, access: "read", user: false, probe: true });
    return result.kind === "page" ? result.physical : undefined;
  }

  walk(request: WalkRequest): WalkResult {
    const mode = pagingMode(this.#state);
    if (mode === "off") return { kind: "page", physical: request.linear, size: 0, global: false, user: true, path: [] };
    return mode === "two-level" ? this.#walk32(request) : this.#walk64(request, mode);
  }

  /** Host-physical address of a paging-structure entry; undefined where a probe is refused. */
  #table(address: number, access: Access, request: WalkRequest): number | undefined {
    if (!this.#state.monitor) return this.#nested.bare(address);
    const nested: NestedAccess = {
      linear: unsigned64(request.linear),
      forTable: true,
      ...(request.probe ? { probe: true } : {}),
      ...(request.steps ? { steps: request.steps } : {}),
    };
    return this.#nested.translate(address, access, nested);
  }

  #walk32(request: WalkRequest): WalkResult {
    const { linear } = request;
    const directory = (this.#state.cr3 & 0xffff_f000) >>> 0;
    const pde = this.#read("PDE", 2, directory + 4 * (linear >>> 22), 4, request);
    if (!pde) return { kind: "refused" };
    if ((pde.low & P) === 0) return this.#fault(request, pde, 0, "not present");
    if ((pde.low & PS) !== 0 && (this.#state.cr4 & CR4.PSE) !== 0) {
      if ((pde.low & 0x20_0000) !== 0)
        return this.#fault(request, pde, pageFault.present | pageFault.reserved, "reserved bit");
      const frame = ((pde.low & 0xffc0_0000) >>> 0) + ((pde.low >>> 13) & 0xff) * 2 ** 32;
      return this.#finish(request, [pde], frame + (linear & 0x3f_ffff), 2);
    }
    const table = (pde.low & 0xffff_f000) >>> 0;
    const pte = this.#read("PTE", 1, table + 4 * ((linear >>> 12) & 0x3ff), 4, request);
    if (!pte) return { kind: "refused" };
    if ((pte.low & P) === 0) return this.#fault(request, pte, 0, "not present");
    return this.#finish(request, [pde, pte], ((pte.low & 0xffff_f000) >>> 0) + (linear & 0xfff), 0);
  }

  #walk64(request: WalkRequest, mode: LongEntries): WalkResult {
    let table = this.#state.cr3 % 2 ** physicalAddressBits;
    table -= table % 4096;
    if (mode === "pae") {
      const pointer = this.#pointer(request);
      if (pointer === undefined) return this.#fault(request, undefined, 0, "not present");
      table = pointer;
    }
    const path: Entry[] = [];
    for (const level of levels[mode]) {
      const index = Math.floor(request.linear / 2 ** level.shift) & 0x1ff;
      const entry = this.#read(level.name, level.level, table + 8 * index, 8, request);
      if (!entry) return { kind: "refused" };
      if ((entry.low & P) === 0) return this.#fault(request, entry, 0, "not present");
      const large = level.level > 1 && level.large !== 0 && (entry.low & PS) !== 0;
      if (this.#reservedBits(entry, level, large, mode))
        return this.#fault(request, entry, pageFault.present | pageFault.reserved, "reserved bit");
      path.push(entry);
      const frame = (entry.high & 0xf_ffff) * 2 ** 32 + ((entry.low & 0xffff_f000) >>> 0);
      if (large || level.level === 1) {
        const offset = 2 ** level.shift;
        const page = frame - (frame % offset);
        const within = request.linear - Math.floor(request.linear / offset) * offset;
        return this.#finish(request, path, page + within, large ? level.large : 0);
      }
      table = frame;
    }
    throw new RangeError("a page walk ended above the last level");
  }

  /** Page directory of PAE paging from the PDPTE registers; undefined if not present. */
  #pointer(request: WalkRequest): number | undefined {
    const index = (request.linear >>> 30) & 3;
    const entry = this.#state.r64[(layout.pdptes >> 3) + index]!;
    const present = (entry & 1n) !== 0n;
    request.steps?.push({
      table: "PDPTE",
      level: 3,
      address: `register ${index}`,
      entry: entry.toString(16).toUpperCase(),
      bits: present ? ["P"] : [],
      verdict: present ? "ok" : "not present",
    });
    return present ? Number(entry & 0x000f_ffff_ffff_f000n) : undefined;
  }

  #reservedBits(entry: Entry, level: Level, large: boolean, mode: LongEntries): boolean {
    let high = highAddressReserved;
    if (mode === "pae") high |= highIgnored;
    if ((this.#state.efer & EFER.NXE) === 0) high |= XD;
    if ((entry.high & high) !== 0) return true;
    if (level.level > 3) return (entry.low & PS) !== 0;
    return large && (entry.low & level.largeReserved) !== 0;
  }

  #read(name: string, level: number, address: number, bytes: 4 | 8, request: WalkRequest): Entry | undefined {
    const host = this.#table(address, "read", request);
    if (host === undefined) return undefined;
    const low = this.#physical.read(host, 4) | 0;
    const high = bytes === 8 ? this.#physical.read(host + 4, 4) | 0 : 0;
    const entry = { name, level, address, low, high };
    request.steps?.push(describe(entry, bytes, (low & P) === 0 ? "not present" : "ok"));
    return entry;
  }

  /** A #PF with this error code so far; adds what the access was, and marks the step that refused it. */
  #fault(request: WalkRequest, at: Entry | undefined, code: number, reason: WalkFault): WalkResult {
    const { steps } = request;
    const errorCode = code | this.#accessBits(request);
    if (request.observed) this.observer?.faulted(request, at?.name ?? "PDPTE", reason, errorCode);
    if (steps && at && code !== 0) {
      const address = hexadecimal(at.address);
      const index = steps.findLastIndex((step) => step.table === at.name && step.address === address);
      const verdict = (code & pageFault.reserved) !== 0 ? "reserved bit" : "protection";
      if (index >= 0) steps[index] = { ...steps[index]!, verdict };
    }
    return { kind: "fault", errorCode };
  }

  #accessBits({ access, user }: WalkRequest): number {
    const { cr4 } = this.#state;
    let code = user ? pageFault.user : 0;
    if (access === "write") code |= pageFault.write;
    if (access === "execute" && (this.#executeDisable || (cr4 & CR4.SMEP) !== 0)) code |= pageFault.fetch;
    return code;
  }

  get #executeDisable(): boolean {
    return (this.#state.efer & EFER.NXE) !== 0 && (this.#state.cr4 & CR4.PAE) !== 0;
  }

  /** All levels are present and well-formed: permissions, then accessed and dirty bits, top level first. */
  #finish(request: WalkRequest, path: readonly Entry[], physical: number, size: PageSizeCode): WalkResult {
    const denied = this.#denial(request, path);
    if (denied) return this.#fault(request, path[denied.at], pageFault.present, denied.reason);
    const leaf = path[path.length - 1]!;
    if (!request.probe)
      for (const entry of path) {
        const set = A | (entry === leaf && request.access === "write" ? D : 0);
        if ((entry.low & set) !== set) this.#mark(entry, set, request);
      }
    const global = (leaf.low & G) !== 0 && (this.#state.cr4 & CR4.PGE) !== 0;
    return { kind: "page", physical, size, global, user: allHave(path, US), path };
  }

  #mark(entry: Entry, set: number, request: WalkRequest): void {
    const host = this.#table(entry.address, "write", request);
    if (host !== undefined) this.#physical.write(host, 4, entry.low | set);
    if (request.observed) this.observer?.marked(request, entry, set);
  }

  /** The entry that forbids the access, if there is one (SDM Vol. 3, 4.6.1). */
  #denial(request: WalkRequest, path: readonly Entry[]): Denial | undefined {
    const { access, user } = request;
    const { cr0, cr4 } = this.#state;
    const userPage = allHave(path, US);
    const last = path.length - 1;
    if (user && !userPage) return denial(path, "supervisor page", (entry) => (entry.low & US) === 0);
    if (access === "execute") {
      if (!user && userPage && (cr4 & CR4.SMEP) !== 0) return { at: last, reason: "SMEP" };
      return this.#executeDisable ? denial(path, "execute-disable", (entry) => (entry.high & XD) !== 0) : undefined;
    }
    if (!user && userPage && (cr4 & CR4.SMAP) !== 0 && !this.#exemptFromSmap(request))
      return { at: last, reason: "SMAP" };
    const mustBeWritable = access === "write" && (user || (cr0 & CR0.WP) !== 0);
    return mustBeWritable ? denial(path, "read-only", (entry) => (entry.low & RW) === 0) : undefined;
  }

  #exemptFromSmap(request: WalkRequest): boolean {
    return !request.implicit && (this.#state.eflags & 0x4_0000) !== 0;
  }
}

/** By the first entry that refuses. */
function denial(path: readonly Entry[], reason: WalkFault, refuses: (entry: Entry) => boolean): Denial | undefined {
  const at = path.findIndex(refuses);
  return at < 0 ? undefined : { at, reason };
}

/** Whether every level's entry has these bits. */
function allHave(path: readonly Entry[], bits: number): boolean {
  for (const entry of path) if ((entry.low & bits) !== bits) return false;
  return true;
}

function describe(entry: Entry, bytes: 4 | 8, verdict: WalkStep["verdict"]): WalkStep {
  const value = BigInt.asUintN(32, BigInt(entry.high)) * 2n ** 32n + BigInt(entry.low >>> 0);
  const bits: string[] = entryBits.filter(([mask]) => (entry.low & mask) !== 0).map(([, name]) => name);
  if (bytes === 8 && (entry.high & XD) !== 0) bits.push("XD");
  return {
    table: entry.name,
    level: entry.level,
    address: hexadecimal(entry.address),
    entry: value.toString(16).toUpperCase(),
    bits,
    verdict,
  };
}
