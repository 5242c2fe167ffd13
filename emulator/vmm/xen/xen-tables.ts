import type { HostMemory } from "../../vmx/host-memory.ts";
import type { Allocator } from "../allocator.ts";
import {
  flat32Limit,
  type GuestBits,
  guestGdtPages,
  holes,
  mostLdtEntries,
  pageBytes,
  privatePlaces as places,
  selectors,
} from "./abi.ts";
import { descriptor, type Halves } from "./descriptors.ts";
import { pte, type XenSlots } from "./page-types.ts";

const tablePages = 16;
const taskLimit = 0x67;
const readOnly = pte.present | pte.accessed;
const writable = readOnly | pte.write | pte.dirty;
const table = readOnly | pte.write | pte.user;

/** Flags nibble of a descriptor: granularity with D/B, or with L. */
const flags = { wide: 0xc, long: 0xa } as const;

/** Xen's flat segments, from selector E008h on. */
function flatSegments(bits: GuestBits): readonly Halves[] {
  const guest = flat32Limit / pageBytes - 1;
  const whole = 0xf_ffff;
  if (bits === 32)
    return [
      descriptor(0, whole, 0x9b, flags.wide),
      descriptor(0, whole, 0x93, flags.wide),
      descriptor(0, guest, 0xbb, flags.wide),
      descriptor(0, guest, 0xb3, flags.wide),
      descriptor(0, guest, 0xfb, flags.wide),
      descriptor(0, guest, 0xf3, flags.wide),
    ];
  return [
    descriptor(0, whole, 0x9b, flags.long),
    descriptor(0, whole, 0x93, flags.wide),
    { low: 0, high: 0 },
    descriptor(0, whole, 0xfb, flags.wide),
    descriptor(0, whole, 0xf3, flags.wide),
    descriptor(0, whole, 0xfb, flags.long),
  ];
}

/**
 * What of Xen the processor reads as bytes while a guest runs: machine-to-physical table, GDT and LDT windows, IDT and TSS, and the
 * page tables that map them into every guest.
 */
export class XenTables {
  readonly bits: GuestBits;
  readonly #memory: HostMemory;
  /** Maps the private part. */
  readonly #window: number;
  readonly #idt: number;
  readonly #task: number;
  readonly #ownGdt: number;
  readonly #empty: number;
  /** The pages of the machine-to-physical table that there are: the number of the first in the table, and where it is. */
  readonly #m2p: { readonly first: number; readonly pages: number; readonly at: number };
  readonly slots: XenSlots;

  /** @param frames machine frames of the domain, for which the machine-to-physical table has entries: before `end` */
  constructor(
    memory: HostMemory,
    allocator: Allocator,
    bits: GuestBits,
    frames: { readonly first: number; readonly end: number },
  ) {
    this.bits = bits;
    this.#memory = memory;
    const perPage = (8 * pageBytes) / bits;
    const firstPage = Math.floor(frames.first / perPage);
    const pages = Math.ceil(frames.end / perPage) - firstPage;
    this.#m2p = { first: firstPage, pages, at: allocator.pages(pages) };
    this.#window = allocator.page();
    this.#ownGdt = allocator.page();
    this.#idt = allocator.page();
    this.#task = allocator.page();
    this.#empty = allocator.page();
    this.#writeWindow();
    this.#writeOwnGdt();
    this.#writeIdt();
    this.#writeTask();
    this.slots = bits === 32 ? this.#slots32(allocator) : this.#slots64(allocator);
  }

  get gdtr(): { readonly base: number; readonly limit: number } {
    return { base: holes[this.bits].private + places.gdt, limit: tablePages * pageBytes - 1 };
  }
  get idtr(): { readonly base: number; readonly limit: number } {
    return { base: holes[this.bits].private + places.idt, limit: (this.bits === 64 ? 256 * 16 : 256 * 8) - 1 };
  }
  get tr() {
    return { selector: selectors.tss, access: 0x8b, limit: taskLimit, base: holes[this.bits].private + places.tss };
  }
  ldtr(entries: number) {
    const base = holes[this.bits].private + places.ldt;
    return entries === 0
      ? { selector: 0, access: 0x1_0000, limit: 0, base: 0 }
      : { selector: selectors.ldt, access: 0x82, limit: entries * 8 - 1, base };
  }

  /** Maps the guest's frames where its part of the GDT is; pages beyond them are empty. */
  mapGdt(frames: readonly number[]): void {
    for (let n = 0; n < guestGdtPages; n++) {
      const frame = frames[n];
      this.#map(places.gdt / pageBytes + n, frame === undefined ? this.#empty : frame * pageBytes, frame !== undefined);
    }
  }

  /** Maps one page of the guest's LDT, or none. */
  mapLdt(page: number, frame: number | undefined): void {
    const at = this.#window + 8 * (places.ldt / pageBytes + page);
    this.#memory.write64(at, frame === undefined ? 0n : BigInt(frame * pageBytes) | writable);
  }

  #map(page: number, address: number, write: boolean): void {
    this.#memory.write64(this.#window + 8 * page, BigInt(address) | (write ? writable : readOnly));
  }

  #writeWindow(): void {
    this.mapGdt([]);
    for (let n = guestGdtPages; n < tablePages; n++)
      this.#map(places.gdt / pageBytes + n, n === guestGdtPages ? this.#ownGdt : this.#empty, n === guestGdtPages);
    this.#map(places.idt / pageBytes, this.#idt, false);
    this.#map(places.tss / pageBytes, this.#task, true);
  }

  #writeHalves(at: number, { low, high }: Halves): void {
    this.#memory.write32(at, low);
    this.#memory.write32(at + 4, high);
  }

  #writeOwnGdt(): void {
    const own = (selector: number) => this.#ownGdt + (selector & 0xff8);
    for (const [n, segment] of flatSegments(this.bits).entries())
      this.#writeHalves(own(selectors.xenCode) + 8 * n, segment);
    const { base } = this.tr;
    const high = { low: Math.floor(base / 2 ** 32) >>> 0, high: 0 };
    this.#writeHalves(own(selectors.tss), descriptor(base | 0, taskLimit, 0x8b, 0));
    const ldt = this.ldtr(mostLdtEntries).base;
    this.#writeHalves(own(selectors.ldt), descriptor(ldt | 0, mostLdtEntries * 8 - 1, 0x82, 0));
    if (this.bits === 32) return;
    this.#writeHalves(own(selectors.tss) + 8, high);
    this.#writeHalves(own(selectors.ldt) + 8, high);
  }

  /** Gates into Xen. Guests may use those for INT 82h (from CPL 1), INT3 and INTO themselves. */
  #writeIdt(): void {
    const allowed: Readonly<Record<number, number>> = { 3: 3, 4: 3, ...(this.bits === 32 ? { 130: 1 } : { 128: 3 }) };
    for (let vector = 0; vector < 256; vector++) {
      const target = holes[this.bits].private + places.entries + 16 * vector;
      this.#writeGate(vector, { selector: selectors.xenCode, target, access: 0x8e | ((allowed[vector] ?? 0) << 5) });
    }
  }

  #writeGate(vector: number, gate: { selector: number; target: number; access: number }): void {
    const size = this.bits === 64 ? 16 : 8;
    const at = this.#idt + size * vector;
    const low = Number(BigInt.asUintN(32, BigInt(gate.target)));
    this.#writeHalves(at, {
      low: ((gate.selector << 16) | (low & 0xffff)) >>> 0,
      high: ((low & 0xffff_0000) | (gate.access << 8)) >>> 0,
    });
    if (size === 16) this.#writeHalves(at + 8, { low: Math.floor(gate.target / 2 ** 32) >>> 0, high: 0 });
  }

  /** 32-bit guests: INT 80h goes straight to the guest's handler (a trap gate), or to Xen if there is none. */
  setDirectTrap(trap: { readonly selector: number; readonly address: number } | undefined): void {
    if (this.bits === 64) return;
    const target = holes[this.bits].private + places.entries + 16 * 0x80;
    if (trap) this.#writeGate(0x80, { selector: trap.selector, target: trap.address, access: 0xef });
    else this.#writeGate(0x80, { selector: selectors.xenCode, target, access: 0x8e });
  }

  /** The stack that the processor itself takes for CPL 1. */
  setKernelStack(selector: number, pointer: number): void {
    if (this.bits === 64) return;
    this.#memory.write32(this.#task + 0x0c, pointer);
    this.#memory.write32(this.#task + 0x10, selector);
  }

  #writeTask(): void {
    this.#memory.write32(this.#task + (this.bits === 64 ? 4 : 8), selectors.xenData);
    const bitmapBeyondLimit = taskLimit + 1;
    this.#memory.write32(this.#task + 0x64, bitmapBeyondLimit << 16);
  }

  /** Level-1 tables that map the machine-to-physical table, read-only, and which of them each is. */
  #mapM2p(allocator: Allocator, user: bigint): (readonly [number, number])[] {
    const { first, pages, at: m2p } = this.#m2p;
    const tables: (readonly [number, number])[] = [];
    for (let number = Math.floor(first / 512); number * 512 < first + pages; number++) {
      const at = allocator.page();
      for (let n = 0; n < 512; n++) {
        const page = number * 512 + n - first;
        if (page >= 0 && page < pages)
          this.#memory.write64(at + 8 * n, BigInt(m2p + page * pageBytes) | readOnly | user);
      }
      tables.push([number, at]);
    }
    return tables;
  }

  /** Slots of the level-2 table for the last GiB. */
  #slots32(allocator: Allocator): XenSlots {
    const first = (holes[32].start >>> 21) & 511;
    const entries = Array.from({ length: 512 - first }, () => 0n);
    for (const [n, at] of this.#mapM2p(allocator, 0n)) entries[n] = BigInt(at) | table;
    entries[((holes[32].private >>> 21) & 511) - first] = BigInt(this.#window) | table;
    return { first, last: 511, entries };
  }

  /** Slots 256 to 271 of the level-4 table. */
  #slots64(allocator: Allocator): XenSlots {
    const chain = (tables: readonly (readonly [number, number])[]): bigint => {
      const directory = allocator.page();
      const pointers = allocator.page();
      for (const [n, at] of tables) this.#memory.write64(directory + 8 * n, BigInt(at) | table);
      this.#memory.write64(pointers, BigInt(directory) | table);
      return BigInt(pointers) | table;
    };
    const entries = Array.from({ length: 16 }, () => 0n);
    entries[0] = chain(this.#mapM2p(allocator, pte.user));
    entries[4] = chain([[0, this.#window]]);
    return { first: 256, last: 271, entries };
  }

  /** The machine-to-physical table: the pseudo-physical number of a machine frame, undefined if it has none. */
  physicalOf(frame: number): number | undefined {
    const value = this.#memory.read32(this.#entryOf(frame));
    return value === 0xffff_ffff ? undefined : value;
  }

  #entryOf(frame: number): number {
    const { first, at } = this.#m2p;
    return at - first * pageBytes + (this.bits / 8) * frame;
  }

  setPhysical(frame: number, physical: number | undefined): void {
    const at = this.#entryOf(frame);
    this.#memory.write32(at, physical ?? 0xffff_ffff);
    if (this.bits === 64) this.#memory.write32(at + 4, physical === undefined ? 0xffff_ffff : 0);
  }
}
