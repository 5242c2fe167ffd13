import { unsupported } from "../cpu/fault.ts";
import { type AddressLine, gated } from "../mmu/address-line.ts";
import type { PhysicalMemory } from "../mmu/physical.ts";
import type { HostMemory } from "../vmx/host-memory.ts";
import type { VmmContext } from "./context.ts";

const pageBytes = 4096;

type Slice = Pick<VmmContext, "cpu" | "slice" | "guestBase" | "guestBytes" | "a20">;

/**
 * The VMM's allocator: which host-physical memory of a slice is whose. The VMM keeps what lies below `guestBase` and takes
 * pages from there for its tables; the guest's memory is one block that follows.
 */
export class Allocator {
  readonly guestBase: number;
  readonly guestBytes: number;
  readonly #a20: AddressLine;
  readonly #memory: HostMemory;
  readonly #physical: PhysicalMemory;
  /** The first page stays free, so that no table has address 0. */
  #next: number;

  constructor(memory: HostMemory, { cpu, slice, guestBase, guestBytes, a20 }: Slice) {
    this.#memory = memory;
    this.#next = slice + pageBytes;
    this.guestBase = guestBase;
    this.guestBytes = guestBytes;
    this.#physical = cpu.physical;
    this.#a20 = a20;
  }

  /** A page of the VMM's memory, zeroed: its host-physical address. Throws `Unsupported` when none is left. */
  page(): number {
    const address = this.#next;
    if (address >= this.guestBase) throw unsupported("more tables than the VMM's 2 MiB of memory hold");
    this.#next += pageBytes;
    this.#memory.fill(address, pageBytes, 0);
    // Translated code, too, counts in such pages, past the guards by which snapshots know what was written.
    this.#physical.expose(address, pageBytes);
    return address;
  }

  /** Is there a page left? */
  get hasPage(): boolean {
    return this.#next < this.guestBase;
  }

  /** `count` pages in a row. */
  pages(count: number): number {
    const first = this.page();
    for (let n = 1; n < count; n++) this.page();
    return first;
  }

  /** Gives back all pages taken after `mark` was. */
  release(mark: number): void {
    this.#next = mark;
  }

  /** Where the next page will be: to `release` to. */
  get mark(): number {
    return this.#next;
  }

  /** Host-physical address of guest memory; undefined where the guest has none. */
  hostOf(guestPhysical: number): number | undefined {
    const address = gated(guestPhysical, this.#a20);
    return address < this.guestBytes ? address + this.guestBase : undefined;
  }

  /** The same; for addresses that are not the guest's memory one at which the same device answers, or nothing does. */
  reachOf(guestPhysical: number): number {
    const host = this.hostOf(guestPhysical);
    if (host !== undefined) return host;
    const { ramBytes } = this.#physical;
    return guestPhysical >= ramBytes ? guestPhysical : guestPhysical + ramBytes - this.guestBytes;
  }
}
