import type { Cpu } from "../../cpu/cpu.ts";
import { accessBits } from "../../cpu/layout.ts";
import { LDTR, type Segment } from "../../cpu/state.ts";
import { A, P } from "../../mmu/entry-bits.ts";
import type { HostMemory } from "../../vmx/host-memory.ts";
import type { Allocator } from "../allocator.ts";
import type { OwnAddresses, ShadowRoot } from "../memory/shadow-paging.ts";
import type { RealRegisters, Table } from "./virtual-cpu.ts";

/** First linear address of the VMM: the last 4 MiB of the linear address space are its own in every shadow. */
export const vmmLinear = 0xffc0_0000;

const pageBytes = 4096;
const tableBytes = 0x1_0000;

/** Where the VMM's tables lie in its part of the linear address space, in bytes from its start. */
const places = { gdt: 0, ldt: tableBytes, idt: 2 * tableBytes, tss: 2 * tableBytes + pageBytes } as const;
const pages = (2 * tableBytes) / pageBytes + 2;
const entryPoints = vmmLinear + 0x30_0000;

/** Selectors of the VMM's own descriptors, at the end of the shadow GDT. */
export const vmmSelectors = { cacheData: 0xffd9, cacheCode: 0xffe1, code: 0xffe8, tss: 0xfff0, ldt: 0xfff8 } as const;
const taskLimit = 0x67;

/** Bits of the high half of a descriptor. */
const high = { accessed: 0x100, code: 0x800, s: 0x1000, dpl: 0x6000, p: 0x8000 } as const;
const dplShift = 13;

/** Bytes of the shadow tables that are for the guest's descriptors. */
const room = { gdt: vmmSelectors.cacheData & ~7, ldt: tableBytes } as const;

interface Halves {
  readonly low: number;
  readonly high: number;
}

/**
 * What the guest's descriptor becomes in the shadow table. Code and data of ring 0 go to ring 1, and are marked accessed, for the
 * processor cannot write to the table. Not present, so that using them traps: code of rings 2 and 3 while the guest's kernel
 * runs (the VMM must see every return to it), and all gates and TSSs.
 */
export function shadowDescriptor({ low, high: word }: Halves, kernelRuns: boolean): Halves {
  const dpl = (word & high.dpl) >>> dplShift;
  const moved = dpl === 0 ? word | (1 << dplShift) : word;
  if ((word & high.s) === 0) return { low, high: moved & ~high.p };
  const hidden = (word & high.code) !== 0 && dpl >= 2 && kernelRuns;
  return { low, high: (hidden ? moved & ~high.p : moved) | high.accessed };
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
      const at = (linear + n) >>> 0;
      const page = this.#page(at >>> 12);
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
export class ShadowDescriptors {
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

  constructor(cpu: Cpu, memory: HostMemory, allocator: Allocator) {
    this.#cpu = cpu;
    this.#memory = memory;
    const narrow = allocator.page();
    const wide = allocator.pages(2);
    this.#pageTables = { narrow, wide };
    this.own = { linear: vmmLinear, tables: { "two-level": [narrow], pae: [wide, wide + pageBytes] } };
    this.#base = allocator.pages(pages);
    for (let n = 0; n < pages; n++) this.mapOwn(vmmLinear + n * pageBytes, (this.#base + n * pageBytes) | P | A);
    this.#writeOwn();
  }

  /** Maps a page of the VMM's linear addresses, in 32-bit and in PAE paging. */
  mapOwn(linear: number, entry: number): void {
    const number = (linear - vmmLinear) / pageBytes;
    this.#memory.write32(this.#pageTables.narrow + 4 * number, entry);
    this.#memory.write32(this.#pageTables.wide + 8 * number, entry);
  }

  /** The real registers that go with the tables; `ldtr` is the guest's own. */
  real(ldtr: Segment, root: ShadowRoot): RealRegisters {
    const access = 0x82;
    return {
      root,
      gdtr: { base: vmmLinear + places.gdt, limit: tableBytes - 1 },
      idtr: { base: vmmLinear + places.idt, limit: 256 * 8 - 1 },
      ldtr: hasTable(ldtr)
        ? {
            selector: vmmSelectors.ldt,
            access,
            limit: Math.min(ldtr.limit, tableBytes - 1),
            base: vmmLinear + places.ldt,
          }
        : { selector: 0, access: accessBits.unusable, limit: 0, base: 0 },
      tr: { selector: vmmSelectors.tss, access: 0x8b, limit: taskLimit, base: vmmLinear + places.tss },
    };
  }

  /** Copies the guest's GDT and LDT. The guest's own registers must be loaded. */
  synchronize(kernelRuns: boolean): void {
    const guest = new DescriptorReader(this.#cpu);
    this.#copy("gdt", this.#cpu.gdtr, kernelRuns, guest);
    const ldtr = this.#cpu.segment(LDTR);
    const ldt = hasTable(ldtr) ? ldtr : { base: 0, limit: -1 };
    this.#copy("ldt", ldt, kernelRuns, guest);
    this.traced = guest.pages;
  }

  /** Copies the guest's table and zeroes what the shadow held beyond it. */
  #copy(name: "gdt" | "ldt", table: Table, kernelRuns: boolean, guest: DescriptorReader): void {
    const used = Math.min(room[name], Math.floor((table.limit + 1) / 8) * 8);
    for (let offset = 0; offset < Math.max(used, this.#used[name]); offset += 8) {
      const copied = offset < used ? guest.read(table.base + offset) : undefined;
      const isNull = name === "gdt" && offset === 0;
      const shadow = copied && !isNull ? shadowDescriptor(copied, kernelRuns) : { low: 0, high: 0 };
      this.#write(places[name] + offset, shadow);
    }
    this.#used[name] = used;
  }

  /** The tables hold what they held at another moment: everything in them may have to be zeroed. */
  forget(): void {
    this.#used = { ...room };
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
    this.#write(places.gdt + vmmSelectors.code, descriptor(0, 0xf_ffff, 0x9b, 0xc));
    this.#write(places.gdt + vmmSelectors.tss, descriptor(vmmLinear + places.tss, taskLimit, 0x8b, 0));
    this.#write(places.gdt + vmmSelectors.ldt, descriptor(vmmLinear + places.ldt, tableBytes - 1, 0x82, 0));
    for (let vector = 0; vector < 256; vector++) {
      const target = entryPoints + 16 * vector;
      const presentInterruptGate = 0x8e00;
      this.#write(places.idt + 8 * vector, {
        low: ((vmmSelectors.code << 16) | (target & 0xffff)) >>> 0,
        high: ((target & 0xffff_0000) | presentInterruptGate) >>> 0,
      });
    }
    const bitmapBeyondLimit = taskLimit + 1;
    this.#memory.write32(this.#base + places.tss + 0x64, bitmapBeyondLimit << 16);
  }
}
