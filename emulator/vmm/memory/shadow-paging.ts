import type { Cpu } from "../../cpu/cpu.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import type { Allocator } from "../allocator.ts";

/** Bits of a 32-bit page-table entry. */
export const pte = { present: 1, writable: 2, user: 4, accessed: 0x20, dirty: 0x40, large: 0x200 } as const;

const entries = 1024;
const frameMask = 0xffff_f000;

/** First linear address of the VMM: the last 4 MiB of the linear address space are its own in every shadow. */
export const vmmLinear = 0xffc0_0000;
const vmmSlot = entries - 1;

/** A shadow entry to be made. */
export interface ShadowEntry {
  readonly linear: number;
  /** Guest-physical. */
  readonly physical: number;
  readonly writable: boolean;
  readonly user: boolean;
  /** Part of a larger page of the guest: INVLPG of any part drops them all. */
  readonly large: boolean;
}

/**
 * Shadow page tables as a virtual TLB: two-level tables in the VMM's memory that the processor really walks, from
 * the guest's linear to host-physical addresses. They start empty, get an entry when the guest faults for lack of one, and
 * lose entries exactly when the guest flushes its TLB. An entry is writable only once the guest has written to the page, so that the
 * VMM can set the guest's dirty bit in time. The guest never sees them.
 */
export class ShadowPaging {
  /** Host-physical address of the page directory: the real CR3. */
  readonly root: number;
  readonly #cpu: Cpu;
  readonly #memory: HostMemory;
  readonly #allocator: Allocator;
  /** Where the allocator stood before the first table that a flush gives back. */
  readonly #mark: number;

  /** `vmmTable` is the page table of the VMM's own linear addresses. */
  constructor(cpu: Cpu, memory: HostMemory, allocator: Allocator, vmmTable: number) {
    this.#cpu = cpu;
    this.#memory = memory;
    this.#allocator = allocator;
    this.root = allocator.page();
    memory.write32(this.root + 4 * vmmSlot, vmmTable | pte.present | pte.accessed);
    this.#mark = allocator.mark;
  }

  /** Drops all entries but the VMM's. */
  flush(): void {
    this.#memory.fill(this.root, 4 * vmmSlot - 4, 0);
    this.#memory.write32(this.root + 4 * (vmmSlot - 1), 0);
    this.#allocator.release(this.#mark);
    this.#cpu.flushTlb(true);
  }

  /** The shadow entry of a linear address; 0 if there is none. */
  entry(linear: number): number {
    const table = this.#table(linear);
    return table === 0 ? 0 : this.#memory.read32(table + 4 * ((linear >>> 12) & 0x3ff));
  }

  /** Drops the entry of a linear address, and with it those of the larger page it belongs to (INVLPG). */
  invalidate(linear: number): void {
    const entry = this.entry(linear);
    if (entry === 0) return;
    if ((entry & pte.large) !== 0) {
      this.#memory.fill(this.#table(linear), 4096, 0);
      this.#cpu.flushTlb(true);
    } else this.#set(linear, 0);
  }

  /** Makes an entry. True if all others had to go because the VMM's memory is full. */
  fill({ linear, physical, writable, user, large }: ShadowEntry): boolean {
    const full = this.#table(linear) === 0 && !this.#allocator.hasPage;
    if (full) this.flush();
    if (this.#table(linear) === 0) {
      const table = this.#allocator.page();
      this.#memory.write32(
        this.root + 4 * (linear >>> 22),
        table | pte.present | pte.writable | pte.user | pte.accessed,
      );
    }
    const frame = (this.#host(physical) & frameMask) >>> 0;
    const rights = (writable ? pte.writable | pte.dirty : 0) | (user ? pte.user : 0) | (large ? pte.large : 0);
    this.#set(linear, (frame | pte.present | pte.accessed | rights) >>> 0);
    return full;
  }

  /** Host-physical address of guest memory; what lies outside goes to where nothing answers. */
  #host(physical: number): number {
    return this.#allocator.reachOf(physical);
  }

  #table(linear: number): number {
    const directory = this.#memory.read32(this.root + 4 * (linear >>> 22));
    return (directory & pte.present) === 0 ? 0 : (directory & frameMask) >>> 0;
  }

  #set(linear: number, value: number): void {
    this.#memory.write32(this.#table(linear) + 4 * ((linear >>> 12) & 0x3ff), value);
    this.#cpu.invalidatePage(linear);
  }
}
