import { describe, expect, it, test } from "vitest";
import { CS, DS, ES, SS } from "../../../emulator/cpu/state.ts";
import type { Decoded } from "../../../isa/operands.ts";
import {
  at,
  descriptor,
  gate,
  longMode,
  outcome,
  type Processor,
  processor,
  protectedMode,
  selector,
  words,
} from "./processor.ts";

const { system } = processor().cpu;
const sized = (operandSize: 16 | 32 | 64): Decoded => ({ operands: [], operandSize, length: 5 }) as unknown as Decoded;
const decoded = sized(32);
const callGate = (target: number, offset: number, options = {}) => gate(12, target, offset, options);
const sp = (p: Processor): number => Number(BigInt.asUintN(32, p.cpu.r64[4]!));

/** Words the stack shall hold at the stack pointer. */
function stack(p: Processor, bytes: 2 | 4 | 8, ...values: number[]): void {
  for (const [n, value] of values.entries()) {
    const address = sp(p) + n * bytes;
    if (bytes === 8) p.ram.setBigUint64(address, BigInt(value), true);
    else if (bytes === 4) p.ram.setUint32(address, value, true);
    else p.ram.setUint16(address, value, true);
  }
}

const slot = 0xa8;
/** Selector of a code segment that is not present, where a test puts it. */
const absent = 0xb0;

describe("JMP far", () => {
  test.each([
    ["code", 0, selector.code32, "ok"],
    ["16-bit code", 0, selector.code16, "ok"],
    ["null selector", 0, 0, "#GP(0h)"],
    ["beyond the table", 0, 0x100, "#GP(100h)"],
    ["data", 0, selector.data32, "#GP(10h)"],
    ["code of an outer level", 0, selector.userCode32 & ~3, "#GP(18h)"],
    ["code of an inner level", 3, selector.code32, "#GP(8h)"],
    ["conforming code of an inner level", 3, selector.conforming, "ok"],
    ["RPL above CPL", 0, selector.code32 | 3, "#GP(8h)"],
    ["RPL above CPL, conforming", 0, selector.conforming | 3, "ok"],
    ["not present", 0, slot, "#NP(A8h)"],
    ["TSS from an outer level", 3, selector.tss, "#GP(38h)"],
    ["LDT", 0, selector.ldt, "#GP(70h)"],
  ] as const)("%s, CPL %i", (_, cpl, target, expected) => {
    const p = processor();
    protectedMode(p, cpl);
    p.ram.setBigUint64(at.gdt + slot, descriptor(0, 0xf_ffff, 0xc01b), true);
    expect(outcome(() => system.farJump(p.cpu, decoded, target, 0x1234n))).toBe(expected);
    if (expected === "ok") {
      expect(p.cpu.next).toBe(0x1234);
      expect(p.cpu.selector(CS)).toBe((target & ~3) | cpl);
      expect(p.cpu.cpl).toBe(cpl);
    } else expect(p.cpu.next).toBe(0x400);
  });

  it("checks the offset against the new limit, and cuts it to the operand size", () => {
    const p = processor();
    protectedMode(p);
    expect(outcome(() => system.farJump(p.cpu, decoded, selector.code16, 0x1_0000n))).toBe("#GP(0h)");
    system.farJump(p.cpu, sized(16), selector.code16, 0x1_0020n);
    expect([p.cpu.next, p.cpu.bits]).toEqual([0x20, 16]);
  });

  test.each([
    ["same level", 0, callGate(selector.code32, 0x2000), "ok"],
    ["gate's DPL below CPL", 3, callGate(selector.conforming, 0), "#GP(A8h)"],
    ["conforming target", 3, callGate(selector.conforming, 0x2000, { dpl: 3 }), "ok"],
    ["to an inner level", 3, callGate(selector.code32, 0, { dpl: 3 }), "#GP(8h)"],
    ["not present", 0, callGate(selector.code32, 0, { present: false }), "#NP(A8h)"],
    ["code not present", 0, callGate(absent, 0), "#NP(B0h)"],
    ["code of an inner level, not present", 3, callGate(absent, 0, { dpl: 3 }), "#GP(B0h)"],
    ["null target", 0, callGate(0, 0), "#GP(0h)"],
    ["task gate to an LDT", 0, gate(5, selector.ldt, 0), "#GP(70h)"],
    ["task gate to a segment of the LDT", 0, gate(5, 0x3c, 0), "#GP(3Ch)"],
  ] as const)("through a gate: %s", (_, cpl, value, expected) => {
    const p = processor();
    protectedMode(p, cpl);
    p.ram.setBigUint64(at.gdt + slot, value, true);
    p.ram.setBigUint64(at.gdt + absent, descriptor(0, 0xf_ffff, 0xc01b), true);
    expect(outcome(() => system.farJump(p.cpu, decoded, slot, 0n))).toBe(expected);
    if (expected === "ok") expect(p.cpu.next).toBe(0x2000);
  });

  it("takes paragraphs in real mode", () => {
    const p = processor();
    system.farJump(p.cpu, sized(16), 0x1234, 0x5678n);
    expect([p.cpu.selector(CS), p.cpu.segment(CS).base, p.cpu.next]).toEqual([0x1234, 0x1_2340, 0x5678]);
  });

  it("goes to compatibility and to 64-bit code in long mode", () => {
    const p = processor();
    longMode(p);
    system.farJump(p.cpu, decoded, selector.code32, 0x10n);
    expect([p.cpu.bits, p.cpu.mode]).toEqual([32, "compatibility"]);
    system.farJump(p.cpu, decoded, selector.code64, 0x10n);
    expect([p.cpu.bits, p.cpu.mode]).toEqual([64, "long"]);
    p.ram.setBigUint64(at.gdt + slot, descriptor(0, 0, 0x609b), true);
    expect(outcome(() => system.farJump(p.cpu, decoded, slot, 0n))).toBe("#GP(A8h)");
    expect(outcome(() => system.farJump(p.cpu, decoded, selector.tss64, 0n))).toBe("#GP(80h)");
  });
});

describe("CALL far", () => {
  it("pushes CS and the return address at the operand size", () => {
    const p = processor();
    protectedMode(p);
    p.cpu.next = 0x405;
    system.farCall(p.cpu, decoded, selector.code32, 0x2000n);
    expect(words(p, sp(p), 2, 4)).toEqual(["405", "8"]);
    system.farCall(p.cpu, sized(16), selector.conforming, 0x3000n);
    expect(words(p, sp(p), 2, 2)).toEqual(["2000", "8"]);
    expect(sp(p)).toBe(at.stack - 12);
  });

  it("through a gate to an inner level copies the parameters", () => {
    const p = processor();
    protectedMode(p, 3);
    stack(p, 4, 0x11, 0x22, 0x33);
    p.ram.setBigUint64(at.gdt + slot, callGate(selector.code32, 0x2000, { dpl: 3, count: 2 }), true);
    p.cpu.next = 0x407;
    system.farCall(p.cpu, decoded, slot | 3, 0n);
    expect(words(p, sp(p), 6, 4)).toEqual(["407", "1B", "11", "22", "8000", "23"]);
    expect(sp(p)).toBe(at.innerStack - 24);
    expect([p.cpu.cpl, p.cpu.selector(CS), p.cpu.selector(SS), p.cpu.next]).toEqual([0, 8, 0x10, 0x2000]);
  });

  it("and RET far with the same count comes back", () => {
    const p = processor();
    protectedMode(p, 3);
    p.ram.setBigUint64(at.gdt + slot, callGate(selector.code32, 0x2000, { dpl: 3, count: 2 }), true);
    p.cpu.next = 0x407;
    system.farCall(p.cpu, decoded, slot | 3, 0n);
    system.loadSegment(p.cpu, decoded, DS, selector.data32);
    system.loadSegment(p.cpu, decoded, ES, selector.userData32);
    system.farReturn(p.cpu, decoded, 8);
    expect([p.cpu.cpl, p.cpu.next, sp(p)]).toEqual([3, 0x407, at.stack + 8]);
    expect([p.cpu.selector(CS), p.cpu.selector(SS)]).toEqual([selector.userCode32, selector.userData32]);
    expect([p.cpu.selector(DS), p.cpu.selector(ES)]).toEqual([0, selector.userData32]);
  });

  it("through a 64-bit gate pushes four words of 8 bytes and no parameters", () => {
    const p = processor();
    longMode(p, 3);
    p.ram.setBigUint64(at.gdt + slot, callGate(selector.code64, 0x2000, { dpl: 3 }), true);
    p.ram.setBigUint64(at.gdt + slot + 8, 0n, true);
    p.cpu.next = 0x407;
    system.farCall(p.cpu, decoded, slot | 3, 0n);
    expect(words(p, at.innerStack - 32, 4, 8)).toEqual(["407", "53", "8000", "23"]);
    expect([p.cpu.cpl, p.cpu.selector(SS), p.cpu.r64[4]]).toEqual([0, 0, BigInt(at.innerStack - 32)]);
  });

  it("changes nothing if the stack faults", () => {
    const p = processor();
    protectedMode(p);
    p.cpu.setSegment(SS, { ...p.cpu.segment(SS), limit: 0xfff });
    expect(outcome(() => system.farCall(p.cpu, decoded, selector.code16, 0n))).toBe("#SS(0h)");
    expect([p.cpu.selector(CS), sp(p), p.cpu.next]).toEqual([selector.code32, at.stack, 0x400]);
  });
});

describe("RET far", () => {
  test.each([
    ["same level", 0, selector.code32, "ok"],
    ["to an inner level", 3, selector.code32, "#GP(8h)"],
    ["null selector", 0, 0, "#GP(0h)"],
    ["RPL is not the level of the code", 0, selector.code32 | 3, "#GP(8h)"],
    ["conforming code", 0, selector.conforming, "ok"],
    ["data", 0, selector.data32, "#GP(10h)"],
    ["not present", 0, slot, "#NP(A8h)"],
  ] as const)("%s", (_, cpl, target, expected) => {
    const p = processor();
    protectedMode(p, cpl);
    p.ram.setBigUint64(at.gdt + slot, descriptor(0, 0xf_ffff, 0xc01b), true);
    stack(p, 4, 0x3000, target);
    expect(outcome(() => system.farReturn(p.cpu, decoded, 4))).toBe(expected);
    if (expected === "ok") expect([p.cpu.next, sp(p)]).toEqual([0x3000, at.stack + 12]);
    else expect(sp(p)).toBe(at.stack);
  });

  test.each([
    ["null SS", 0, "#GP(0h)"],
    ["SS of another level", selector.data32, "#GP(10h)"],
    ["SS beyond the table", 0x103, "#GP(100h)"],
  ] as const)("to an outer level: %s", (_, target, expected) => {
    const p = processor();
    protectedMode(p);
    stack(p, 4, 0x3000, selector.userCode32, 0x7000, target);
    expect(outcome(() => system.farReturn(p.cpu, decoded, 0))).toBe(expected);
    expect([p.cpu.cpl, sp(p)]).toEqual([0, at.stack]);
  });
});

describe("IRET", () => {
  it("in real mode takes all flags of 16 bits", () => {
    const p = processor();
    p.cpu.r64[4] = 0x7000n;
    stack(p, 2, 0x1234, 0x2000, 0xffff);
    system.interruptReturn(p.cpu, sized(16));
    expect([p.cpu.next, p.cpu.selector(CS), sp(p)]).toEqual([0x1234, 0x2000, 0x7006]);
    expect(p.cpu.flags).toBe(0x7fd7);
  });

  test.each([
    // CPL, flags before, image, flags after
    [0, 0x0002, 0x3202, 0x3202],
    [3, 0x0002, 0x3202, 0x0002],
    [3, 0x3002, 0x0202, 0x3202],
    [3, 0x0202, 0x0002, 0x0202],
    [0, 0x0002, 0x24_4cd7, 0x24_4cd7],
    [3, 0x0002, 0x24_0cd7, 0x24_0cd7],
  ] as const)("at CPL %i, flags %#x, image %#x: %#x", (cpl, before, image, after) => {
    const p = processor();
    protectedMode(p, cpl);
    p.cpu.flags = before;
    stack(p, 4, 0x3000, cpl === 0 ? selector.code32 : selector.userCode32, image);
    system.interruptReturn(p.cpu, decoded);
    expect(p.cpu.flags).toBe(after);
    expect([p.cpu.next, sp(p)]).toEqual([0x3000, at.stack + 12]);
  });

  it("goes to an outer level with its stack", () => {
    const p = processor();
    protectedMode(p);
    stack(p, 4, 0x3000, selector.userCode32, 0x3202, 0x7000, selector.userData32);
    system.interruptReturn(p.cpu, decoded);
    expect([p.cpu.cpl, p.cpu.next, sp(p), p.cpu.flags]).toEqual([3, 0x3000, 0x7000, 0x3202]);
    expect([p.cpu.selector(SS), p.cpu.selector(DS)]).toEqual([selector.userData32, 0]);
  });

  it("enters virtual-8086 mode from CPL 0 only", () => {
    const p = processor();
    protectedMode(p);
    stack(p, 4, 0x100, 0x1111, 0x2_3202, 0x200, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666);
    system.interruptReturn(p.cpu, decoded);
    expect([p.cpu.mode, p.cpu.cpl, p.cpu.next, sp(p)]).toEqual(["virtual-8086", 3, 0x100, 0x200]);
    expect([0, 1, 2, 3, 4, 5].map((n) => p.cpu.selector(n))).toEqual([0x3333, 0x1111, 0x2222, 0x4444, 0x5555, 0x6666]);
    expect(p.cpu.segment(CS)).toEqual({ selector: 0x1111, access: 0xf3, limit: 0xffff, base: 0x1_1110 });

    protectedMode(p, 3);
    p.cpu.flags = 2;
    stack(p, 4, 0x3000, selector.userCode32, 0x2_0002);
    system.interruptReturn(p.cpu, decoded);
    expect(p.cpu.mode).toBe("protected");
  });

  it("in virtual-8086 mode needs IOPL 3", () => {
    const p = processor();
    protectedMode(p, 3);
    p.cpu.flags = 0x2_2002;
    expect(outcome(() => system.interruptReturn(p.cpu, sized(16)))).toBe("#GP(0h)");
  });

  it("with NT set is a task switch, which needs a back link, and #GP in long mode", () => {
    const p = processor();
    protectedMode(p);
    p.cpu.flags = 0x4002;
    expect(outcome(() => system.interruptReturn(p.cpu, decoded))).toBe("#TS(0h)");
    longMode(p);
    p.cpu.flags = 0x4002;
    expect(outcome(() => system.interruptReturn(p.cpu, sized(64)))).toBe("#GP(0h)");
  });

  it("in 64-bit mode always takes SS:RSP, also a null SS", () => {
    const p = processor();
    longMode(p);
    stack(p, 8, 0x3000, selector.code64, 0x202, 0x7123, 0);
    system.interruptReturn(p.cpu, sized(64));
    expect([p.cpu.next, p.cpu.r64[4], p.cpu.selector(SS), p.cpu.flags]).toEqual([0x3000, 0x7123n, 0, 0x202]);
    stack(p, 8, 0x3000, selector.userCode64, 0x202, 0x7123, 3);
    expect(outcome(() => system.interruptReturn(p.cpu, sized(64)))).toBe("#GP(0h)");
  });

  it("keeps every bit of a stack pointer that is not canonical", () => {
    const p = processor();
    longMode(p);
    stack(p, 8, 0x3000, selector.code64, 0x202, 0, 0);
    p.ram.setBigUint64(sp(p) + 24, 0x1234_5678_9abc_def1n, true);
    system.interruptReturn(p.cpu, sized(64));
    expect(p.cpu.r64[4]).toBe(0x1234_5678_9abc_def1n);
    p.ram.setBigUint64(at.idt + 6 * 16, gate(14, selector.code64, 0x5000, { count: 1 }), true);
    p.ram.setBigUint64(at.tss + 36, 0xa000n, true);
    p.cpu.deliver({ kind: "fault", vector: 6, errorCode: undefined, source: "hardware", length: 0 });
    expect(words(p, 0xa000 - 16, 1, 8)).toEqual(["123456789ABCDEF1"]);
  });

  it("goes from 64-bit to compatibility mode", () => {
    const p = processor();
    longMode(p);
    stack(p, 8, 0x3000, selector.userCode32, 0x202, 0x7000, selector.userData32);
    system.interruptReturn(p.cpu, sized(64));
    expect([p.cpu.mode, p.cpu.bits, p.cpu.cpl, sp(p)]).toEqual(["compatibility", 32, 3, 0x7000]);
  });

  it("ends blocking by NMI", () => {
    const p = processor();
    p.cpu.r64[4] = 0x7000n;
    p.ram.setUint32(8, 0x0000_1000, true);
    p.cpu.interrupt(2);
    expect(p.cpu.interruptibility & 8).toBe(8);
    system.interruptReturn(p.cpu, sized(16));
    expect(p.cpu.interruptibility & 8).toBe(0);
  });
});
