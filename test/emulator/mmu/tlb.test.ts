import { describe, expect, it, test } from "vitest";
import { restoreCore, saveCore } from "../../../emulator/cpu/core-state.ts";
import { layout, tlbBase, tlbBytes } from "../../../emulator/cpu/layout.ts";
import { invalidateProcessContext } from "../../../emulator/cpu/process-contexts.ts";
import { CR0, CR4, CS, DS, type State } from "../../../emulator/cpu/state.ts";
import { guard } from "../../../emulator/mmu/physical.ts";
import { outcome, type Processor, processor } from "../cpu/processor.ts";
import { all, bit, enablePaging, frame, type Kind, map, path, writeEntry } from "./paging.ts";

const linear = 0x0040_1000n;
const address = Number(linear);
const other = frame + 0x1000;

/** A processor with `linear` mapped to `frame`, read once, and then remapped to `other` in memory. */
function stale(kind: Kind, leaf = all): Processor {
  const p = processor();
  enablePaging(p, kind);
  const { entries } = map(p, kind, linear, all, leaf);
  p.ram.setUint32(frame, 0x1111_1111, true);
  p.ram.setUint32(other, 0x2222_2222, true);
  expect(p.cpu.load32(DS, address)).toBe(0x1111_1111);
  writeEntry(p, entries.at(-1)!, BigInt(other) | leaf);
  return p;
}

const { system } = processor().cpu;
const decoded = {} as Parameters<typeof system.writeControl>[1];
const setControl = (p: Processor, number: number, value: number): void =>
  system.writeControl(p.cpu, decoded, number, BigInt(value >>> 0));

interface Rule {
  readonly name: string;
  readonly act: (p: Processor) => void;
  readonly kind?: Kind;
  readonly leaf?: bigint;
  readonly forgets: boolean;
}

const cr0 = CR0.PE | CR0.ET | CR0.PG | CR0.WP;
const rules: readonly Rule[] = [
  { name: "nothing: the stale entry stays", act: () => {}, forgets: false },
  { name: "INVLPG of the page", act: (p) => p.cpu.invalidatePage(address + 5), forgets: true },
  { name: "INVLPG of another page", act: (p) => p.cpu.invalidatePage(address + 0x1000), forgets: false },
  { name: "INVLPG of a global page", leaf: all | bit.G, act: (p) => p.cpu.invalidatePage(address), forgets: true },
  { name: "MOV CR3", act: (p) => setControl(p, 3, p.cpu.cr3), forgets: true },
  { name: "MOV CR3, global page", leaf: all | bit.G, act: (p) => setControl(p, 3, p.cpu.cr3), forgets: false },
  {
    name: "MOV CR3, G bit without CR4.PGE",
    leaf: all | bit.G,
    act: (p) => {
      setControl(p, 4, CR4.PSE);
      expect(p.cpu.load32(DS, address)).toBe(0x2222_2222);
      writeEntry(p, path("two-level", linear).entries[1]!, BigInt(frame) | all | bit.G);
      setControl(p, 3, p.cpu.cr3);
      p.ram.setUint32(frame, 0x2222_2222, true);
    },
    forgets: true,
  },
  { name: "MOV CR4 that changes PGE", leaf: all | bit.G, act: (p) => setControl(p, 4, CR4.PSE), forgets: true },
  { name: "MOV CR4 that changes TSD only", act: (p) => setControl(p, 4, CR4.PSE | CR4.PGE | CR4.TSD), forgets: false },
  { name: "MOV CR0 that changes TS only", act: (p) => setControl(p, 0, cr0 | CR0.TS), forgets: false },
  {
    name: "paging off and on",
    leaf: all | bit.G,
    act: (p) => {
      setControl(p, 0, cr0 & ~CR0.PG);
      setControl(p, 0, cr0);
    },
    forgets: true,
  },
];

describe("what the TLB forgets", () => {
  test.each(rules)("$name: forgets = $forgets", ({ act, kind = "two-level", leaf = all, forgets }) => {
    const p = stale(kind, leaf);
    act(p);
    expect(p.cpu.load32(DS, address)).toBe(forgets ? 0x2222_2222 : 0x1111_1111);
  });

  it("INVLPG forgets every cached piece of a large page", () => {
    const p = processor();
    enablePaging(p, "two-level");
    const directory = path("two-level", linear).entries[0]!;
    writeEntry(p, directory, 0n | all | bit.PS);
    const pieces = [0x40_0000, 0x40_5000, 0x4f_f000];
    for (const piece of pieces) p.cpu.load8(DS, piece);
    writeEntry(p, directory, 0n);
    for (const piece of pieces) expect(() => p.cpu.load8(DS, piece)).not.toThrow();
    p.cpu.invalidatePage(0x48_0000);
    for (const piece of pieces) expect(() => p.cpu.load8(DS, piece)).toThrow();
  });

  it("keeps reading, writing and executing apart: a write after a read sets D", () => {
    const p = processor();
    enablePaging(p, "two-level");
    const { entries } = map(p, "two-level", linear);
    p.cpu.load8(DS, address);
    p.cpu.store8(DS, address, 7);
    expect(p.ram.getUint32(entries[1]!.address, true) & Number(bit.D)).not.toBe(0);
    expect(p.ram.getUint8(frame)).toBe(7);
  });
});

describe("process-context identifiers", () => {
  const global = all | bit.G;
  const table = 0x1_0000;
  /** As `stale`, under PCID 1, with a second set of tables, that of PCID 2, whose leaf is `other`'s already. */
  function tagged(leaf = all): Processor {
    const p = stale("four-level", leaf);
    const second = 0x8_0000;
    for (let at = 0; at < 0x4000; at += 4) p.ram.setUint32(second + at, p.ram.getUint32(table + at, true), true);
    for (const [level, next] of [
      [0, 0x8_1000],
      [0x1000, 0x8_2000],
      [0x2000, 0x8_3000],
    ] as const) {
      const { entries } = path("four-level", linear);
      const entry = entries[level / 0x1000]!;
      p.ram.setBigUint64(second + entry.address - table, BigInt(next) | all, true);
    }
    setControl(p, 4, CR4.PAE | CR4.PGE | CR4.PCIDE);
    load(p, 1);
    const last = path("four-level", linear).entries.at(-1)!;
    writeEntry(p, last, BigInt(frame) | leaf);
    expect(p.cpu.load32(DS, address)).toBe(0x1111_1111);
    writeEntry(p, last, BigInt(other) | leaf);
    return p;
  }
  const load = (p: Processor, pcid: number, keep = false): void =>
    system.writeControl(p.cpu, decoded, 3, BigInt((pcid === 2 ? 0x8_0000 : table) | pcid) | (keep ? 1n << 63n : 0n));
  const invalidate = (p: Processor, kind: number, pcid: number, at = linear): void =>
    invalidateProcessContext(p.cpu, BigInt(kind), BigInt(pcid), at);

  const cases: readonly { readonly name: string; readonly act: (p: Processor) => void; readonly forgets: boolean }[] = [
    { name: "nothing", act: () => {}, forgets: false },
    { name: "MOV CR3 with its PCID", act: (p) => load(p, 1), forgets: true },
    { name: "MOV CR3 with its PCID and bit 63", act: (p) => load(p, 1, true), forgets: false },
    {
      name: "MOV CR3 to another PCID and back with bit 63",
      act: (p) => {
        load(p, 2);
        load(p, 1, true);
      },
      forgets: false,
    },
    {
      name: "MOV CR3 to another PCID and back without",
      act: (p) => {
        load(p, 2);
        load(p, 1);
      },
      forgets: true,
    },
    { name: "INVLPG", act: (p) => p.cpu.invalidatePage(address), forgets: true },
    {
      name: "INVLPG under another PCID",
      act: (p) => {
        load(p, 2);
        p.cpu.invalidatePage(address);
        load(p, 1, true);
      },
      forgets: false,
    },
    { name: "INVPCID of the address", act: (p) => invalidate(p, 0, 1), forgets: true },
    { name: "INVPCID of another address", act: (p) => invalidate(p, 0, 1, linear + 0x1000n), forgets: false },
    { name: "INVPCID of the address under another PCID", act: (p) => invalidate(p, 0, 2), forgets: false },
    { name: "INVPCID of the context", act: (p) => invalidate(p, 1, 1), forgets: true },
    { name: "INVPCID of another context", act: (p) => invalidate(p, 1, 2), forgets: false },
    { name: "INVPCID of everything", act: (p) => invalidate(p, 2, 0), forgets: true },
    { name: "INVPCID of all contexts", act: (p) => invalidate(p, 3, 0), forgets: true },
  ];
  test.each(cases)("$name: forgets = $forgets", ({ act, forgets }) => {
    const p = tagged();
    act(p);
    expect(p.cpu.load32(DS, address)).toBe(forgets ? 0x2222_2222 : 0x1111_1111);
  });

  test.each([
    ["MOV CR3", (p: Processor) => load(p, 1), false],
    ["INVPCID of the address", (p: Processor) => invalidate(p, 0, 1), false],
    ["INVPCID of the context", (p: Processor) => invalidate(p, 1, 1), false],
    ["INVPCID of all contexts", (p: Processor) => invalidate(p, 3, 0), false],
    ["INVPCID of everything", (p: Processor) => invalidate(p, 2, 0), true],
    ["INVLPG", (p: Processor) => p.cpu.invalidatePage(address), true],
  ] as const)("%s and a global page: forgets = %s", (_, act, forgets) => {
    const p = tagged(global);
    act(p);
    expect(p.cpu.load32(DS, address)).toBe(forgets ? 0x2222_2222 : 0x1111_1111);
  });

  it("shows a global page under every PCID, and others only under their own", () => {
    const p = tagged(global);
    load(p, 2);
    expect(p.cpu.load32(DS, address)).toBe(0x1111_1111);
    const q = tagged();
    load(q, 2);
    expect(q.cpu.load32(DS, address)).toBe(0x2222_2222);
  });

  it("refuses what it has not", () => {
    const p = tagged();
    const code = (act: () => void): string => outcome(act);
    expect(code(() => invalidateProcessContext(p.cpu, 4n, 0n, 0n))).toBe("#GP(0h)");
    expect(code(() => invalidateProcessContext(p.cpu, 0n, 1n << 12n, 0n))).toBe("#GP(0h)");
    expect(code(() => invalidateProcessContext(p.cpu, 0n, 1n, 1n << 47n))).toBe("#GP(0h)");
    expect(code(() => invalidateProcessContext(p.cpu, 1n, 1n, 1n << 47n))).toBe("ok");
    expect(code(() => setControl(p, 0, cr0 & ~CR0.PG))).toBe("#GP(0h)");
    setControl(p, 4, CR4.PAE | CR4.PGE);
    expect(code(() => invalidateProcessContext(p.cpu, 1n, 1n, 0n))).toBe("#GP(0h)");
    expect(p.cpu.load32(DS, address)).toBe(0x2222_2222);
    expect(code(() => setControl(p, 4, CR4.PAE | CR4.PGE | CR4.PCIDE))).toBe("#GP(0h)");
    expect(code(() => load(p, 1, true))).toBe("#GP(0h)");
  });

  it("comes back from a snapshot with what waits for its PCID", () => {
    const p = tagged();
    load(p, 2);
    const buffer = new Uint8Array(p.cpu.view.buffer);
    const saved = buffer.slice();
    p.cpu.flushTlb(true);
    buffer.set(saved);
    p.cpu.reload();
    load(p, 1, true);
    expect(p.cpu.load32(DS, address)).toBe(0x1111_1111);
  });
});

describe("guarded pages", () => {
  function watched() {
    const p = processor();
    enablePaging(p, "two-level");
    map(p, "two-level", linear);
    const told: string[] = [];
    p.cpu.memoryObserver = {
      codeWritten: (physical, bytes) => told.push(`code ${physical.toString(16)}+${bytes}`),
      watched: (physical, bytes, access) => told.push(`${access} ${physical.toString(16)}+${bytes}`),
    };
    return { p, told };
  }

  it("tells of every write to a page that became code after the TLB had it", () => {
    const { p, told } = watched();
    p.cpu.store32(DS, address, 1);
    p.cpu.guardPage(frame >> 12, guard.code);
    p.cpu.store32(DS, address + 4, 2);
    p.cpu.store64(DS, address + 8, 3n);
    p.cpu.load32(DS, address);
    expect(told).toEqual(["code 20004+4", "code 20008+4", "code 2000c+4"]);
    p.cpu.unguardPage(frame >> 12, guard.code);
    p.cpu.store32(DS, address, 4);
    expect(told).toHaveLength(3);
    expect(p.ram.getUint32(frame, true)).toBe(4);
  });

  it("tells of reads and writes of watched pages, also by the processor itself", () => {
    const { p, told } = watched();
    p.cpu.guardPage(frame >> 12, guard.watchAll);
    p.cpu.load16(DS, address + 2);
    p.cpu.store8(DS, address, 1);
    p.cpu.readSystem(address, 4);
    expect(told).toEqual(["read 20002+2", "write 20000+1", "read 20000+4"]);
  });

  it("leaves what the TLB holds the same: a stale entry stays stale", () => {
    const p = stale("two-level");
    p.cpu.guardPage(frame >> 12, guard.watchAll);
    expect(p.cpu.load32(DS, address)).toBe(0x1111_1111);
    p.cpu.unguardPage(frame >> 12, guard.watchAll);
    expect(p.cpu.load32(DS, address)).toBe(0x1111_1111);
  });
});

describe("snapshots", () => {
  it("come back with the stale entries they had", () => {
    const p = stale("two-level");
    const buffer = new Uint8Array(p.cpu.view.buffer);
    const saved = buffer.slice();
    p.cpu.flushTlb(true);
    expect(p.cpu.load32(DS, address)).toBe(0x2222_2222);
    buffer.set(saved);
    p.cpu.reload();
    expect(p.cpu.load32(DS, address)).toBe(0x1111_1111);
    p.cpu.flushTlb(true);
    expect(p.cpu.load32(DS, address)).toBe(0x2222_2222);
  });

  it("of the processor in the core come back with them too, and share a TLB that has not changed", () => {
    const p = stale("two-level");
    const first = saveCore(p.cpu, undefined);
    expect(saveCore(p.cpu, first).tlb).toBe(first.tlb);
    p.cpu.flushTlb(true);
    expect(p.cpu.load32(DS, address)).toBe(0x2222_2222);
    const second = saveCore(p.cpu, first);
    expect(second.tlb).not.toEqual(first.tlb);
    for (const [saved, value] of [[first, 0x1111_1111] as const, [second, 0x2222_2222] as const]) {
      restoreCore(p.cpu, saved);
      expect(p.cpu.load32(DS, address)).toBe(value);
      expect(saveCore(p.cpu, saved).tlb).toBe(saved.tlb);
    }
  });

  it("a cleared TLB holds nothing, whatever it held before", () => {
    const p = stale("four-level");
    const words = new Uint8Array(p.cpu.view.buffer, tlbBase, tlbBytes);
    const used = words.slice();
    p.cpu.tlb.clear();
    expect(words).not.toEqual(used);
    expect(words).toEqual(new Uint8Array(processor().cpu.view.buffer, tlbBase, tlbBytes));
  });
});

describe("accesses that the quick path does not take", () => {
  const crossing = address + 0xffe;
  function twoPages() {
    const p = processor();
    enablePaging(p, "two-level");
    map(p, "two-level", linear);
    const second = { ...path("two-level", linear + 0x1000n).entries[1]! };
    writeEntry(p, second, BigInt(frame + 0x5000) | all);
    return { p, second };
  }

  it("joins the bytes of two pages", () => {
    const { p } = twoPages();
    p.cpu.store32(DS, crossing, 0x4433_2211);
    expect(p.ram.getUint16(frame + 0xffe, true)).toBe(0x2211);
    expect(p.ram.getUint16(frame + 0x5000, true)).toBe(0x4433);
    expect(p.cpu.load32(DS, crossing)).toBe(0x4433_2211);
    p.cpu.store64(DS, crossing - 2, 0x8877_6655_4433_2211n);
    expect(p.cpu.load64(DS, crossing - 2)).toBe(0x8877_6655_4433_2211n);
    expect(p.cpu.load16(DS, crossing + 1)).toBe(0x5544);
  });

  it("writes nothing if the second page faults, and says where", () => {
    const { p, second } = twoPages();
    writeEntry(p, second, 0n);
    for (const store of [
      () => p.cpu.store32(DS, crossing, -1),
      () => p.cpu.store64(DS, crossing - 2, 2n ** 64n - 1n),
      () => p.cpu.prepareStore(DS, crossing, 4),
    ]) {
      let thrown: unknown;
      try {
        store();
      } catch (fault) {
        thrown = fault;
      }
      expect(thrown).toMatchObject({ vector: 14, errorCode: 2, address: linear + 0x1000n });
    }
    expect(p.ram.getUint32(frame + 0xffc, true)).toBe(0);
  });

  it("prepareStore makes a read-modify-write fault as a write", () => {
    const { p, second } = twoPages();
    writeEntry(p, second, 0n);
    expect(() => p.cpu.prepareStore(DS, address + 0x1000, 4)).toThrow(expect.objectContaining({ errorCode: 2 }));
  });

  it("reaches devices, and reads ones where nothing is", () => {
    const { p, second } = twoPages();
    writeEntry(p, second, 0x8000_0000n | all);
    expect(p.cpu.load32(DS, address + 0x1010)).toBe(0x40);
    expect(p.cpu.load32(DS, address + 0x1010)).toBe(0x40);
    expect(p.cpu.load64(DS, address + 0x1010)).toBe((0x50n << 32n) | 0x40n);
    p.cpu.store16(DS, address + 0x1020, 0xabcd);
    expect(p.bus.writes).toEqual([{ physical: 0x8000_0020, bytes: 2, value: 0xabcd }]);
    writeEntry(p, second, 0x7000_0000n | all);
    p.cpu.flushTlb(true);
    expect(p.cpu.load32(DS, address + 0x1000)).toBe(-1);
  });

  it("finds the highest page of the address space", () => {
    const p = processor();
    enablePaging(p, "four-level");
    map(p, "four-level", 0xffff_ffff_ffff_f000n);
    p.ram.setUint32(frame + 0x10, 0x77, true);
    expect(p.cpu.readLinear(-4096 + 0x10, 4)).toBe(0x77);
    const state: State = p.cpu;
    expect(state.r64[layout.cr2 >> 3]).toBe(0n);
    expect(() => p.cpu.readLinear(4096, 4)).toThrow();
  });

  it("allows supervisor access to user pages by EFLAGS.AC each time under SMAP", () => {
    const p = processor();
    enablePaging(p, "four-level");
    map(p, "four-level", linear);
    setControl(p, 4, CR4.PAE | CR4.SMAP);
    p.cpu.flags = 0x4_0000;
    expect(() => p.cpu.load8(DS, address)).not.toThrow();
    expect(() => p.cpu.readSystem(address, 1)).toThrow();
    p.cpu.flags = 0;
    expect(() => p.cpu.load8(DS, address)).toThrow();
  });
});

describe("accesses across 4 GiB", () => {
  it("wrap in compatibility mode, and go on in 64-bit mode", () => {
    const p = processor();
    enablePaging(p, "four-level");
    map(p, "four-level", 0xffff_f000n);
    const top = path("four-level", 0n).entries;
    // Page 0 is `other`; what is above 4 GiB is not mapped.
    for (const [n, entry] of top.entries())
      if (n === 0 || n === 3) continue;
      else writeEntry(p, entry, BigInt(n === 1 ? 0x1_5000 : 0x1_6000) | all);
    p.ram.setBigUint64(0x1_5000, BigInt(0x1_6000) | all, true);
    p.ram.setBigUint64(0x1_6000, BigInt(other) | all, true);
    p.cpu.writeSegment(CS, { ...p.cpu.segment(CS), access: 0xc09b });
    p.cpu.writeSegment(DS, { ...p.cpu.segment(DS), base: 0x1000 });
    p.cpu.flushTlb(true);
    p.cpu.refresh();
    p.ram.setUint8(frame + 0xfff, 0x11);
    p.ram.setUint8(other, 0x22);
    expect(p.cpu.load16(DS, 0xffff_efff)).toBe(0x2211);
    p.cpu.writeSegment(CS, { ...p.cpu.segment(CS), access: 0xa09b });
    p.cpu.flushTlb(true);
    p.cpu.refresh();
    expect(outcome(() => p.cpu.load16(DS, 0xffff_ffff))).toBe("#PF(0h)");
  });
});
