import { describe, expect, it, test } from "vitest";
import { layout } from "../../../emulator/cpu/layout.ts";
import { CR4, CS, DS } from "../../../emulator/cpu/state.ts";
import { outcome, type Processor, processor, protectedMode } from "../cpu/processor.ts";
import { all, bit, enablePaging, frame, type Kind, map, path, readEntry, table, writeEntry } from "./paging.ts";

const asNumber = (kind: Kind, linear: bigint): number =>
  kind === "four-level" ? Number(BigInt.asIntN(64, linear)) : Number(linear);

describe("indices", () => {
  test.each([
    ["four-level", 0x0000_7f12_3456_7abcn, { 4: 254, 3: 72, 2: 418, 1: 359 }, 0xabc],
    ["two-level", 0xc040_1234n, { 2: 769, 1: 1 }, 0x234],
    ["pae", 0xc040_1234n, { 2: 2, 1: 1 }, 0x234],
    ["four-level", 0xffff_8000_0000_0000n, { 4: 256, 3: 0, 2: 0, 1: 0 }, 0],
    ["four-level", 0xffff_ffff_ffff_ffffn, { 4: 511, 3: 511, 2: 511, 1: 511 }, 0xfff],
  ] as const)("%s %#x", (kind, linear, indices, offset) => {
    const p = processor();
    enablePaging(p, kind);
    map(p, kind, linear);
    const { physical, steps, verdict } = p.cpu.walk(asNumber(kind, linear));
    expect(verdict).toBe("ok");
    expect(physical).toBe(frame + offset);
    const size = kind === "two-level" ? 4 : 8;
    const seen = steps.filter((step) => !step.address.startsWith("register"));
    const used = Object.fromEntries(
      seen.map((step) => [step.level, (Number.parseInt(step.address, 16) - table[step.level as 1]) / size]),
    );
    expect(used).toEqual(indices);
  });
});

describe("large pages", () => {
  test.each([
    ["two-level", 0x0040_1234n, 2, 0x0080_0000n, 0x0080_1234],
    // PSE-36: bits 20:13 of the entry are bits 39:32 of the address.
    ["two-level", 0x0040_1234n, 2, 0x0080_0000n | (3n << 13n), 3 * 2 ** 32 + 0x0080_1234],
    ["pae", 0x0020_1234n, 2, 0x0060_0000n, 0x0060_1234],
    ["four-level", 0xffff_8000_0020_1234n, 2, 0x0060_0000n, 0x0060_1234],
    ["four-level", 0x7f_c123_4567n, 3, 0x4000_0000n, 0x4000_0000 + 0x0123_4567],
  ] as const)("%s %#x maps at level %i", (kind, linear, level, target, physical) => {
    const p = processor();
    enablePaging(p, kind);
    map(p, kind, linear);
    const leaf = path(kind, linear).entries.find((entry) => entry.level === level)!;
    writeEntry(p, leaf, target | all | bit.PS);
    expect(p.cpu.walk(asNumber(kind, linear)).physical).toBe(physical);
  });

  it("ignores PS in a PDE while CR4.PSE is clear", () => {
    const p = processor();
    enablePaging(p, "two-level");
    const { entries } = map(p, "two-level", 0x0040_1234n);
    writeEntry(p, entries[0]!, BigInt(table[1]) | all | bit.PS);
    p.cpu.r64[layout.cr4 >> 3] = 0n;
    expect(p.cpu.walk(0x0040_1234).physical).toBe(frame + 0x234);
  });
});

const linear = 0x0040_1234n;

describe("accessed and dirty bits", () => {
  test.each(["two-level", "pae", "four-level"] as const)("%s", (kind) => {
    const p = processor();
    enablePaging(p, kind);
    const { entries } = map(p, kind, linear);
    const bits = () => entries.map((entry) => readEntry(p, entry) & (bit.A | bit.D));
    p.cpu.walk(Number(linear), "write");
    expect(bits()).toEqual(entries.map(() => 0n));
    p.cpu.translate(Number(linear), "read");
    expect(bits()).toEqual(entries.map(() => bit.A));
    p.cpu.translate(Number(linear), "write");
    expect(bits()).toEqual(entries.map(({ level }) => (level === 1 ? bit.A | bit.D : bit.A)));
  });

  it("marks a table that maps itself as one and the same entry", () => {
    const p = processor();
    enablePaging(p, "two-level");
    const self = path("two-level", 0xffff_f000n).entries[0]!;
    writeEntry(p, { ...self, address: table[2] + 4 * 1023 }, BigInt(table[2]) | all);
    p.cpu.translate(0xffff_fffc, "write");
    expect(p.ram.getUint32(table[2] + 4 * 1023, true)).toBe(Number(BigInt(table[2]) | all | bit.A | bit.D));
  });
});

describe("with nested paging", () => {
  it("translates every table access and the final address", () => {
    const p = processor();
    enablePaging(p, "four-level");
    map(p, "four-level", linear);
    const asked: string[] = [];
    p.cpu.monitor = {
      ...quiet,
      translate: (guest, access, { forTable }) => {
        asked.push(`${access} ${guest.toString(16)}${forTable ? " table" : ""}`);
        return guest;
      },
    };
    p.cpu.translate(Number(linear), "read");
    const entry = (level: number) =>
      path("four-level", linear)
        .entries.find((e) => e.level === level)!
        .address.toString(16);
    expect(asked).toEqual([
      ...[4, 3, 2, 1].map((level) => `read ${entry(level)} table`),
      ...[4, 3, 2, 1].map((level) => `write ${entry(level)} table`),
      `read ${(frame + 0x234).toString(16)}`,
    ]);
    asked.length = 0;
    p.cpu.translate(Number(linear), "read");
    expect(asked).toEqual([]);
  });

  it.each([
    [false, 5],
    [true, 0],
  ])("asks again after INVLPG unless translations last (%s): %i times", (translationsLast, times) => {
    const p = processor();
    enablePaging(p, "four-level");
    map(p, "four-level", linear);
    let asked = 0;
    const translate = (guest: number): number => {
      asked++;
      return guest;
    };
    p.cpu.monitor = { ...quiet, translationsLast, translate };
    const physical = p.cpu.translate(Number(linear), "read");
    asked = 0;
    p.cpu.invalidatePage(Number(linear));
    expect(p.cpu.translate(Number(linear), "read")).toBe(physical);
    expect(asked).toBe(times);
    p.cpu.flushTlb(true);
    p.cpu.translate(Number(linear), "read");
    expect(asked).toBe(times + 5);
  });
});

describe("5-level paging", () => {
  const top = 0x1_4000;
  const linear = 2n ** 52n + 0x12_3000n;
  function wide(): Processor {
    const p = processor(0x20_0000, true);
    enablePaging(p, "four-level");
    map(p, "four-level", linear);
    const at = top + 8 * Number((linear >> 48n) & 0x1ffn);
    p.ram.setBigUint64(at, BigInt(table[4]) | all, true);
    // CR4.LA57 is set before IA-32e mode is entered.
    p.cpu.r64[layout.cr4 >> 3] = BigInt(CR4.PAE | CR4.PGE | CR4.LA57);
    p.cpu.r64[layout.cr3 >> 3] = BigInt(top);
    p.cpu.writeSegment(CS, { selector: 8, access: 0xa09b, limit: 0xffff_ffff, base: 0 });
    p.cpu.refresh();
    return p;
  }

  it("translates addresses beyond 48 bits, and says how", () => {
    const p = wide();
    p.ram.setUint32(frame, 0x1234_5678, true);
    expect(p.cpu.load32(DS, Number(linear))).toBe(0x1234_5678);
    const { steps, physical } = p.cpu.walk(Number(linear));
    expect(physical).toBe(frame);
    expect(steps.map(({ table: name, level, verdict }) => `${level} ${name} ${verdict}`)).toEqual([
      "5 PML5E ok",
      "4 PML4E ok",
      "3 PDPTE ok",
      "2 PDE ok",
      "1 PTE ok",
    ]);
  });

  it("faults where the top entry is not present or has PS set", () => {
    const p = wide();
    expect(outcome(() => p.cpu.load8(DS, Number(linear - 2n ** 51n)))).toBe("#PF(0h)");
    p.ram.setBigUint64(top + 8 * Number((linear >> 48n) & 0x1ffn), BigInt(table[4]) | all | bit.PS, true);
    expect(outcome(() => p.cpu.load8(DS, Number(linear)))).toBe("#PF(9h)");
  });

  it("has canonical addresses of 57 bits, of which those beyond 2^53 stop by name", () => {
    const p = wide();
    expect(outcome(() => p.cpu.load8(DS, 2 ** 56))).toBe("#GP(0h)");
    expect(outcome(() => p.cpu.load8(DS, 2 ** 54))).toMatch(/^unsupported: linear addresses/);
    expect(outcome(() => p.cpu.jump(2 ** 50))).toBe("ok");
  });

  it("is fixed in IA-32e mode, and only there where CPUID shows it", () => {
    const p = wide();
    const { system } = p.cpu;
    const decoded = {} as Parameters<typeof system.writeControl>[1];
    expect(outcome(() => system.writeControl(p.cpu, decoded, 4, BigInt(CR4.PAE)))).toBe("#GP(0h)");
    const without = processor();
    protectedMode(without);
    expect(outcome(() => without.cpu.system.writeControl(without.cpu, decoded, 4, BigInt(CR4.LA57)))).toBe("#GP(0h)");
  });
});

describe("address line 20, held low", () => {
  test.each(["two-level", "pae", "four-level"] as const)(
    "%s: tables and pages of the second MiB are those of the first",
    (kind) => {
      const p = processor(0x20_0000, false, { enabled: false });
      enablePaging(p, kind);
      const { entries } = map(p, kind, 0x40_0000n);
      // The same tables, named by addresses that differ in line 20.
      const { cr3 } = p.cpu;
      p.cpu.r64[layout.cr3 >> 3] = BigInt(cr3 + 0x10_0000);
      for (const entry of entries) writeEntry(p, entry, readEntry(p, entry) | 0x10_0000n);
      p.ram.setUint32(frame, 0x1234_5678, true);
      expect(p.cpu.load32(DS, 0x40_0000)).toBe(0x1234_5678);
      p.cpu.flushTlb(true);
      expect(p.cpu.load32(DS, 0x40_0000)).toBe(0x1234_5678);
    },
  );
});

const quiet = {
  beforeInstruction: () => false,
  onException: () => false,
  onInterrupt: () => false,
  ownsInterrupts: false,
  guestPhysical: () => undefined,
  onTripleFault: () => false,
  onTaskSwitch: () => {},
  onNmi: () => false,
  atBoundary: () => false,
  readControl: (_: 0 | 4, real: bigint) => real,
  viewGuest: <T>(look: () => T) => look(),
  changeGuest: (change: () => true | string) => change(),
  exitPending: false,
  handleExit: () => {},
  save: () => undefined,
  restore: () => {},
};
