import { describe, expect, it, test } from "vitest";
import { layout } from "../../../emulator/cpu/layout.ts";
import { CR0, CS, DS, ES, FS, GS, SS } from "../../../emulator/cpu/state.ts";
import { descriptor, longMode, outcome, type Processor, processor, protectedMode, selector } from "./processor.ts";

const { system } = processor().cpu;
const decoded = { operands: [], operandSize: 32, length: 2 } as unknown as Parameters<typeof system.loadLdt>[1];

type Mode = "protected" | "long";
const enter = (mode: Mode, cpl: 0 | 3): Processor => {
  const p = processor();
  (mode === "long" ? longMode : protectedMode)(p, cpl);
  return p;
};

describe("loading a data segment register", () => {
  test.each([
    [DS, 0, selector.data32, "ok"],
    [DS, 0, 0, "ok"],
    [DS, 0, 3, "ok"],
    [DS, 3, selector.userData32, "ok"],
    [DS, 0, selector.userData32, "ok"],
    [DS, 3, selector.data32, "#GP(10h)"],
    [DS, 0, selector.data32 | 1, "#GP(10h)"],
    [DS, 0, selector.code32, "ok"],
    [DS, 0, selector.executeOnly, "#GP(68h)"],
    [DS, 3, selector.conforming, "ok"],
    [DS, 0, selector.readOnly, "ok"],
    [DS, 0, selector.tss, "#GP(38h)"],
    [DS, 0, selector.absent, "#NP(58h)"],
    [DS, 0, 0x100, "#GP(100h)"],
    [DS, 0, 0x0c, "#GP(Ch)"],
    [SS, 0, selector.data32, "ok"],
    [SS, 0, 0, "#GP(0h)"],
    [SS, 0, selector.readOnly, "#GP(60h)"],
    [SS, 0, selector.code32, "#GP(8h)"],
    [SS, 0, selector.userData32, "#GP(20h)"],
    [SS, 0, selector.userData32 & ~3, "#GP(20h)"],
    [SS, 0, selector.absent, "#SS(58h)"],
    [SS, 3, selector.userData32, "ok"],
    [CS, 0, selector.code32, "#UD"],
  ] as const)("register %i at CPL %i, selector %#x: %s", (segment, cpl, value, expected) => {
    const p = enter("protected", cpl);
    expect(outcome(() => system.moveToSegment(p.cpu, decoded, segment, value))).toBe(expected);
    if (expected === "ok") expect(p.cpu.selector(segment)).toBe(value);
  });

  test.each([
    [0, 0, "ok"],
    [0, 3, "#GP(0h)"],
    [3, 3, "#GP(0h)"],
  ] as const)("64-bit code at CPL %i may load SS with null selector %i: %s", (cpl, value, expected) => {
    const p = enter("long", cpl);
    expect(outcome(() => system.moveToSegment(p.cpu, decoded, SS, value))).toBe(expected);
  });

  it("sets the accessed bit in the table, and fills the hidden part", () => {
    const p = enter("protected", 0);
    p.ram.setBigUint64(0x1000 + 0x10, descriptor(0x12345678, 0xabcde, 0xd092), true);
    system.moveToSegment(p.cpu, decoded, ES, 0x10);
    expect(p.ram.getUint8(0x1015)).toBe(0x93);
    expect(p.cpu.segment(ES)).toEqual({ selector: 0x10, access: 0xd093, limit: 0xabcd_efff, base: 0x1234_5678 });
  });

  it("reads the LDT for selectors with TI", () => {
    const p = enter("protected", 0);
    p.ram.setBigUint64(0x4000 + 8, descriptor(0x5000, 0xfff, 0x4093), true);
    system.loadLdt(p.cpu, decoded, selector.ldt);
    system.moveToSegment(p.cpu, decoded, FS, 0x0c);
    expect(p.cpu.segment(FS).base).toBe(0x5000);
    expect(outcome(() => system.moveToSegment(p.cpu, decoded, FS, 0x24))).toBe("#GP(24h)");
  });

  it("takes selectors as paragraphs in real and virtual-8086 mode", () => {
    const p = processor();
    system.moveToSegment(p.cpu, decoded, DS, 0x1234);
    expect(p.cpu.segment(DS)).toEqual({ selector: 0x1234, access: 0x93, limit: 0xffff, base: 0x1_2340 });
    protectedMode(p, 3);
    p.cpu.eflags |= 0x2_0000;
    system.moveToSegment(p.cpu, decoded, GS, 0xffff);
    expect(p.cpu.segment(GS)).toEqual({ selector: 0xffff, access: 0xf3, limit: 0xffff, base: 0xf_fff0 });
  });

  it("keeps a 4 GiB limit in real mode after protected mode", () => {
    const p = enter("protected", 0);
    p.cpu.r64[layout.cr0 >> 3] = BigInt(CR0.ET);
    p.cpu.refresh();
    system.moveToSegment(p.cpu, decoded, DS, 0x10);
    p.ram.setUint8(0x1_0100, 9);
    expect(p.cpu.load8(DS, 0x1_0000)).toBe(9);
  });
});

describe("LLDT and LTR", () => {
  test.each([
    ["loadLdt", selector.ldt, "ok"],
    ["loadLdt", 0, "ok"],
    ["loadLdt", selector.tss, "#GP(38h)"],
    ["loadLdt", 0x74, "#GP(74h)"],
    ["loadTask", selector.tss, "ok"],
    ["loadTask", 0, "#GP(0h)"],
    ["loadTask", selector.ldt, "#GP(70h)"],
    ["loadTask", selector.data32, "#GP(10h)"],
    ["loadTask", 0x200, "#GP(200h)"],
  ] as const)("%s %#x: %s", (name, value, expected) => {
    const p = enter("protected", 0);
    expect(outcome(() => system[name](p.cpu, decoded, value))).toBe(expected);
  });

  it("marks the task busy, so that it cannot be loaded twice", () => {
    const p = enter("protected", 0);
    system.loadTask(p.cpu, decoded, selector.tss);
    expect(p.ram.getUint8(0x1000 + selector.tss + 5)).toBe(0x8b);
    expect(outcome(() => system.loadTask(p.cpu, decoded, selector.tss))).toBe("#GP(38h)");
  });

  it("takes a 64-bit base from a 16-byte descriptor in IA-32e mode", () => {
    const p = enter("long", 0);
    p.ram.setBigUint64(0x1000 + selector.tss64 + 8, 0xffff_8000n, true);
    system.loadTask(p.cpu, decoded, selector.tss64);
    expect(p.cpu.segment(7).base).toBe(-0x8000 * 2 ** 32 + 0x3000);
  });
});

describe("LAR, LSL, VERR, VERW", () => {
  test.each([
    // selector, CPL, rights (LAR), limit (LSL), readable, writable
    [selector.code32, 0, 0xcf9b00, 0xffff_ffff, true, false],
    [selector.data32, 0, 0xcf9300, 0xffff_ffff, true, true],
    [selector.data32, 3, undefined, undefined, false, false],
    [selector.executeOnly, 0, 0xcf9900, 0xffff_ffff, false, false],
    [selector.readOnly, 0, 0xcf9100, 0xffff_ffff, true, false],
    [selector.conforming, 3, 0xcf9f00, 0xffff_ffff, true, false],
    [selector.tss, 0, 0x008900, 0x167, false, false],
    [selector.userData32, 3, 0xcff300, 0xffff_ffff, true, true],
    [0, 0, undefined, undefined, false, false],
    [0x300, 0, undefined, undefined, false, false],
  ] as const)("selector %#x at CPL %i", (value, cpl, rights, limit, readable, writable) => {
    const p = enter("protected", cpl);
    const ask = <T>(name: "accessRights" | "segmentLimit" | "verifyRead" | "verifyWrite") => {
      const result = system[name](p.cpu, decoded, value) as T;
      return { zf: (p.cpu.flags & 0x40) !== 0, result };
    };
    expect(ask<number>("accessRights")).toEqual({ zf: rights !== undefined, result: rights ?? 0 });
    expect(ask<number>("segmentLimit")).toEqual({ zf: limit !== undefined, result: limit ?? 0 });
    expect(ask("verifyRead").zf).toBe(readable);
    expect(ask("verifyWrite").zf).toBe(writable);
  });
});

describe("16-byte system descriptors", () => {
  it.each([
    ["whole", 0, 0xff, 0x008900],
    ["with a type in its upper half", 0x100n << 32n, 0xff, undefined],
    ["cut by the limit", 0n, selector.tss64 + 7, undefined],
  ] as const)("LAR in 64-bit mode: %s", (_, upper, limit, rights) => {
    const p = enter("long", 0);
    p.ram.setBigUint64(0x1000 + selector.tss64 + 8, BigInt(upper), true);
    p.cpu.setGdtr(0x1000, limit);
    expect(system.accessRights(p.cpu, decoded, selector.tss64)).toBe(rights ?? 0);
    expect((p.cpu.flags & 0x40) !== 0).toBe(rights !== undefined);
  });

  it("have 8 bytes for LTR in compatibility mode", () => {
    const p = enter("long", 0);
    p.cpu.setSegment(CS, { selector: selector.code32, access: 0xc09b, limit: 0xffff_ffff, base: 0 });
    p.ram.setBigUint64(0x1000 + selector.tss64 + 8, 0xffff_8000n, true);
    system.loadTask(p.cpu, decoded, selector.tss64);
    expect(p.cpu.segment(7).base).toBe(0x3000);
  });
});

describe("access checks", () => {
  const load = (p: Processor, segment: number, value: number) => system.loadSegment(p.cpu, decoded, segment, value);

  test.each([
    ["read beyond the limit", DS, 0xfffd, 4, false, "#GP(0h)"],
    ["read up to the limit", DS, 0xfffc, 4, false, "ok"],
    ["stack beyond the limit", SS, 0xffff, 2, true, "#SS(0h)"],
  ] as const)("real mode: %s", (_, segment, offset, bytes, write, expected) => {
    const p = processor();
    expect(outcome(() => p.cpu.linearOf(segment, offset, bytes, write))).toBe(expected);
    const access = bytes === 4 ? () => p.cpu.load32(segment, offset) : () => p.cpu.store16(segment, offset, 1);
    expect(outcome(access)).toBe(expected);
  });

  test.each([
    [selector.readOnly, "read", "ok"],
    [selector.readOnly, "write", "#GP(0h)"],
    [selector.code32, "read", "ok"],
    [selector.code32, "write", "#GP(0h)"],
    [0, "read", "#GP(0h)"],
    [0, "write", "#GP(0h)"],
    [selector.data32, "write", "ok"],
  ] as const)("protected mode: selector %#x, %s: %s", (value, access, expected) => {
    const p = enter("protected", 0);
    load(p, ES, value);
    expect(outcome(() => (access === "read" ? p.cpu.load8(ES, 0) : p.cpu.store8(ES, 0, 1)))).toBe(expected);
  });

  test.each([
    [0x0fff, 1, "#GP(0h)"],
    [0x1000, 1, "ok"],
    [0x0ffe, 4, "#GP(0h)"],
    [0xffff_fffe, 4, "#GP(0h)"],
  ] as const)("expand-down segment with limit FFFh: %#x, %i bytes: %s", (offset, bytes, expected) => {
    const p = enter("protected", 0);
    load(p, ES, selector.expandDown);
    expect(outcome(() => (bytes === 1 ? p.cpu.load8(ES, offset) : p.cpu.load32(ES, offset)))).toBe(expected);
  });

  it("adds the base modulo 4 GiB", () => {
    const p = enter("protected", 0);
    p.cpu.setSegment(ES, { selector: 8, access: 0xc093, limit: 0xffff_ffff, base: 0xffff_fff0 });
    p.ram.setUint32(0x10, 0x1234, true);
    expect(p.cpu.load32(ES, 0x20)).toBe(0x1234);
  });

  test.each([
    [DS, 0x7fff_ffff_fffc, 4, "#PF(0h)"],
    [DS, 0x7fff_ffff_fffd, 4, "#GP(0h)"],
    [SS, 2 ** 47, 1, "#SS(0h)"],
    [DS, -(2 ** 47), 1, "#PF(0h)"],
    [DS, -(2 ** 47) - 1, 1, "#GP(0h)"],
    [FS, -8, 4, "ok"],
    [DS, 0x100, 4, "ok"],
  ] as const)("64-bit mode: segment %i, offset %d, %i bytes: %s", (segment, offset, bytes, expected) => {
    const p = enter("long", 0);
    p.cpu.setSegment(FS, { ...p.cpu.segment(FS), base: 0x1000 });
    p.cpu.setSegment(DS, { selector: 0, access: 0x1_0000, limit: 0, base: 0x55 });
    expect(outcome(() => (bytes === 1 ? p.cpu.load8(segment, offset) : p.cpu.load32(segment, offset)))).toBe(expected);
  });

  test.each([
    [3, true, true, 1, "#AC(0h)"],
    [3, true, true, 4, "ok"],
    [0, true, true, 1, "ok"],
    [3, false, true, 1, "ok"],
    [3, true, false, 1, "ok"],
  ] as const)("alignment check at CPL %i, CR0.AM %s, EFLAGS.AC %s, offset %i: %s", (cpl, am, ac, offset, expected) => {
    const p = enter("protected", cpl);
    if (am) p.cpu.r64[layout.cr0 >> 3]! |= BigInt(CR0.AM);
    p.cpu.flags = ac ? 0x4_0000 : 0;
    expect(outcome(() => p.cpu.load32(DS, offset))).toBe(expected);
    expect(outcome(() => p.cpu.load8(DS, offset))).toBe("ok");
  });
});
