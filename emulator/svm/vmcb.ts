import { type CleanGroup, cleanBits, type VmcbField, vmcbFields } from "./vmcb-fields.ts";

/** Bytes of a VMCB; it is aligned to as many. */
export const vmcbBytes = 4096;

/** Index in `Vmcb.words` of the word that a field of 4 or 8 bytes begins with, or of the one a smaller field is in. */
export const wordOf = (field: VmcbField): number => vmcbFields[field].offset >> 2;

const cleanOffset = vmcbFields.clean.offset;
const instructionOffset = vmcbFields.instructionBytes.offset + 1;

/** Most bytes of a guest instruction that a #VMEXIT stores (APM Vol. 2, 15.8.4). */
export const mostInstructionBytes = 15;

/**
 * A VMCB: a view of real bytes in a page of host memory. Unlike a VMCS it has no instructions of its own, only offsets: the
 * VMM reads and writes memory. Values are unsigned and truncated to the field's width.
 */
export class Vmcb {
  readonly #bytes: DataView;
  /** Host-physical address: what VMRUN, VMLOAD and VMSAVE take in rAX. */
  readonly address: number;
  /** The block as words: `wordOf` says where fields are. */
  readonly words: Uint32Array;

  /** `bytes` are the `vmcbBytes` bytes of the block, aligned to 4. */
  constructor(bytes: DataView, address: number) {
    this.#bytes = bytes;
    this.address = address;
    this.words = new Uint32Array(bytes.buffer, bytes.byteOffset, vmcbBytes / 4);
  }

  get(field: VmcbField): bigint {
    const { offset, bytes } = vmcbFields[field];
    return bytes === 8 ? this.#bytes.getBigUint64(offset, true) : BigInt(this.number(field));
  }

  /** The field's value, or the low 32 bits of a wider one, as an unsigned number. */
  number(field: VmcbField): number {
    const { offset, bytes } = vmcbFields[field];
    if (bytes === 1) return this.#bytes.getUint8(offset);
    return bytes === 2 ? this.#bytes.getUint16(offset, true) : this.#bytes.getUint32(offset, true);
  }

  /** A field of 64 bits that holds a physical address, as a number. */
  physical(field: VmcbField): number {
    const { offset } = vmcbFields[field];
    return this.#bytes.getUint32(offset, true) + this.#bytes.getUint32(offset + 4, true) * 2 ** 32;
  }

  set(field: VmcbField, value: bigint | number): void {
    const { offset, bytes } = vmcbFields[field];
    if (bytes === 8) this.#set64(offset, value);
    else {
      const low = typeof value === "bigint" ? Number(BigInt.asUintN(32, value)) : value;
      if (bytes === 4) this.#bytes.setUint32(offset, low, true);
      else if (bytes === 2) this.#bytes.setUint16(offset, low, true);
      else this.#bytes.setUint8(offset, low);
    }
  }

  #set64(offset: number, value: bigint | number): void {
    if (typeof value === "bigint") this.#bytes.setBigUint64(offset, value, true);
    else {
      this.#bytes.setUint32(offset, value, true);
      this.#bytes.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
    }
  }

  /** Bit `index`, 0 to 31, of a field. */
  bit(field: VmcbField, index: number): boolean {
    return ((this.number(field) >>> index) & 1) === 1;
  }

  /** Sets or clears bit `index`, 0 to 31, of a field of at least 4 bytes, or of one that has the bit. */
  setBit(field: VmcbField, index: number, value: boolean): void {
    const at = vmcbFields[field].offset + (index >> 3);
    const mask = 1 << (index & 7);
    const before = this.#bytes.getUint8(at);
    this.#bytes.setUint8(at, value ? before | mask : before & ~mask);
  }

  /** The clean bits: 1 where the processor may go on with what it has. */
  isClean(group: CleanGroup): boolean {
    return ((this.#bytes.getUint32(cleanOffset, true) >>> cleanBits[group].bit) & 1) === 1;
  }

  /** Bytes of the guest's instruction, at most `mostInstructionBytes`, with their number before them. */
  setInstruction(bytes: readonly number[]): void {
    this.set("instructionBytes", bytes.length);
    for (const [n, byte] of bytes.entries()) this.#bytes.setUint8(instructionOffset + n, byte);
  }

  /** What `setInstruction` stored. */
  get instruction(): number[] {
    return Array.from({ length: this.number("instructionBytes") }, (_, n) =>
      this.#bytes.getUint8(instructionOffset + n),
    );
  }
}
