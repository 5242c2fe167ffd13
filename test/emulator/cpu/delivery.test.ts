import { describe, expect, it, test } from "vitest";
import { hardwareFault, pageFaultAt } from "../../../emulator/cpu/fault.ts";
import { castShadow, shadow, stepArmed } from "../../../emulator/cpu/interrupts.ts";
import { layout } from "../../../emulator/cpu/layout.ts";
import { CS, DS, ES, FS, GS, SS, TR } from "../../../emulator/cpu/state.ts";
import { gateType, handler, setGate, software, sp } from "./gates.ts";
import { at, gate, longMode, type Processor, processor, protectedMode, selector, words } from "./processor.ts";

describe("real mode", () => {
  it("pushes FLAGS, CS and IP, clears IF, TF and AC, and jumps through the vector table", () => {
    const p = processor();
    p.cpu.setSegment(CS, { selector: 0x1234, access: 0x93, limit: 0xffff, base: 0x1_2340 });
    p.cpu.setSegment(SS, { selector: 0x100, access: 0x93, limit: 0xffff, base: 0x1000 });
    p.cpu.rip = 0x56;
    p.cpu.r64[4] = 0xabcd_0100n;
    p.cpu.flags = 0x4_0b47;
    p.ram.setUint32(0x21 * 4, 0x4567_89ab, true);
    p.cpu.deliver(software(0x21));
    expect(words(p, 0x10fa, 3, 2)).toEqual(["58", "1234", "B47"]);
    expect(p.cpu.r64[4]).toBe(0xabcd_00fan);
    expect([p.cpu.selector(CS), p.cpu.segment(CS).base, p.cpu.rip]).toEqual([0x4567, 0x4_5670, 0x89ab]);
    expect(p.cpu.flags & 0x4_0300).toBe(0);
  });

  it("pushes no error code", () => {
    const p = processor();
    p.cpu.r64[4] = 0x7000n;
    p.ram.setUint32(13 * 4, 0x0000_1000, true);
    p.cpu.deliver(hardwareFault(13, 0));
    expect(p.cpu.r64[4]).toBe(0x6ffan);
  });

  it("shuts down if even the double fault lies beyond the table", () => {
    const p = processor();
    p.cpu.setIdtr(0, 0);
    p.cpu.deliver(hardwareFault(0));
    expect(p.cpu.activity).toBe(2);
    expect(p.cpu.atBoundary()).toBe("shutdown");
  });
});

describe("protected mode, same privilege", () => {
  test.each([
    // gate type, fault, words from the new top, bytes per word, IF afterwards
    [gateType.interrupt32, hardwareFault(13, 0x28), ["28", "400", "8", "10302"], 4, false],
    [gateType.trap32, hardwareFault(13, 0x28), ["28", "400", "8", "10302"], 4, true],
    [gateType.interrupt32, hardwareFault(6), ["400", "8", "10302"], 4, false],
    [gateType.trap32, software(6, 3), ["403", "8", "302"], 4, true],
    [gateType.interrupt16, hardwareFault(14, 2), ["2", "400", "8", "302"], 2, false],
    [gateType.trap16, software(0x20), ["402", "8", "302"], 2, true],
  ] as const)("gate type %i", (kind, fault, expected, bytes, interrupts) => {
    const p = processor();
    protectedMode(p);
    p.cpu.flags = 0x302;
    setGate(p, fault.vector, gate(kind, selector.code32, handler));
    p.cpu.deliver(fault);
    expect(sp(p)).toBe(at.stack - expected.length * bytes);
    expect(words(p, sp(p), expected.length, bytes)).toEqual(expected);
    expect([p.cpu.rip, p.cpu.next, p.cpu.selector(CS), p.cpu.cpl]).toEqual([handler, handler, selector.code32, 0]);
    expect((p.cpu.flags & 0x200) !== 0).toBe(interrupts);
    expect(p.cpu.flags & 0x1_0100).toBe(0);
  });

  it("runs a conforming handler at the interrupted privilege", () => {
    const p = processor();
    protectedMode(p, 3);
    setGate(p, 6, gate(gateType.trap32, selector.conforming, handler));
    p.cpu.deliver(hardwareFault(6));
    expect([p.cpu.cpl, p.cpu.selector(CS), sp(p)]).toEqual([3, selector.conforming | 3, at.stack - 12]);
  });

  it("INT1 ignores the gate's DPL, INT 1 does not", () => {
    const fault = { ...software(1, 1), source: "software-exception" } as const;
    for (const [event, arrives] of [
      [fault, 1],
      [software(1), 13],
    ] as const) {
      const p = processor();
      protectedMode(p, 3);
      for (const vector of [1, 13]) setGate(p, vector, gate(gateType.trap32, selector.code32, handler + vector));
      p.cpu.deliver(event);
      expect(p.cpu.rip).toBe(handler + arrives);
      expect(words(p, sp(p) + (arrives === 13 ? 4 : 0), 1, 4)).toEqual([arrives === 1 ? "401" : "400"]);
    }
  });

  it("writes CR2 for a page fault that becomes a double fault", () => {
    const p = processor();
    protectedMode(p);
    setGate(p, 8, gate(gateType.trap32, selector.code32, handler));
    p.cpu.setIdtr(at.idt, 0x47);
    p.cpu.deliver(pageFaultAt(0x1234_5678, 2));
    expect([p.cpu.rip, p.cpu.r64[layout.cr2 >> 3]]).toEqual([handler, 0x1234_5678n]);
  });

  it("writes CR2 for a page fault", () => {
    const p = processor();
    protectedMode(p);
    setGate(p, 14, gate(gateType.trap32, selector.code32, handler));
    p.cpu.deliver(pageFaultAt(0x1234_5678, 2));
    expect(p.cpu.r64[layout.cr2 >> 3]).toBe(0x1234_5678n);
  });
});

describe("protected mode, to an inner level", () => {
  it("takes SS:ESP from the TSS and pushes the outer stack", () => {
    const p = processor();
    protectedMode(p, 3);
    setGate(p, 14, gate(gateType.interrupt32, selector.code32, handler));
    p.cpu.deliver(pageFaultAt(0x44, 6));
    expect(words(p, sp(p), 6, 4)).toEqual(["6", "400", "1B", "10002", "8000", "23"]);
    expect(sp(p)).toBe(at.innerStack - 24);
    expect([p.cpu.cpl, p.cpu.selector(CS), p.cpu.selector(SS)]).toEqual([0, selector.code32, selector.data32]);
    expect(p.cpu.selector(DS)).toBe(selector.userData32);
  });

  it("uses the stack of ring 1 for a handler there", () => {
    const p = processor();
    protectedMode(p, 3);
    setGate(p, 0x30, gate(gateType.trap32, selector.middleCode & ~3, handler, { dpl: 3 }));
    p.cpu.deliver(software(0x30));
    expect([p.cpu.cpl, p.cpu.selector(SS), p.cpu.selector(CS)]).toEqual([1, selector.middleData, selector.middleCode]);
    expect(sp(p)).toBe(at.innerStack + 0x800 - 20);
  });

  it("reads a 16-bit TSS", () => {
    const p = processor();
    protectedMode(p, 3);
    p.cpu.setSegment(TR, { selector: selector.tss, access: 0x83, limit: 0x2b, base: at.tss });
    p.ram.setUint16(at.tss + 2, 0x7000, true);
    p.ram.setUint16(at.tss + 4, selector.data32, true);
    setGate(p, 6, gate(gateType.interrupt16, selector.code32, handler));
    p.cpu.deliver(hardwareFault(6));
    expect(words(p, sp(p), 5, 2)).toEqual(["400", "1B", "2", "8000", "23"]);
    expect(sp(p)).toBe(0x7000 - 10);
  });

  it("leaves virtual-8086 mode with all segments on the stack", () => {
    const p = processor();
    protectedMode(p, 3);
    p.cpu.flags = 0x2_3202;
    for (const [segment, value] of [
      [ES, 1],
      [CS, 2],
      [SS, 3],
      [DS, 4],
      [FS, 5],
      [GS, 6],
    ] as const)
      p.cpu.setSegment(segment, { selector: value, access: 0xf3, limit: 0xffff, base: value * 16 });
    p.cpu.r64[4] = 0x7ff0n;
    setGate(p, 13, gate(gateType.interrupt32, selector.code32, handler));
    p.cpu.deliver(hardwareFault(13, 0));
    expect(words(p, sp(p), 10, 4)).toEqual(["0", "400", "2", "33202", "7FF0", "3", "1", "4", "5", "6"]);
    expect(p.cpu.mode).toBe("protected");
    expect(p.cpu.cpl).toBe(0);
    for (const segment of [DS, ES, FS, GS])
      expect(p.cpu.segment(segment)).toMatchObject({ selector: 0, access: 0x1_0000 });
  });
});

describe("NMI", () => {
  function ready(): Processor {
    const p = processor();
    protectedMode(p);
    p.cpu.flags = 2;
    setGate(p, 2, gate(gateType.interrupt32 | 0x80, selector.code32, handler));
    return p;
  }

  it("comes at the next boundary, whatever IF says, and wakes a halted processor", () => {
    const p = ready();
    p.cpu.activity = 1;
    p.cpu.nonMaskableInterrupt();
    expect(p.cpu.atBoundary()).toBe("stepped");
    expect([p.cpu.rip, p.cpu.activity]).toEqual([handler, 0]);
  });

  it("is held back until IRET, and remembered once", () => {
    const p = ready();
    p.cpu.nonMaskableInterrupt();
    expect(p.cpu.atBoundary()).toBe("stepped");
    p.cpu.nonMaskableInterrupt();
    p.cpu.nonMaskableInterrupt();
    expect(p.cpu.atBoundary()).toBe("run");
    const back = (): void => {
      p.cpu.system.interruptReturn(p.cpu, { operandSize: 32, length: 1 } as Parameters<
        typeof p.cpu.system.interruptReturn
      >[1]);
      p.cpu.rip = p.cpu.next;
    };
    back();
    expect(p.cpu.atBoundary()).toBe("stepped");
    expect(p.cpu.rip).toBe(handler);
    back();
    expect(p.cpu.atBoundary()).toBe("run");
  });

  it("waits behind MOV SS, not behind STI", () => {
    const p = ready();
    castShadow(p.cpu, shadow.movSs);
    p.cpu.nonMaskableInterrupt();
    expect(p.cpu.atBoundary()).toBe("run");
    expect(p.cpu.atBoundary()).toBe("stepped");
    const q = ready();
    castShadow(q.cpu, shadow.sti);
    q.cpu.nonMaskableInterrupt();
    expect(q.cpu.atBoundary()).toBe("stepped");
  });

  it("comes before an interrupt and after a single step", () => {
    const p = ready();
    p.cpu.flags = 0x302;
    setGate(p, 1, gate(gateType.interrupt32 | 0x80, selector.code32, handler + 0x100));
    p.bus.vectors.push(0x20);
    p.cpu.interruptibility |= stepArmed;
    p.cpu.nonMaskableInterrupt();
    expect(p.cpu.atBoundary()).toBe("stepped");
    expect(p.cpu.rip).toBe(handler + 0x100);
    expect(p.cpu.atBoundary()).toBe("stepped");
    expect(p.cpu.rip).toBe(handler);
  });
});

describe("long mode", () => {
  const setLong = (
    p: Processor,
    vector: number,
    target: number,
    options: { kind?: number; ist?: number; dpl?: number; high?: bigint } = {},
  ) =>
    setGate(
      p,
      vector,
      gate(options.kind ?? gateType.interrupt32, target, handler, { dpl: options.dpl ?? 0, count: options.ist ?? 0 }),
      options.high ?? 0n,
    );

  it("aligns the stack and pushes SS:RSP even without a change of privilege", () => {
    const p = processor();
    longMode(p);
    p.cpu.r64[4] = BigInt(at.stack + 11);
    p.cpu.flags = 0x202;
    setLong(p, 13, selector.code64);
    p.cpu.deliver(hardwareFault(13, 0x50));
    expect(p.cpu.r64[4]).toBe(BigInt(at.stack - 48));
    expect(words(p, at.stack - 48, 6, 8)).toEqual(["50", "400", "48", "10202", "800B", "10"]);
    expect([p.cpu.cpl, p.cpu.selector(CS), p.cpu.selector(SS)]).toEqual([0, selector.code64, selector.data32]);
  });

  it("takes RSP0 and a null SS from user mode", () => {
    const p = processor();
    longMode(p, 3);
    setLong(p, 6, selector.code64);
    p.cpu.deliver(hardwareFault(6));
    expect(words(p, at.innerStack - 40, 5, 8)).toEqual(["400", "53", "10002", "8000", "23"]);
    expect(p.cpu.segment(SS)).toMatchObject({ selector: 0, access: 0x1_0000 });
    expect([p.cpu.cpl, p.cpu.r64[4]]).toEqual([0, BigInt(at.innerStack - 40)]);
  });

  it("switches to an IST stack at any privilege", () => {
    const p = processor();
    longMode(p);
    p.ram.setBigUint64(at.tss + 36 + 2 * 8, 0xa008n, true);
    setLong(p, 8, selector.code64, { ist: 3 });
    p.cpu.deliver(hardwareFault(8, 0));
    expect(p.cpu.r64[4]).toBe(0xa000n - 48n);
  });

  it("enters 64-bit code from compatibility mode", () => {
    const p = processor();
    longMode(p, 3);
    p.cpu.setSegment(CS, { selector: selector.userCode32, access: 0xc0fb, limit: 0xffff_ffff, base: 0 });
    setLong(p, 0x80, selector.code64, { kind: gateType.trap32, dpl: 3 });
    p.cpu.deliver(software(0x80));
    expect(words(p, at.innerStack - 40, 5, 8)).toEqual(["402", "1B", "2", "8000", "23"]);
    expect(p.cpu.bits).toBe(64);
  });

  test.each([
    ["32-bit handler", selector.code32, {}, selector.code32 | 1],
    ["16-bit gate", selector.code64, { kind: gateType.interrupt16 }, 6 * 8 + 3],
    ["not canonical", selector.code64, { high: 0x8000n }, 1],
  ] as const)("%s: #GP", (_, target, options, code) => {
    const p = processor();
    longMode(p);
    setLong(p, 13, selector.code64);
    setLong(p, 6, target, options);
    p.cpu.deliver(hardwareFault(6));
    expect(words(p, Number(p.cpu.r64[4]), 1, 8)).toEqual([code.toString(16).toUpperCase()]);
  });
});
