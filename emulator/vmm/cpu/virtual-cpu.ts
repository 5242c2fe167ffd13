import { flagMask } from "../../../isa/flags.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { unsupported } from "../../cpu/fault.ts";
import { accessBits, layout, segmentBytes, segmentLayout } from "../../cpu/layout.ts";
import { CR0, CR4, CS, EFER, LDTR, type Segment, SS, TR } from "../../cpu/state.ts";
import type { ShadowRoot } from "../memory/shadow-paging.ts";
import { type CompressedSegment, compress, type DescriptorFacts, expand } from "./compressed-segments.ts";

export interface Table {
  readonly base: number;
  readonly limit: number;
}

/** The registers of which the guest has its own, while the real ones are the VMM's. Plain JSON. */
export interface VirtualRegisters {
  readonly cr0: number;
  readonly cr3: number;
  readonly cr4: number;
  readonly efer: number;
  readonly gdtr: Table;
  readonly idtr: Table;
  readonly ldtr: Segment;
  readonly tr: Segment;
  /** IF and IOPL. */
  readonly flags: number;
  /** Low halves of the PDPTE registers of PAE paging. */
  readonly pdptes: readonly number[];
  /** IA32_SYSENTER_CS: really 0 while the guest runs, so that SYSENTER traps. */
  readonly sysenterCs: number;
  /** The level the guest believes to be at. */
  readonly cpl: number;
  /** In long mode, where the guest really runs at CPL 3: ES to GS. Empty before it is first resumed, and in other modes. */
  readonly segments: readonly CompressedSegment[];
}

/** What the real processor holds while the guest runs: the VMM's tables. */
export interface RealRegisters {
  readonly root: ShadowRoot;
  readonly gdtr: Table;
  readonly idtr: Table;
  readonly ldtr: Segment;
  readonly tr: Segment;
}

const IF = flagMask("IF");
const ownFlags = IF | flagMask("IOPL");
/** CR0 bits that apply to the guest as it set them; the rest is the VMM's. */
const nativeCr0 = CR0.MP | CR0.EM | CR0.TS | CR0.AM;
/** The VMM runs the processor with paging, write protection of supervisor accesses, and native FPU errors. */
const vmmCr0 = CR0.PE | CR0.PG | CR0.WP | CR0.ET | CR0.NE;
/** CR4 bits that apply as the guest set them: what they forbid traps, and is then emulated or reflected. */
const nativeCr4 = CR4.TSD | CR4.DE | CR4.PCE | CR4.OSFXSR | CR4.OSXMMEXCPT | CR4.UMIP | CR4.FSGSBASE;
/** The same, while the guest has paging: without it, they forbid nothing. */
const nativePagingCr4 = CR4.SMEP | CR4.SMAP;
const dplShift = 5;

/**
 * Ring deprivileging: the guest kernel that believes to be at CPL 0 really runs at CPL 1, in long mode at CPL 3. While the VMM works on behalf of
 * the guest, the processor holds the guest's own (virtual) registers at its believed level, so that the instruction's one
 * and only semantics emulates it; before the guest goes on, the VMM's (real) registers are put back.
 */
export class VirtualCpu {
  readonly #cpu: Cpu;
  readonly #facts: DescriptorFacts | undefined;
  #virtual: VirtualRegisters;
  #inside = true;

  /**
   * The processor holds the guest's start state: the guest's own registers are loaded. Without `facts` there are no guests in
   * long mode.
   */
  constructor(cpu: Cpu, facts?: DescriptorFacts) {
    this.#cpu = cpu;
    this.#facts = facts;
    this.#virtual = this.#read();
  }

  /** The guest's own registers are loaded. */
  get inside(): boolean {
    return this.#inside;
  }

  /** For a snapshot that is restored, with the registers of the processor themselves. */
  set inside(inside: boolean) {
    this.#inside = inside;
  }

  /** The guest's own registers as they were when it was last resumed. */
  get registers(): VirtualRegisters {
    return this.#virtual;
  }

  set registers(registers: VirtualRegisters) {
    this.#virtual = registers;
  }

  /** Loads the guest's own registers. */
  enter(): void {
    this.#load();
    this.#settle();
  }

  #load(): void {
    const v = this.#virtual;
    this.#loadPaging(v);
    this.#loadTables(v);
    this.#cpu.r64[layout.sysenterCs >> 3] = BigInt(v.sysenterCs);
    this.#cpu.eflags = (this.#cpu.eflags & ~ownFlags) | v.flags;
    if (this.#facts && isLong(v)) expand(this.#cpu, v.cpl, v.segments, this.#facts);
    else this.#moveRing(1, 0);
    this.#inside = true;
  }

  /** Lets `look` see the guest's own registers. It must change nothing. */
  withGuestRegisters<T>(look: () => T): T {
    if (this.#inside) return look();
    const cpu = this.#cpu;
    const words = cpu.u32.slice(0, layout.end >> 2);
    this.#load();
    try {
      return look();
    } finally {
      this.#inside = false;
      cpu.u32.set(words);
      cpu.refresh();
    }
  }

  /** Puts the VMM's registers back; says what the guest's own were before and are now. Throws `Unsupported` for modes it has not. */
  leave(real: RealRegisters): void {
    this.#virtual = this.#read();
    const mode = this.unsupportedMode;
    if (mode !== undefined) throw unsupported(mode);
    const { cr0, cr4, cpl } = this.#virtual;
    const long = isLong(this.#virtual);
    // Alignment checks are of CPL 3 only.
    const alignment = long && cpl < 3 ? CR0.AM : 0;
    const { cr3, pdptes, mode: format } = real.root;
    this.#loadPaging({
      cr0: (cr0 & nativeCr0 & ~alignment) | vmmCr0,
      cr3,
      cr4: (cr4 & (nativeCr4 | ((cr0 & CR0.PG) !== 0 ? nativePagingCr4 : 0))) | (format === "two-level" ? 0 : CR4.PAE),
      // With XD to be had, a #PF tells fetches from reads. Without SCE, SYSCALL traps.
      efer: (format === "two-level" ? 0 : EFER.NXE) | (long ? EFER.LME | EFER.LMA : 0),
      pdptes,
    });
    this.#loadTables(real);
    this.#cpu.r64[layout.sysenterCs >> 3] = 0n;
    this.#cpu.eflags = (this.#cpu.eflags & ~ownFlags) | IF;
    if (this.#facts && long) this.#virtual = { ...this.#virtual, segments: compress(this.#cpu, this.#facts) };
    else this.#moveRing(0, 1);
    this.#inside = false;
    this.#settle();
  }

  /** Lets `look` see the guest's paging instead of the VMM's. It must change nothing. */
  withGuestPaging<T>(look: () => T): T {
    if (this.#inside) return look();
    const { r64, r32, cpl } = this.#cpu;
    const words = pagingFields.map((offset) => r64[offset >> 3]!);
    this.#loadPaging(this.#virtual);
    if (isLong(this.#virtual)) r32[layout.cpl >> 2] = this.#virtual.cpl;
    this.#inside = true;
    try {
      return look();
    } finally {
      this.#inside = false;
      r32[layout.cpl >> 2] = cpl;
      for (const [n, offset] of pagingFields.entries()) r64[offset >> 3] = words[n]!;
    }
  }

  #settle(): void {
    this.#cpu.flushTlb(true);
    this.#cpu.refresh();
  }

  #read(): VirtualRegisters {
    const cpu = this.#cpu;
    return {
      cr0: cpu.cr0 >>> 0,
      cr3: cpu.cr3,
      cr4: cpu.cr4 >>> 0,
      efer: cpu.efer >>> 0,
      gdtr: cpu.gdtr,
      idtr: cpu.idtr,
      ldtr: cpu.segment(LDTR),
      tr: cpu.segment(TR),
      flags: cpu.eflags & ownFlags,
      pdptes: [0, 8, 16, 24].map((at) => cpu.u32[(layout.pdptes + at) >> 2]!),
      sysenterCs: Number(cpu.r64[layout.sysenterCs >> 3]!),
      cpl: cpu.cpl,
      segments: [],
    };
  }

  /** What the guest's mode, now in the processor, needs and this technique has not. */
  get unsupportedMode(): string | undefined {
    if ((this.#cpu.cr0 & CR0.PE) === 0) return "real mode under trap and emulate";
    if (!this.#facts && this.#cpu.longMode) return "long mode under this technique";
    return this.#cpu.virtual8086 ? "virtual-8086 mode under trap and emulate" : undefined;
  }

  #loadPaging({
    cr0,
    cr3,
    cr4,
    efer,
    pdptes,
  }: Pick<VirtualRegisters, "cr0" | "cr3" | "cr4" | "efer" | "pdptes">): void {
    const { u32 } = this.#cpu;
    setLow(u32, layout.cr0, cr0);
    this.#cpu.r64[layout.cr3 >> 3] = BigInt(cr3);
    setLow(u32, layout.cr4, cr4);
    setLow(u32, layout.efer, efer);
    for (let n = 0; n < 4; n++) setLow(u32, layout.pdptes + 8 * n, pdptes[n]!);
  }

  #loadTables({ gdtr, idtr, ldtr, tr }: Pick<VirtualRegisters, "gdtr" | "idtr" | "ldtr" | "tr">): void {
    this.#cpu.setGdtr(gdtr.base, gdtr.limit);
    this.#cpu.setIdtr(idtr.base, idtr.limit);
    this.#cpu.writeSegment(LDTR, ldtr);
    this.#cpu.writeSegment(TR, tr);
  }

  /** Moves what runs at one level to another: CPL, RPL of CS and SS, and DPL in the hidden parts. */
  #moveRing(from: number, to: number): void {
    const cpu = this.#cpu;
    const ring = cpu.cpl;
    const { u32 } = cpu;
    for (let n = 0; n < 6; n++) {
      const access = cpu.access(n);
      if ((access & accessBits.dpl) >> dplShift !== from) continue;
      const at = layout.segments + n * segmentBytes;
      u32[(at + segmentLayout.access) >> 2] = (access & ~accessBits.dpl) | (to << dplShift);
      if ((n === CS || n === SS) && ring === from)
        u32[(at + segmentLayout.selector) >> 2] = (cpu.selector(n) & ~3) | to;
    }
    if (ring === from) cpu.setCpl(to);
  }
}

/** Long mode, 64-bit code or not. */
const isLong = ({ efer }: VirtualRegisters): boolean => (efer & EFER.LMA) !== 0;

/** Sets a field of 64 bits at a byte offset to a value of 32. */
function setLow(words: Uint32Array, at: number, value: number): void {
  words[at >> 2] = value;
  words[(at >> 2) + 1] = 0;
}

const pagingFields = [
  layout.cr0,
  layout.cr3,
  layout.cr4,
  layout.efer,
  layout.pdptes,
  layout.pdptes + 8,
  layout.pdptes + 16,
  layout.pdptes + 24,
] as const;
