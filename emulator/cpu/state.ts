import { flagMask } from "../../isa/flags.ts";
import type { SegmentName } from "../../isa/registers.ts";
import type { OperatingMode } from "./environment.ts";
import { unsupported } from "./fault.ts";
import { accessBits, layout, segmentBytes, segmentLayout } from "./layout.ts";
import type { Monitor } from "./monitor.ts";
import type { Virtualization } from "./virtualization.ts";

/** Numbers of the segment registers in the state block; 0–5 as instructions encode them. */
export const segmentNumber = { es: 0, cs: 1, ss: 2, ds: 3, fs: 4, gs: 5, ldtr: 6, tr: 7 } as const;
export const ES = segmentNumber.es;
export const CS = segmentNumber.cs;
export const SS = segmentNumber.ss;
export const DS = segmentNumber.ds;
export const FS = segmentNumber.fs;
export const GS = segmentNumber.gs;
export const LDTR = segmentNumber.ldtr;
export const TR = segmentNumber.tr;

/** A segment register with its hidden part. `base` is an unsigned 32-bit number, or signed canonical where it has 64 bits. */
export interface Segment {
  readonly selector: number;
  /** Access rights as `accessBits`. */
  readonly access: number;
  /** In bytes, granularity applied; unsigned. */
  readonly limit: number;
  readonly base: number;
}

export const CR0 = {
  PE: 1,
  MP: 2,
  EM: 4,
  TS: 8,
  ET: 0x10,
  NE: 0x20,
  WP: 0x1_0000,
  AM: 0x4_0000,
  NW: 0x2000_0000,
  CD: 0x4000_0000,
  PG: 0x8000_0000,
} as const;

export const CR4 = {
  VME: 1,
  PVI: 2,
  TSD: 4,
  DE: 8,
  PSE: 0x10,
  PAE: 0x20,
  MCE: 0x40,
  PGE: 0x80,
  PCE: 0x100,
  OSFXSR: 0x200,
  OSXMMEXCPT: 0x400,
  UMIP: 0x800,
  LA57: 0x1000,
  VMXE: 0x2000,
  FSGSBASE: 0x1_0000,
  PCIDE: 0x2_0000,
  SMEP: 0x10_0000,
  SMAP: 0x20_0000,
} as const;

export const EFER = { SCE: 1, LME: 0x100, LMA: 0x400, NXE: 0x800 } as const;

const VM = flagMask("VM");
/** Addresses are numbers here, which are exact up to here; only 5-level paging has canonical ones beyond. */
const exactEnd = 2 ** 53;

const segmentWord = (segment: number, field: number): number => (layout.segments + segment * segmentBytes + field) >> 2;

/** 64-bit unsigned as a signed number; exact for canonical addresses. */
export const signedNumber = (value: bigint): number => Number(BigInt.asIntN(64, value));
/** The 64-bit image of a number, unsigned. */
export const unsigned64 = (value: number): bigint => BigInt.asUintN(64, BigInt(value));

/**
 * Views over the state block, and names for its fields. Whoever writes the block without these names (a snapshot, a
 * VMCS load) must call `refresh` before the processor goes on: what is derived from it for speed is kept here.
 */
export class State {
  readonly r8: Uint8Array;
  readonly r16: Uint16Array;
  readonly r32: Int32Array;
  readonly u32: Uint32Array;
  readonly r64: BigUint64Array;
  readonly f64: Float64Array;
  monitor: Monitor | undefined;
  /** VMX for software; undefined on a processor that does not have it. */
  vmx: Virtualization | undefined;
  /** The processor has 5-level paging, which CPUID shows then. */
  readonly fiveLevelPaging: boolean;

  /** @param base offset of the state block in the memory's buffer */
  constructor(buffer: ArrayBuffer, base: number, fiveLevelPaging = false) {
    this.fiveLevelPaging = fiveLevelPaging;
    this.r8 = new Uint8Array(buffer, base, layout.end);
    this.r16 = new Uint16Array(buffer, base, layout.end >> 1);
    this.r32 = new Int32Array(buffer, base, layout.end >> 2);
    this.u32 = new Uint32Array(buffer, base, layout.end >> 2);
    this.r64 = new BigUint64Array(buffer, base, layout.end >> 3);
    this.f64 = new Float64Array(buffer, base, layout.end >> 3);
  }

  #number64(offset: number): number {
    return this.r32[(offset >> 2) + 1]! * 0x1_0000_0000 + this.u32[offset >> 2]!;
  }

  #setNumber64(offset: number, value: number): void {
    this.r32[offset >> 2] = value;
    this.r32[(offset >> 2) + 1] = Math.floor(value / 0x1_0000_0000);
  }

  /** Instruction pointer: unsigned, or signed canonical in 64-bit code. */
  get rip(): number {
    return this.#number64(layout.rip);
  }
  set rip(value: number) {
    this.#setNumber64(layout.rip, value);
  }

  get cpl(): number {
    return this.r32[layout.cpl >> 2]!;
  }

  /** (R)FLAGS without the six status flags (those are in `flags.ts`). */
  get eflags(): number {
    return this.r32[layout.eflags >> 2]!;
  }
  set eflags(value: number) {
    this.r32[layout.eflags >> 2] = value;
  }

  /** Low 32 bits, signed; test bits with `&`. */
  get cr0(): number {
    return this.r32[layout.cr0 >> 2]!;
  }
  get cr4(): number {
    return this.r32[layout.cr4 >> 2]!;
  }
  get efer(): number {
    return this.r32[layout.efer >> 2]!;
  }
  /** Physical, as a number (bits 51:0 are used). */
  get cr3(): number {
    return Number(this.r64[layout.cr3 >> 3]!);
  }

  /** One of `vmxOperation`. */
  get vmxOperation(): number {
    return this.r32[layout.vmxOperation >> 2]!;
  }

  /** The virtual-processor identifier in force; 0 is the host's. */
  get vpid(): number {
    return this.r32[layout.vpid >> 2]!;
  }

  /** The process-context identifier in force: 0 without CR4.PCIDE. */
  get pcid(): number {
    return (this.cr4 & CR4.PCIDE) !== 0 ? this.r32[layout.cr3 >> 2]! & 0xfff : 0;
  }

  /** The first address, in each direction, that is not canonical (with 5-level paging: or not exact). */
  get canonicalEnd(): number {
    return (this.cr4 & CR4.LA57) !== 0 ? exactEnd : 2 ** 47;
  }

  /** Whether a 64-bit linear address, signed, is canonical. Throws `Unsupported` for 57-bit ones that cannot be represented. */
  isCanonical(address: number): boolean {
    const end = this.canonicalEnd;
    if (address >= -end && address < end) return true;
    if (end === exactEnd && address >= -(2 ** 56) && address < 2 ** 56)
      throw unsupported("linear addresses of more than 54 bits (5-level paging)");
    return false;
  }

  get attention(): boolean {
    return this.r32[layout.attention >> 2] !== 0;
  }
  set attention(value: boolean) {
    this.r32[layout.attention >> 2] = value ? 1 : 0;
  }
  get activity(): number {
    return this.r32[layout.activity >> 2]!;
  }
  set activity(value: number) {
    this.r32[layout.activity >> 2] = value;
  }
  /** With the processor's own marks in bits 31:30; for a VMCS take the low 5 bits. */
  get interruptibility(): number {
    return this.r32[layout.interruptibility >> 2]!;
  }
  set interruptibility(value: number) {
    this.r32[layout.interruptibility >> 2] = value;
  }

  get gdtr(): { readonly base: number; readonly limit: number } {
    return { base: this.#number64(layout.gdtrBase), limit: this.u32[layout.gdtrLimit >> 2]! };
  }
  get idtr(): { readonly base: number; readonly limit: number } {
    return { base: this.#number64(layout.idtrBase), limit: this.u32[layout.idtrLimit >> 2]! };
  }
  setGdtr(base: number, limit: number): void {
    this.#setNumber64(layout.gdtrBase, base);
    this.u32[layout.gdtrLimit >> 2] = limit;
  }
  setIdtr(base: number, limit: number): void {
    this.#setNumber64(layout.idtrBase, base);
    this.u32[layout.idtrLimit >> 2] = limit;
  }

  selector(segment: number): number {
    return this.u32[segmentWord(segment, segmentLayout.selector)]! & 0xffff;
  }
  access(segment: number): number {
    return this.r32[segmentWord(segment, segmentLayout.access)]!;
  }
  limit(segment: number): number {
    return this.u32[segmentWord(segment, segmentLayout.limit)]!;
  }
  /** Signed where it has 64 bits. */
  base(segment: number): number {
    return this.#number64(layout.segments + segment * segmentBytes + segmentLayout.base);
  }
  segment(segment: number): Segment {
    return {
      selector: this.selector(segment),
      access: this.access(segment),
      limit: this.limit(segment),
      base: this.base(segment),
    };
  }

  /** Writes a segment register with its hidden part, unchecked; `refresh` must follow before the next access (`Cpu.setSegment` does both). */
  writeSegment(segment: number, value: Segment): void {
    this.u32[segmentWord(segment, segmentLayout.selector)] = value.selector;
    this.u32[segmentWord(segment, segmentLayout.access)] = value.access;
    this.u32[segmentWord(segment, segmentLayout.limit)] = value.limit;
    this.#setNumber64(layout.segments + segment * segmentBytes + segmentLayout.base, value.base);
  }

  get protectedMode(): boolean {
    return (this.cr0 & CR0.PE) !== 0;
  }
  get virtual8086(): boolean {
    return (this.eflags & VM) !== 0;
  }
  /** Real-address or virtual-8086 mode: selectors are paragraphs. */
  get realAddressing(): boolean {
    return !this.protectedMode || this.virtual8086;
  }
  /** IA-32e mode (EFER.LMA): 64-bit code or compatibility mode. */
  get longMode(): boolean {
    return (this.efer & EFER.LMA) !== 0;
  }
  get iopl(): number {
    return (this.eflags >> 12) & 3;
  }

  /** Default address and operand width of the code about to run. */
  get bits(): 16 | 32 | 64 {
    const access = this.access(CS);
    if ((access & accessBits.l) !== 0 && this.longMode) return 64;
    return (access & accessBits.db) !== 0 ? 32 : 16;
  }

  /** Width of the stack pointer. */
  get stackBits(): 16 | 32 | 64 {
    if (this.bits === 64) return 64;
    return (this.access(SS) & accessBits.db) !== 0 ? 32 : 16;
  }

  get mode(): OperatingMode {
    if (!this.protectedMode) return "real";
    if (this.virtual8086) return "virtual-8086";
    if (!this.longMode) return "protected";
    return this.bits === 64 ? "long" : "compatibility";
  }

  get paging(): boolean {
    return (this.cr0 & CR0.PG) !== 0;
  }
}

/** The register number of a segment an instruction names. */
export const segmentOf = (name: SegmentName): number => segmentNumber[name];
