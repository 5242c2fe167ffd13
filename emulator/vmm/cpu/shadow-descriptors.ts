import type { Cpu } from "../../cpu/cpu.ts";
import { accessBits } from "../../cpu/layout.ts";
import { LDTR, type Segment } from "../../cpu/state.ts";
import { A, P } from "../../mmu/entry-bits.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import type { Allocator } from "../allocator.ts";
import type { OwnAddresses } from "../memory/own-addresses.ts";
import type { ShadowRoot } from "../memory/shadow-paging.ts";
import type { DescriptorFacts } from "./compressed-segments.ts";
import type { RealRegisters, Table } from "./virtual-cpu.ts";

/** First linear address of the VMM: the last 4 MiB of the 32-bit linear address space are its own in every shadow. */
export const vmmLinear = 0xffc0_0000;
/** The same in long mode: the last 4 MiB of the 64-bit linear address space. */
export const vmmLinearLong = vmmLinear - 2 ** 32;

const pageBytes = 4096;
const tableBytes = 0x1_0000;

/** Where the VMM's tables lie in its part of the linear address space, in bytes from its start. */
const places = { gdt: 0, ldt: tableBytes, idt: 2 * tableBytes, tss: 2 * tableBytes + pageBytes } as const;
const pages = (2 * tableBytes) / pageBytes + 2;
const entryPoints = vmmLinear + 0x30_0000;

/** Bits 63:32 of the VMM's addresses in long mode. */
const upperHalf = 0xffff_ffff;

/** Selectors of the VMM's own descriptors, at the end of the shadow GDT. In long mode those of the TSS and the LDT take 16 bytes. */
export const vmmSelectors = { cacheData: 0xffd9, cacheCode: 0xffe1, code: 0xffe8, tss: 0xfff0, ldt: 0xfff8 } as const;
const vmmSelectorsLong = { code: 0xffd8, tss: 0xffe0, ldt: 0xfff0 } as const;
const taskLimit = 0x67;

/** Bits of the high half of a descriptor. */
const high = {
  accessed: 0x100,
  conforming: 0x400,
  code: 0x800,
  s: 0x1000,
  dpl: 0x6000,
  p: 0x8000,
  available: 0x10_0000,
} as const;
const dplShift = 13;

/** Where the shadow of the descriptor is that a selector names. */
const placeOf = (selector: number): number => ((selector & 4) !== 0 ? places.ldt : places.gdt) + (selector & 0xfff8);

/** Bytes of the shadow tables that are for the guest's descriptors. */
const room = { gdt: vmmSelectors.cacheData & ~7, ldt: tableBytes } as const;

interface Halves {
  readonly low: number;
  readonly high: number;
}

const empty: Halves = { low: 0, high: 0 };
const dplOf = ({ high: word }: Halves): number => (word & high.dpl) >>> dplShift;

/**
 * What the guest's descriptor becomes in the shadow table. Code and data of ring 0 go to ring 1, and are marked accessed, for the
 * processor cannot write to the table. Not present, so that using them traps: code of rings 2 and 3 while the guest's kernel
 * runs (the VMM must see every return to it), and all gates and TSSs.
 */
export function shadowDescriptor({ low, high: word }: Halves, kernelRuns: boolean): Halves {
  const dpl = dplOf({ low, high: word });
  const moved = dpl === 0 ? word | (1 << dplShift) : word;
  if ((word & high.s) === 0) return { low, high: moved & ~high.p };
  const hidden = (word & high.code) !== 0 && dpl >= 2 && kernelRuns;
  return { low, high: (hidden ? moved & ~high.p : moved) | high.accessed };
}

/**
 * The same in long mode, where the guest runs at CPL 3 whatever level it believes to be at (`level`). What that level may use goes
 * to ring 3; what it may not use keeps its ring or is not present, so that using it traps.
 */
export function longShadowDescriptor({ low, high: word }: Halves, level: number): Halves {
  const dpl = dplOf({ low, high: word });
  if ((word & high.s) === 0) return { low, high: (dpl < level ? word : word | high.dpl) & ~high.p };
  const isCode = (word & high.code) !== 0;
  const accessed = word | high.accessed;
  if (isCode && dpl > level) return { low, high: accessed & ~high.p };
  const stays = dpl < level || (isCode && (word & high.conforming) !== 0);
  return { low, high: stays ? accessed : accessed | high.dpl };
}

/** What the shadows of the guest's tables depend on besides the tables. */
export interface ShadowLevel {
  /** The level the guest believes to be at. */
  readonly level: number;
  /** Code of rings 2 and 3 is hidden, to see the guest's kernel return to it. Outside long mode. */
  readonly kernelRuns: boolean;
}

/** Parts of a system descriptor put together: base, limit, access byte (P, DPL, type) and flags nibble. */
function descriptor(base: number, limit: number, access: number, flags: number): Halves {
  return {
    low: (((base & 0xffff) << 16) | (limit & 0xffff)) >>> 0,
    high: ((base & 0xff00_0000) | (flags << 20) | (limit & 0xf_0000) | (access << 8) | ((base >>> 16) & 0xff)) >>> 0,
  };
}

/** Has the guest loaded an LDT? After a reset LDTR has a null selector and a table that nobody made. */
const hasTable = ({ selector, access }: Segment): boolean =>
  (selector & 0xfffc) !== 0 && (access & accessBits.unusable) === 0;

/** Reads the guest's descriptors through its own page tables, without faults or traces. */
class DescriptorReader {
  /** Guest-physical pages read. */
  readonly pages = new Set<number>();
  readonly #cpu: Cpu;
  /** Host-physical pages by linear page. */
  readonly #hosts = new Map<number, number | undefined>();

  constructor(cpu: Cpu) {
    this.#cpu = cpu;
  }

  /** Undefined where it is not in the guest's memory. */
  read(linear: number): Halves | undefined {
    const low = this.#read32(linear);
    const word = this.#read32(linear + 4);
    return low === undefined || word === undefined ? undefined : { low, high: word };
  }

  #read32(linear: number): number | undefined {
    let value = 0;
    for (let n = 0; n < 4; n++) {
      const at = this.#cpu.wrap(linear + n);
      const page = this.#page(Math.floor(at / pageBytes));
      if (page === undefined) return undefined;
      value += this.#cpu.physical.read(page + (at & 0xfff), 1) * 2 ** (8 * n);
    }
    return value;
  }

  #page(number: number): number | undefined {
    if (this.#hosts.has(number)) return this.#hosts.get(number);
    const { physical, host } = this.#cpu.walk(number * pageBytes, "read", false);
    if (physical !== undefined) this.pages.add(Math.floor(physical / pageBytes));
    this.#hosts.set(number, host);
    return host;
  }
}

/**
 * The VMM's GDT, LDT, IDT and TSS: real tables in its memory, mapped read-only at the top of the linear address space, to
 * which the real registers point while the guest runs. GDT and LDT shadow the guest's; the IDT sends everything to the VMM.
 */
export class ShadowDescriptors implements DescriptorFacts {
  /** The VMM's linear addresses, with the page tables that map the tables there. */
  readonly own: OwnAddresses;
  /** Guest-physical pages that hold the guest's GDT and LDT: writes to them must be seen. */
  traced: ReadonlySet<number> = new Set();
  /** Bytes of each table that may hold a descriptor of the guest. */
  #used: Record<keyof typeof room, number> = { gdt: 0, ldt: 0 };
  readonly #memory: HostMemory;
  readonly #cpu: Cpu;
  readonly #pageTables: { readonly narrow: number; readonly wide: number };
  /** Host-physical address of the tables. */
  readonly #base: number;
  /** Host-physical address of the guest's own DPLs: a byte for each descriptor of GDT and LDT. */
  readonly #levels: number;
  /** The tables are in the format of long mode. */
  #long = false;

  constructor(cpu: Cpu, memory: HostMemory, allocator: Allocator) {
    this.#cpu = cpu;
    this.#memory = memory;
    const narrow = allocator.page();
    const wide = allocator.pages(2);
    this.#pageTables = { narrow, wide };
    const both = [wide, wide + pageBytes];
    this.own = {
      linear: { "two-level": vmmLinear, pae: vmmLinear, "four-level": vmmLinearLong },
      tables: { "two-level": [narrow], pae: both, "four-level": both },
    };
    this.#base = allocator.pages(pages);
    this.#levels = allocator.pages((2 * tableBytes) / 8 / pageBytes);
    for (let n = 0; n < pages; n++) this.mapOwn(vmmLinear + n * pageBytes, (this.#base + n * pageBytes) | P | A);
    this.#writeOwn();
  }

  /** Linear address of the VMM's tables in the guest's present mode. */
  get linear(): number {
    return this.#long ? vmmLinearLong : vmmLinear;
  }

  /** Maps a page of the VMM's linear addresses (as they are in 32 bits), in every format. */
  mapOwn(linear: number, entry: number): void {
    const number = (linear - vmmLinear) / pageBytes;
    this.#memory.write32(this.#pageTables.narrow + 4 * number, entry);
    this.#memory.write32(this.#pageTables.wide + 8 * number, entry);
  }

  /** The real registers that go with the tables; `ldtr` is the guest's own. */
  real(ldtr: Segment, root: ShadowRoot): RealRegisters {
    const access = 0x82;
    const { linear } = this;
    const selectors = this.#long ? vmmSelectorsLong : vmmSelectors;
    return {
      root,
      gdtr: { base: linear + places.gdt, limit: tableBytes - 1 },
      idtr: { base: linear + places.idt, limit: 256 * this.#gateBytes - 1 },
      ldtr: hasTable(ldtr)
        ? {
            selector: selectors.ldt,
            access,
            limit: Math.min(ldtr.limit, tableBytes - 1),
            base: linear + places.ldt,
          }
        : { selector: 0, access: accessBits.unusable, limit: 0, base: 0 },
      tr: { selector: selectors.tss, access: 0x8b, limit: taskLimit, base: linear + places.tss },
    };
  }

  get #gateBytes(): 8 | 16 {
    return this.#long ? 16 : 8;
  }

  /** Copies the guest's GDT and LDT. The guest's own registers must be loaded. */
  synchronize(level: ShadowLevel): void {
    if (this.#cpu.longMode !== this.#long) {
      this.#long = this.#cpu.longMode;
      this.#writeOwn();
    }
    const guest = new DescriptorReader(this.#cpu);
    this.#copy("gdt", this.#cpu.gdtr, level, guest);
    const ldtr = this.#cpu.segment(LDTR);
    const ldt = hasTable(ldtr) ? ldtr : { base: 0, limit: -1 };
    this.#copy("ldt", ldt, level, guest);
    this.traced = guest.pages;
  }

  levelOf(selector: number): number {
    return this.#memory.read8(this.#levels + placeOf(selector) / 8);
  }

  isAvailable(selector: number): boolean {
    const isNull = (selector & 0xfffc) === 0;
    return !isNull && (this.#memory.read32(this.#base + placeOf(selector) + 4) & high.available) !== 0;
  }

  #shadowOf(own: Halves, { level, kernelRuns }: ShadowLevel): Halves {
    return this.#long ? longShadowDescriptor(own, level) : shadowDescriptor(own, kernelRuns);
  }

  /** Copies the guest's table and zeroes what the shadow held beyond it. */
  #copy(name: "gdt" | "ldt", table: Table, level: ShadowLevel, guest: DescriptorReader): void {
    const used = Math.min(room[name], Math.floor((table.limit + 1) / 8) * 8);
    for (let offset = 0; offset < Math.max(used, this.#used[name]); offset += 8) {
      const copied = offset < used ? guest.read(table.base + offset) : undefined;
      const isNull = name === "gdt" && offset === 0;
      const own = copied && !isNull ? copied : undefined;
      this.#write(places[name] + offset, own ? this.#shadowOf(own, level) : empty);
      if (this.#long) this.#memory.write8(this.#levels + (places[name] + offset) / 8, own ? dplOf(own) : 0);
    }
    this.#used[name] = used;
  }

  /** The tables hold what they held at another moment, for a guest in long mode or not: everything in them may have to be zeroed. */
  forget(long: boolean): void {
    this.#used = { ...room };
    this.#long = long;
  }

  #write(offset: number, value: Halves): void {
    this.#memory.write32(this.#base + offset, value.low);
    this.#memory.write32(this.#base + offset + 4, value.high);
  }

  /** The descriptors of the segments that translated code uses. */
  addTranslationSegments(data: { readonly base: number; readonly limit: number }): void {
    this.#write(places.gdt + (vmmSelectors.cacheCode & ~7), descriptor(0, 0xf_ffff, 0xb9, 0xc));
    this.#write(places.gdt + (vmmSelectors.cacheData & ~7), descriptor(data.base, data.limit, 0xb3, 0x4));
  }

  /** The VMM's descriptors, its IDT with gates of DPL 0, and its TSS with an I/O bitmap that allows nothing. */
  #writeOwn(): void {
    for (let offset: number = room.gdt; offset < tableBytes; offset += 8) this.#write(offset, empty);
    const selectors = this.#long ? vmmSelectorsLong : vmmSelectors;
    const codeFlags = this.#long ? 0xa : 0xc;
    this.#write(places.gdt + selectors.code, descriptor(0, 0xf_ffff, 0x9b, codeFlags));
    this.#writeSystem(selectors.tss, places.tss, taskLimit, 0x8b);
    this.#writeSystem(selectors.ldt, places.ldt, tableBytes - 1, 0x82);
    for (let vector = 0; vector < 256; vector++) {
      const target = entryPoints + 16 * vector;
      const presentInterruptGate = 0x8e00;
      const at = places.idt + this.#gateBytes * vector;
      this.#write(at, {
        low: ((selectors.code << 16) | (target & 0xffff)) >>> 0,
        high: ((target & 0xffff_0000) | presentInterruptGate) >>> 0,
      });
      if (this.#long) this.#write(at + 8, { low: upperHalf, high: 0 });
    }
    const bitmapBeyondLimit = taskLimit + 1;
    this.#memory.write32(this.#base + places.tss + 0x64, bitmapBeyondLimit << 16);
  }

  #writeSystem(selector: number, place: number, limit: number, access: number): void {
    this.#write(places.gdt + selector, descriptor(vmmLinear + place, limit, access, 0));
    if (this.#long) this.#write(places.gdt + selector + 8, { low: upperHalf, high: 0 });
  }
}
