import { nptBits } from "../../svm/npt.ts";
import { eptBits, eptEntryAddress } from "../../vmx/ept.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import type { Allocator } from "../allocator.ts";

const frameMask = ((1n << 52n) - 1n) & ~0xfffn;

/** What the bits of nested page-table entries beside their addresses are: all that is allowed to the guest. */
export interface NestedFormat {
  /** Of an entry that refers to a table; an entry without any of them is not present. */
  readonly table: bigint;
  /** Of an entry that maps a page of memory. */
  readonly memory: bigint;
  /** Of an entry that maps what is no memory. */
  readonly device: bigint;
}

const everyAccess = eptBits.read | eptBits.write | eptBits.execute;

/** Extended page tables: write-back for memory, uncacheable for the rest. */
export const eptFormat: NestedFormat = { table: everyAccess, memory: everyAccess | (6n << 3n), device: everyAccess };

const everyUserAccess = nptBits.present | nptBits.writable | nptBits.user;

/** Nested page tables of AMD-V: every access of a guest is a user's. PCD and PWT select UC of the host's PAT. */
export const nptFormat: NestedFormat = {
  table: everyUserAccess,
  memory: everyUserAccess,
  device: everyUserAccess | nptBits.writeThrough | nptBits.cacheDisable,
};

/** Nested page tables of four levels that start empty and get a 4 KiB page when the guest first touches it. */
export class NestedPaging {
  readonly #memory: HostMemory;
  readonly #allocator: Allocator;
  readonly #format: NestedFormat;
  readonly #root: number;
  /** Where the allocator stood before the first table below the root. */
  readonly #mark: number;

  /** `root` is the host-physical address of the top table. */
  constructor(memory: HostMemory, allocator: Allocator, format: NestedFormat, root: number) {
    this.#memory = memory;
    this.#allocator = allocator;
    this.#format = format;
    this.#root = root;
    this.#mark = allocator.mark;
  }

  /** Maps the page of a guest-physical address, and says what to. */
  map(guestPhysical: number): string {
    const page = guestPhysical - (guestPhysical % 4096);
    const host = this.#allocator.hostOf(page);
    if (host !== undefined) {
      this.#write(page, BigInt(host) | this.#format.memory);
      return `mapped guest-physical ${text(page)} to host-physical ${text(host)}`;
    }
    // Host-physical addresses beyond RAM: nothing answers there, as on the bare machine.
    this.#write(page, BigInt(this.#allocator.reachOf(page)) | this.#format.device);
    return `guest-physical ${text(page)} is outside the guest's memory: mapped to where nothing answers`;
  }

  /** Takes the translation of a page back. The TLB must be flushed. */
  unmap(guestPhysical: number): void {
    this.#write(guestPhysical - (guestPhysical % 4096), 0n);
  }

  /** Takes all translations back. The TLB must be flushed. */
  clear(): void {
    this.#memory.fill(this.#root, 4096, 0);
    this.#allocator.release(this.#mark);
  }

  #write(page: number, leaf: bigint): void {
    const present = this.#format.table;
    let table = this.#root;
    for (let level = 4; level > 1; level--) {
      const address = eptEntryAddress(table, page, level);
      let entry = this.#memory.read64(address);
      if ((entry & present) === 0n) {
        entry = BigInt(this.#allocator.page()) | present;
        this.#memory.write64(address, entry);
      }
      table = Number(entry & frameMask);
    }
    this.#memory.write64(eptEntryAddress(table, page, 1), leaf);
  }
}

const text = (address: number): string => `${address.toString(16).toUpperCase()}h`;
