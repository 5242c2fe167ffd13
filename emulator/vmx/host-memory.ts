import type { Cpu } from "../cpu/cpu.ts";
import type { PhysicalMemory } from "../mmu/physical.ts";

/**
 * Host-physical memory as the VMM and the processor's own structures are touched: past caches, segments and paging. `bytes`
 * and `fill` are of RAM only.
 */
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
    if (!this.#physical.isRam(address)) return this.#physical.read(address, 1);
    return this.#view.getUint8(this.#base + address);
  }
  read32(address: number): number {
    if (!this.#physical.isRam(address)) return this.#physical.read(address, 4);
    return this.#view.getUint32(this.#base + address, true);
  }
  write8(address: number, value: number): void {
    if (!this.#physical.isRam(address)) {
      this.#physical.write(address, 1, value);
      return;
    }
    this.#physical.announceWrite(address, 1);
    this.#view.setUint8(this.#base + address, value);
  }
  write32(address: number, value: number): void {
    if (!this.#physical.isRam(address)) {
      this.#physical.write(address, 4, value);
      return;
    }
    this.#physical.announceWrite(address, 4);
    this.#view.setUint32(this.#base + address, value, true);
  }
  write16(address: number, value: number): void {
    if (!this.#physical.isRam(address)) {
      this.#physical.write(address, 2, value);
      return;
    }
    this.#physical.announceWrite(address, 2);
    this.#view.setUint16(this.#base + address, value, true);
  }
  read64(address: number): bigint {
    if (!this.#physical.isRam(address)) return (BigInt(this.read32(address + 4)) << 32n) | BigInt(this.read32(address));
    return this.#view.getBigUint64(this.#base + address, true);
  }
  write64(address: number, value: bigint): void {
    if (!this.#physical.isRam(address)) {
      this.write32(address, Number(value & 0xffff_ffffn));
      this.write32(address + 4, Number(value >> 32n));
      return;
    }
    this.#physical.announceWrite(address, 8);
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
