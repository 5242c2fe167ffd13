import { encodingParts, usualFields, type VmcsField, vmcsFields } from "./vmcs-fields.ts";

/** Identifies the layout below; VMPTRLD compares it with the first dword of the region (IA32_VMX_BASIC 30:0). */
export const vmcsRevision = 0x52494e47;

/** Bytes of a VMCS region; it is aligned to as many. */
export const vmcsBytes = 4096;

/**
 * Where a field lies in the region. The manual leaves the layout to the processor. Ours: revision identifier at 0, abort
 * indicator at 4, launch state at 8; from 64 on four areas by width, each with 4 groups of 32 slots, so that the place
 * follows from the encoding alone.
 */
const areas = {
  "16": { start: 64, size: 2 },
  "32": { start: 64 + 128 * 2, size: 4 },
  "64": { start: 64 + 128 * 6, size: 8 },
  natural: { start: 64 + 128 * 14, size: 8 },
} as const;
const launchState = 8;

export function fieldOffset(encoding: number): number {
  const { index, width } = encodingParts(encoding);
  const { start, size } = areas[width];
  return start + (((encoding >> 10) & 3) * 32 + index) * size;
}

interface Place {
  readonly offset: number;
  readonly bits: 16 | 32 | 64;
  /** Whether a write counts as a revision. */
  readonly revises: boolean;
}
const usual: ReadonlySet<VmcsField> = new Set(usualFields);
const places = Object.fromEntries(
  (Object.keys(vmcsFields) as VmcsField[]).map((key): [VmcsField, Place] => {
    const { encoding } = vmcsFields[key];
    const { bits, group } = encodingParts(encoding);
    return [key, { offset: fieldOffset(encoding), bits, revises: group !== "read-only" && !usual.has(key) }];
  }),
) as Record<VmcsField, Place>;

/** Index in `Vmcs.words` of a field of 32 bits, or of the low half of a wider one: for those who touch it at every exit. */
export const wordOf = (field: VmcsField): number => places[field].offset >> 2;

/** A VMCS: a view of real bytes in a page of host memory. Values are unsigned and truncated to the field's width. */
export class Vmcs {
  readonly #bytes: DataView;
  /** Host-physical address of the region. */
  readonly address: number;
  /** The region as words and half words; `fieldOffset` says where fields are. */
  readonly words: Uint32Array;
  readonly halves: Uint16Array;
  /**
   * Grows with every write of a field that is neither usual nor read-only. While it stays the same, so do these fields, and
   * what was found out from them holds. Whoever writes them in `words` and `halves` counts it.
   */
  revision = 0;

  /** `bytes` are the `vmcsBytes` bytes of the region, aligned to 4. */
  constructor(bytes: DataView, address: number) {
    this.#bytes = bytes;
    this.address = address;
    this.words = new Uint32Array(bytes.buffer, bytes.byteOffset, vmcsBytes / 4);
    this.halves = new Uint16Array(bytes.buffer, bytes.byteOffset, vmcsBytes / 2);
  }

  /** As after VMCLEAR of a region whose first dword the VMM has filled: all fields zero, launch state clear. */
  clear(): void {
    this.words.fill(0);
    this.revision++;
    this.#bytes.setUint32(0, vmcsRevision, true);
  }

  get launched(): boolean {
    return this.#bytes.getUint32(launchState, true) !== 0;
  }

  set launched(value: boolean) {
    this.#bytes.setUint32(launchState, value ? 1 : 0, true);
  }

  get(field: VmcsField): bigint {
    const { offset, bits } = places[field];
    return bits === 64 ? this.#bytes.getBigUint64(offset, true) : BigInt(this.number(field));
  }

  /** The field's value, or the low 32 bits of a wider one, as an unsigned number. */
  number(field: VmcsField): number {
    const { offset, bits } = places[field];
    return bits === 16 ? this.#bytes.getUint16(offset, true) : this.#bytes.getUint32(offset, true);
  }

  /** The high 32 bits of a field of 64, unsigned. */
  high(field: VmcsField): number {
    return this.words[(places[field].offset >> 2) + 1]!;
  }

  /** The value of a field of 64 bits that holds a physical address, as a number. */
  address64(field: VmcsField): number {
    const { offset } = places[field];
    return this.#bytes.getUint32(offset, true) + this.#bytes.getUint32(offset + 4, true) * 2 ** 32;
  }

  set(field: VmcsField, value: bigint | number): void {
    const { offset, bits, revises } = places[field];
    if (revises) this.revision++;
    if (bits === 64) this.#set64(offset, value);
    else {
      const low = typeof value === "bigint" ? Number(BigInt.asUintN(32, value)) : value;
      if (bits === 32) this.#bytes.setUint32(offset, low, true);
      else this.#bytes.setUint16(offset, low, true);
    }
  }

  #set64(offset: number, value: bigint | number): void {
    if (typeof value === "bigint") this.#bytes.setBigUint64(offset, BigInt.asUintN(64, value), true);
    else {
      this.#bytes.setUint32(offset, value, true);
      this.#bytes.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
    }
  }

  /** Bit `index`, 0 to 31, of a field. */
  bit(field: VmcsField, index: number): boolean {
    return ((this.number(field) >>> index) & 1) === 1;
  }

  /** Sets or clears bit `index`, 0 to 31, of a field. */
  setBit(field: VmcsField, index: number, value: boolean): void {
    const { offset, revises } = places[field];
    if (revises) this.revision++;
    const half = offset + (index >> 4) * 2;
    const mask = 1 << (index & 15);
    const before = this.#bytes.getUint16(half, true);
    this.#bytes.setUint16(half, value ? before | mask : before & ~mask, true);
  }
}
