import type { HostMemory } from "../../vmx/host-memory.ts";
import type { Allocator } from "../allocator.ts";
import { type GuestBits, holes, pageBytes, privateBytes } from "./abi.ts";
import { pte, type XenSlots } from "./page-types.ts";

const readOnly = pte.present | pte.accessed;
const table = readOnly | pte.write | pte.user;
/** Linear addresses that a level-1 table maps. */
const tableSpan = 512 * pageBytes;

/**
 * Xen's part of every guest's linear addresses: the machine-to-physical table, and a private part for each virtual CPU, which what
 * is in it maps by itself (`map`).
 */
export class XenSpace {
  readonly bits: GuestBits;
  readonly slots: XenSlots;
  readonly #memory: HostMemory;
  /** The level-1 tables of the private parts. */
  readonly #windows: readonly number[];
  /** The pages of the machine-to-physical table that there are: the number of the first in the table, and where it is. */
  readonly #m2p: { readonly first: number; readonly pages: number; readonly at: number };

  /** @param frames machine frames of the domain, for which the machine-to-physical table has entries: before `end` */
  constructor(
    memory: HostMemory,
    allocator: Allocator,
    { bits, vcpus, first, end }: { bits: GuestBits; vcpus: number; first: number; end: number },
  ) {
    this.bits = bits;
    this.#memory = memory;
    const perPage = (8 * pageBytes) / bits;
    const firstPage = Math.floor(first / perPage);
    const pages = Math.ceil(end / perPage) - firstPage;
    this.#m2p = { first: firstPage, pages, at: allocator.pages(pages) };
    this.#windows = Array.from({ length: Math.ceil((vcpus * privateBytes) / tableSpan) }, () => allocator.page());
    this.slots = bits === 32 ? this.#slots32(allocator) : this.#slots64(allocator);
  }

  /** Maps a page of the private part of a virtual CPU; 0 takes it away. */
  map(vcpu: number, page: number, entry: bigint): void {
    const number = (vcpu * privateBytes) / pageBytes + page;
    this.#memory.write64(this.#windows[Math.floor(number / 512)]! + 8 * (number % 512), entry);
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
    const own = ((holes[32].private >>> 21) & 511) - first;
    for (const [n, at] of this.#windows.entries()) entries[own + n] = BigInt(at) | table;
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
    entries[4] = chain([...this.#windows.entries()]);
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
