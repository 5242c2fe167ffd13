import { hardwareFault, vector } from "../cpu/fault.ts";
import { accessBits } from "../cpu/layout.ts";
import { CR0, CS, FS, SS, State } from "../cpu/state.ts";

const AC = 0x4_0000;
const fourGibibytes = 2 ** 32;

/** Type bits of a code or data segment: code, conforming or expand-down, readable or writable. */
const CODE = 8;
const DOWN = 4;
const READABLE_OR_WRITABLE = 2;

const expandsDown = (access: number): boolean => (access & (accessBits.s | CODE | DOWN)) === (accessBits.s | DOWN);

/** Whether the bytes at offsets `first` to `last` lie within a segment, expand-down ones included. */
export function insideLimit(access: number, limit: number, first: number, last: number): boolean {
  if (!expandsDown(access)) return last <= limit;
  return first > limit && last <= ((access & accessBits.db) !== 0 ? 0xffff_ffff : 0xffff);
}

/** From segment and offset to a linear address. What is derived from the state block for that must be kept up by `refresh`. */
export class LinearAddresses extends State {
  /** Segment bases of ES … GS as they apply now: unsigned, or signed; 0 for ES, CS, SS, DS in 64-bit code. */
  readonly bases = new Float64Array(6);
  /** Offsets from `starts` up to an end need no segment check; an empty range where every access does. */
  readonly starts = new Float64Array(6);
  readonly readEnds = new Float64Array(6);
  readonly writeEnds = new Float64Array(6);
  #wide = false;
  #aligned = false;

  /** Changes with every refresh: what an engine concludes from segments, privilege and mode is good until then. */
  generation = 0;

  /** Recomputes what is derived from the state block. */
  refresh(): void {
    this.#wide = this.bits === 64;
    this.#aligned = this.alignmentChecked;
    for (let segment = 0; segment < 6; segment++) this.#refreshSegment(segment);
  }

  /** As `refresh`, where nothing but this segment register changed. */
  refreshAfterSegment(segment: number): void {
    if (segment === CS && this.#wide !== (this.bits === 64)) this.refresh();
    else if (segment < 6) this.#refreshSegment(segment);
  }

  /** #AC is possible: CR0.AM, EFLAGS.AC and CPL 3. */
  get alignmentChecked(): boolean {
    return (this.cr0 & CR0.AM) !== 0 && (this.eflags & AC) !== 0 && this.cpl === 3;
  }

  /** Alignment checks begin or end with what has changed since the last refresh. */
  protected get alignmentChanged(): boolean {
    return this.#aligned !== this.alignmentChecked;
  }

  #refreshSegment(segment: number): void {
    this.generation++;
    const base = this.base(segment);
    let start = 0;
    let read = 0;
    let write = 0;
    if (this.#wide) {
      this.bases[segment] = segment < FS ? 0 : base;
      start = -this.canonicalEnd - this.bases[segment]!;
      read = write = this.canonicalEnd - this.bases[segment]!;
    } else {
      this.bases[segment] = base >>> 0;
      if (!expandsDown(this.access(segment))) {
        const end = Math.min(this.limit(segment) + 1, 2 ** 32 - (base >>> 0));
        if (this.#allows(segment, false)) read = end;
        if (this.#allows(segment, true)) write = end;
      }
    }
    if (this.#aligned) read = write = Number.NEGATIVE_INFINITY;
    this.starts[segment] = start;
    this.readEnds[segment] = read;
    this.writeEnds[segment] = write;
  }

  /** Whether the type of the segment allows reading or writing; real addressing knows no types. */
  #allows(segment: number, write: boolean): boolean {
    if (this.realAddressing) return true;
    const access = this.access(segment);
    if ((access & accessBits.unusable) !== 0) return false;
    if ((access & CODE) !== 0) return !write && (access & READABLE_OR_WRITABLE) !== 0;
    return !write || (access & READABLE_OR_WRITABLE) !== 0;
  }

  /** Linear address of an access after the segment checks (SDM Vol. 3, 5.3 and 5.5), or #GP(0), #SS(0), #AC(0). */
  linearOf(segment: number, offset: number, bytes: number, write: boolean): number {
    const refuse = (): never => {
      throw hardwareFault(segment === SS ? vector.SS : vector.GP, 0);
    };
    let linear = this.bases[segment]! + offset;
    if (this.#wide) {
      if (!(this.isCanonical(linear) && this.isCanonical(linear + bytes - 1))) refuse();
    } else {
      if (!this.#allows(segment, write)) refuse();
      if (!insideLimit(this.access(segment), this.limit(segment), offset, offset + bytes - 1)) refuse();
      linear = linear >>> 0;
    }
    if (this.alignmentChecked && (linear & (bytes - 1)) !== 0) throw hardwareFault(vector.AC, 0);
    return linear;
  }

  /** As `linearOf` for a read, at once where the segment's range has it. */
  protected readable(segment: number, offset: number, bytes: number): number {
    return offset >= this.starts[segment]! && offset + bytes <= this.readEnds[segment]!
      ? this.bases[segment]! + offset
      : this.linearOf(segment, offset, bytes, false);
  }

  /** The same for a write. */
  protected writable(segment: number, offset: number, bytes: number): number {
    return offset >= this.starts[segment]! && offset + bytes <= this.writeEnds[segment]!
      ? this.bases[segment]! + offset
      : this.linearOf(segment, offset, bytes, true);
  }

  /**
   * Linear addresses have 32 bits outside 64-bit code. In compatibility mode only accesses that run over 4 GiB need to be
   * wrapped, as segments keep all others below; what the processor reads for itself may lie anywhere then.
   */
  wrap(linear: number): number {
    if (!this.longMode) return linear >>> 0;
    return this.#wide || linear < fourGibibytes || linear >= fourGibibytes + 8 ? linear : linear - fourGibibytes;
  }

  /** Linear address of an offset of CS; #GP(0) beyond the limit or where not canonical. */
  codeLinear(offset: number): number {
    if (!this.#validCode(offset)) throw hardwareFault(vector.GP, 0);
    const linear = this.bases[CS]! + offset;
    return this.#wide ? linear : linear >>> 0;
  }

  #validCode(offset: number): boolean {
    if (this.#wide) return this.isCanonical(offset);
    return offset <= this.limit(CS);
  }
}
