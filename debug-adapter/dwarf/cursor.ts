import { stringAt } from "../../emulator/loader/elf.ts";

/** Reads DWARF's little-endian fields one after the other. Reading beyond the end throws a RangeError. */
export class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  get length(): number {
    return this.#view.byteLength;
  }

  #take(bytes: number): number {
    this.at += bytes;
    return this.at - bytes;
  }

  u8 = (): number => this.#view.getUint8(this.#take(1));
  i8 = (): number => this.#view.getInt8(this.#take(1));
  u16 = (): number => this.#view.getUint16(this.#take(2), true);
  u32 = (): number => this.#view.getUint32(this.#take(4), true);
  u64 = (): bigint => this.#view.getBigUint64(this.#take(8), true);

  /** An unsigned field of 1, 2, 4 or 8 bytes. */
  unsigned(bytes: number): bigint {
    if (bytes === 8) return this.u64();
    let value = 0n;
    for (let n = 0; n < bytes; n++) value |= BigInt(this.u8()) << BigInt(8 * n);
    return value;
  }

  /** An offset into another section: 8 bytes in 64-bit DWARF. */
  offset = (wide: boolean): number => (wide ? Number(this.u64()) : this.u32());

  /** The length that begins a unit, and whether the unit is in 64-bit DWARF. */
  unitLength(): { readonly length: number; readonly wide: boolean } {
    const short = this.u32();
    return short === 0xffff_ffff ? { length: Number(this.u64()), wide: true } : { length: short, wide: false };
  }

  /** LEB128, as a number: exact up to 53 bits, more than any field that is read so. */
  uleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  sleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) return byte & 64 ? value - scale * 128 : value;
    }
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  /** A text ended by a zero byte. UTF-8, as compilers write file names. */
  text(): string {
    const end = this.#bytes.indexOf(0, this.at);
    if (end < 0) throw new RangeError("a text has no end.");
    const text = stringAt(this.#bytes, this.at);
    this.at = end + 1;
    return text;
  }
}
