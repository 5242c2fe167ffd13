import { eptBits, eptEntryAddress } from "../../vmx/ept.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import type { Vmcs } from "../../vmx/vmcs.ts";
import type { Allocator } from "../allocator.ts";

const all = eptBits.read | eptBits.write | eptBits.execute;
const writeBack = 6n << 3n;
const uncacheable = 0n;
const frameMask = ((1n << 52n) - 1n) & ~0xfffn;

/** Extended page tables that start empty and get a 4 KiB page when the guest first touches it. */
export class NestedPaging {
  readonly #memory: HostMemory;
  readonly #allocator: Allocator;
  readonly #vmcs: Vmcs;
  /** Where the allocator stood before the first table below the root. */
  readonly #mark: number;

  constructor(memory: HostMemory, allocator: Allocator, vmcs: Vmcs) {
    this.#memory = memory;
    this.#allocator = allocator;
    this.#vmcs = vmcs;
    this.#mark = allocator.mark;
  }

  /** Maps the page of a guest-physical address, and says what to. */
  map(guestPhysical: number): string {
    const page = guestPhysical - (guestPhysical % 4096);
    const host = this.#allocator.hostOf(page);
    if (host !== undefined) {
      this.#write(page, BigInt(host) | all | writeBack);
      return `mapped guest-physical ${text(page)} to host-physical ${text(host)}`;
    }
    // Host-physical addresses beyond RAM: nothing answers there, as on the bare machine.
    this.#write(page, BigInt(this.#allocator.reachOf(page)) | all | uncacheable);
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

  get #root(): number {
    return Number(this.#vmcs.get("eptPointer") & frameMask);
  }

  #write(page: number, leaf: bigint): void {
    let table = this.#root;
    for (let level = 4; level > 1; level--) {
      const address = eptEntryAddress(table, page, level);
      let entry = this.#memory.read64(address);
      if ((entry & all) === 0n) {
        entry = BigInt(this.#allocator.page()) | all;
        this.#memory.write64(address, entry);
      }
      table = Number(entry & frameMask);
    }
    this.#memory.write64(eptEntryAddress(table, page, 1), leaf);
  }
}

const text = (address: number): string => `${address.toString(16).toUpperCase()}h`;
