import type { Cpu } from "../cpu/cpu.ts";
import type { PhysicalMemory } from "../mmu/physical.ts";

/** Host-physical RAM as the VMM and the EPT walker touch it: past caches, segments and paging. Addresses must be RAM. */
export class HostMemory {
  readonly #view: DataView;
  readonly #base: number;
  readonly #physical: PhysicalMemory;

  constructor(cpu: Cpu) {
    this.#view = cpu.view;
    this.#base = cpu.physical.ramBase;
    this.#physical = cpu.physical;
  }

  read8(address: number): number {
    return this.#view.getUint8(this.#base + address);
  }
  read32(address: number): number {
    return this.#view.getUint32(this.#base + address, true);
  }
  write32(address: number, value: number): void {
    this.#physical.dirty(address, 4);
    this.#view.setUint32(this.#base + address, value, true);
  }
  read64(address: number): bigint {
    return this.#view.getBigUint64(this.#base + address, true);
  }
  write64(address: number, value: bigint): void {
    this.#physical.dirty(address, 8);
    this.#view.setBigUint64(this.#base + address, value, true);
  }
  /** Fills bytes; `address` and `length` are multiples of 8. */
  fill(address: number, length: number, byte: number): void {
    this.#physical.dirty(address, length);
    new Uint8Array(this.#view.buffer, this.#base + address, length).fill(byte);
  }
  /** The bytes themselves. */
  bytes(address: number, length: number): DataView {
    this.#physical.expose(address, length);
    return new DataView(this.#view.buffer, this.#base + address, length);
  }
}
