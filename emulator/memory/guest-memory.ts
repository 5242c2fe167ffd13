import type { Cpu } from "../cpu/cpu.ts";
import { signedNumber } from "../cpu/state.ts";
import type { AddressSpace } from "../machine-interface.ts";

const pageBytes = 4096n;

/** Reads and writes a machine's memory from outside, in any of its address spaces, changing nothing else. */
export class GuestMemory {
  #cpu: Cpu;
  #guestBase: number;
  #guestBytes: number;

  /** @param guestBase host-physical address of guest-physical 0 */
  constructor(cpu: Cpu, guestBase: number, guestBytes: number) {
    this.#cpu = cpu;
    this.#guestBase = guestBase;
    this.#guestBytes = guestBytes;
  }

  read(space: AddressSpace, address: bigint, length: number): (number | undefined)[] {
    const { bytes } = this.#cpu;
    const found: (number | undefined)[] = [];
    for (const { at, count } of this.#pieces(space, address, length))
      for (let n = 0; n < count; n++) found.push(at === undefined ? undefined : bytes[at + n]);
    return found;
  }

  /** Number of bytes written before the first unmapped one. */
  write(space: AddressSpace, address: bigint, data: Uint8Array): number {
    const { bytes, physical } = this.#cpu;
    let written = 0;
    for (const { at, count } of this.#pieces(space, address, data.length)) {
      if (at === undefined) break;
      for (let n = 0; n < count; n++) physical.announceWrite(at + n - physical.ramBase, 1);
      bytes.set(data.subarray(written, written + count), at);
      const guest = at - physical.ramBase - this.#guestBase;
      if (guest >= 0) this.#cpu.monitor?.memoryWritten?.(guest);
      written += count;
    }
    return written;
  }

  /** The range, page by page, with the place of each piece in the machine's memory. */
  *#pieces(space: AddressSpace, address: bigint, length: number): Generator<{ at: number | undefined; count: number }> {
    for (let left = length, from = address; left > 0; ) {
      const count = Math.min(left, Number(pageBytes - (from % pageBytes)));
      yield { at: this.#place(space, BigInt.asUintN(64, from)), count };
      left -= count;
      from += BigInt(count);
    }
  }

  /** Host-physical address of a guest-physical one; undefined where there is no memory. */
  hostOf(address: number): number | undefined {
    const at = this.#place("guest-physical", BigInt(address));
    return at === undefined ? undefined : at - this.#cpu.physical.ramBase;
  }

  #place(space: AddressSpace, address: bigint): number | undefined {
    if (space === "host-physical") return this.#inHost(Number(address));
    const { monitor } = this.#cpu;
    if (space === "guest-physical" && !monitor?.place) return this.#inGuest(Number(address));
    const linear = this.#cpu.longMode ? signedNumber(address) : Number(BigInt.asUintN(32, address));
    if (monitor?.place) {
      const at = monitor.place(space, space === "linear" ? linear : Number(address));
      return at === undefined ? undefined : this.#inHost(at);
    }
    const physical = monitor ? monitor.guestPhysical(linear) : this.#cpu.walk(linear, "read", false).physical;
    return physical === undefined ? undefined : this.#inGuest(this.#cpu.nested.bare(physical));
  }

  #inHost(address: number): number | undefined {
    const { ramBase, ramBytes } = this.#cpu.physical;
    return address < ramBytes ? ramBase + address : undefined;
  }

  #inGuest(address: number): number | undefined {
    return address < this.#guestBytes ? this.#inHost(this.#guestBase + address) : undefined;
  }
}
