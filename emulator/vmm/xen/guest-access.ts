import type { Cpu } from "../../cpu/cpu.ts";
import { type GuestBits, holes, pageBytes } from "./abi.ts";

/** Guest memory as Xen touches it for the guest: through the guest's page tables, with the guest's rights, without faults. */
export class GuestAccess {
  readonly bits: GuestBits;
  readonly #cpu: Cpu;

  constructor(cpu: Cpu, bits: GuestBits) {
    this.#cpu = cpu;
    this.bits = bits;
  }

  /** Host-physical address; undefined where the guest may not make this access, or the address is Xen's. */
  place(linear: number, access: "read" | "write"): number | undefined {
    const { start, end } = holes[this.bits];
    if (linear >= start && linear <= end) return undefined;
    if (this.bits === 64 ? !this.#cpu.isCanonical(linear) : linear < 0 || linear > 0xffff_ffff) return undefined;
    const walk = this.#cpu.walker.walk({ linear, access, user: this.bits === 64 });
    return walk.kind === "page" ? walk.physical : undefined;
  }

  /** Undefined where not all of it can be read. */
  read(linear: number, length: number): DataView | undefined {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const at = this.place(linear + done, "read");
      if (at === undefined) return undefined;
      const piece = Math.min(length - done, pageBytes - (at % pageBytes));
      for (let n = 0; n < piece; n++) bytes[done + n] = this.#cpu.physical.read(at + n, 1);
      done += piece;
    }
    return new DataView(bytes.buffer);
  }

  /** False where not all of it can be written: then what came before has been. */
  write(linear: number, bytes: Uint8Array): boolean {
    for (let done = 0; done < bytes.length; ) {
      const at = this.place(linear + done, "write");
      if (at === undefined) return false;
      const piece = Math.min(bytes.length - done, pageBytes - (at % pageBytes));
      for (let n = 0; n < piece; n++) this.#cpu.physical.write(at + n, 1, bytes[done + n]!);
      done += piece;
    }
    return true;
  }

  /** An unsigned long of the guest. */
  readWord(linear: number): bigint | undefined {
    const bytes = this.bits / 8;
    const view = this.read(linear, bytes);
    return view && (bytes === 8 ? view.getBigUint64(0, true) : BigInt(view.getUint32(0, true)));
  }

  writeWord(linear: number, value: bigint, bytes = this.bits / 8): boolean {
    return this.write(linear, bytesOf(value, bytes));
  }
}

/** The low bytes of a number, least significant first. */
export const bytesOf = (value: bigint, count: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn));
