import { describe, expect, it, test } from "vitest";
import { hardwareFault, pageFaultAt } from "../../../emulator/cpu/fault.ts";
import type { Fault } from "../../../emulator/cpu/monitor.ts";
import { TR } from "../../../emulator/cpu/state.ts";
import { gateType, handler, setGate, software, sp } from "./gates.ts";
import { at, descriptor, gate, type Processor, processor, protectedMode, selector, words } from "./processor.ts";

describe("faults while delivering", () => {
  interface Case {
    readonly name: string;
    readonly cpl?: 0 | 3;
    /** What is delivered; its gate, unless the case breaks it. */
    readonly fault: Fault;
    readonly break: (p: Processor) => void;
    /** Vector and error code that arrive in the end. */
    readonly arrives: readonly [number, number];
  }
  const good = (p: Processor, vector: number) =>
    setGate(p, vector, gate(gateType.interrupt32, selector.code32, handler + vector * 16));
  const selectorOfVector = (vector: number, ext: 0 | 1) => vector * 8 + 2 + ext;
  const cases: readonly Case[] = [
    {
      name: "gate not present, exception",
      fault: hardwareFault(6),
      break: (p) => setGate(p, 6, gate(gateType.trap32, selector.code32, 0, { present: false })),
      arrives: [11, selectorOfVector(6, 1)],
    },
    {
      name: "gate not present, INT n",
      fault: software(0x40),
      break: (p) => setGate(p, 0x40, gate(gateType.trap32, selector.code32, 0, { present: false })),
      arrives: [11, selectorOfVector(0x40, 0)],
    },
    {
      name: "gate's DPL below CPL for INT n",
      cpl: 3,
      fault: software(0x40),
      break: (p) => setGate(p, 0x40, gate(gateType.trap32, selector.code32, 0)),
      arrives: [13, selectorOfVector(0x40, 0)],
    },
    {
      name: "gate's DPL does not matter for exceptions",
      cpl: 3,
      fault: hardwareFault(6),
      break: (p) => good(p, 6),
      arrives: [6, -1],
    },
    {
      name: "no gate at all",
      fault: hardwareFault(6),
      break: (p) => setGate(p, 6, 0n),
      arrives: [13, selectorOfVector(6, 1)],
    },
    {
      name: "a call gate in the IDT",
      fault: hardwareFault(6),
      break: (p) => setGate(p, 6, gate(gateType.call32, selector.code32, 0)),
      arrives: [13, selectorOfVector(6, 1)],
    },
    {
      name: "beyond the IDT",
      fault: software(0xff),
      break: (p) => p.cpu.setIdtr(at.idt, 0x1ff),
      arrives: [13, selectorOfVector(0xff, 0)],
    },
    {
      name: "null selector in the gate",
      fault: hardwareFault(6),
      break: (p) => setGate(p, 6, gate(gateType.trap32, 0, 0)),
      arrives: [13, 1],
    },
    {
      name: "null selector in the gate, INT n",
      fault: software(0x40),
      break: (p) => setGate(p, 0x40, gate(gateType.trap32, 3, 0)),
      arrives: [13, 0],
    },
    {
      name: "data segment in the gate",
      fault: hardwareFault(6),
      break: (p) => setGate(p, 6, gate(gateType.trap32, selector.data32, 0)),
      arrives: [13, selector.data32 | 1],
    },
    {
      name: "less privileged handler",
      fault: hardwareFault(6),
      break: (p) => setGate(p, 6, gate(gateType.trap32, selector.userCode32 & ~3, 0)),
      arrives: [13, 0x19],
    },
    {
      name: "offset beyond the handler's segment",
      fault: hardwareFault(6),
      break: (p) => {
        p.ram.setBigUint64(at.gdt + 8 * 28, descriptor(0, 0xfff, 0x409b), true);
        setGate(p, 6, gate(gateType.trap32, 8 * 28, 0x1000));
      },
      arrives: [13, 1],
    },
    {
      name: "TSS too small",
      cpl: 3,
      fault: software(0x40),
      break: (p) => {
        setGate(p, 0x40, gate(gateType.trap32, selector.code32, 0, { dpl: 3 }));
        p.ram.setBigUint64(at.gdt + 8, descriptor(0, 0xf_ffff, 0xc09b), true);
        p.cpu.setSegment(TR, { selector: selector.tss, access: 0x8b, limit: 8, base: at.tss });
        setGate(p, 10, gate(gateType.trap32, selector.userConforming, handler + 160));
      },
      arrives: [10, selector.tss],
    },
    {
      name: "null SS in the TSS",
      cpl: 3,
      fault: software(0x40),
      break: (p) => {
        setGate(p, 0x40, gate(gateType.trap32, selector.code32, 0, { dpl: 3 }));
        p.ram.setUint16(at.tss + 8, 0, true);
        setGate(p, 10, gate(gateType.trap32, selector.userConforming, handler + 160));
      },
      arrives: [10, 0],
    },
    {
      name: "SS of the wrong level in the TSS",
      cpl: 3,
      fault: software(0x40),
      break: (p) => {
        setGate(p, 0x40, gate(gateType.trap32, selector.code32, 0, { dpl: 3 }));
        p.ram.setUint16(at.tss + 8, selector.userData32, true);
        setGate(p, 10, gate(gateType.trap32, selector.userConforming, handler + 160));
      },
      arrives: [10, 0x20],
    },
    {
      name: "SS not present in the TSS",
      cpl: 3,
      fault: software(0x40),
      break: (p) => {
        setGate(p, 0x40, gate(gateType.trap32, selector.code32, 0, { dpl: 3 }));
        p.ram.setBigUint64(at.gdt + selector.absent, descriptor(0, 0xf_ffff, 0xc013), true);
        p.ram.setUint16(at.tss + 8, selector.absent, true);
        setGate(p, 12, gate(gateType.trap32, selector.userConforming, handler + 192));
      },
      arrives: [12, selector.absent],
    },
    {
      name: "#GP in #GP is a double fault",
      fault: hardwareFault(13, 0),
      break: (p) => setGate(p, 13, 0n),
      arrives: [8, 0],
    },
    {
      name: "#NP in #DE is a double fault",
      fault: hardwareFault(0),
      break: (p) => setGate(p, 0, gate(gateType.trap32, selector.code32, 0, { present: false })),
      arrives: [8, 0],
    },
    {
      name: "#GP in #UD is served",
      fault: hardwareFault(6),
      break: (p) => setGate(p, 6, 0n),
      arrives: [13, selectorOfVector(6, 1)],
    },
    {
      name: "#NP in #PF is a double fault",
      fault: pageFaultAt(0, 0),
      break: (p) => setGate(p, 14, gate(gateType.trap32, selector.code32, 0, { present: false })),
      arrives: [8, 0],
    },
    {
      name: "#GP in INT 13 is served, for it is no exception",
      fault: software(13),
      break: (p) => {
        setGate(p, 13, gate(gateType.trap32, selector.code32, handler + 208));
        setGate(p, 13, gate(gateType.trap32, 0x100, 0));
        setGate(p, 8, gate(gateType.trap32, selector.code32, handler + 128));
      },
      arrives: [8, 0],
    },
  ];
  test.each(cases)("$name", ({ cpl = 0, fault, break: spoil, arrives }) => {
    const p = processor();
    protectedMode(p, cpl);
    for (const vector of [6, 8, 10, 11, 12, 13, 14]) good(p, vector);
    spoil(p);
    p.cpu.deliver(fault);
    const [vector, code] = arrives;
    expect(p.cpu.rip).toBe(handler + vector * 16);
    if (code >= 0) expect(words(p, sp(p), 2, 4)).toEqual([code.toString(16).toUpperCase(), "400"]);
  });

  it("three faults shut the processor down", () => {
    const p = processor();
    protectedMode(p);
    p.cpu.deliver(hardwareFault(13, 0));
    expect(p.cpu.activity).toBe(2);
    expect(p.cpu.atBoundary()).toBe("shutdown");
    expect([p.cpu.rip, sp(p)]).toEqual([0x400, at.stack]);
  });

  it("a double fault through a task gate is a triple fault where the task cannot be entered", () => {
    const p = processor();
    protectedMode(p);
    setGate(p, 8, gate(gateType.task, selector.ldt, 0));
    p.cpu.deliver(hardwareFault(8, 0));
    expect(p.cpu.activity).toBe(2);
  });
});

test("the handler of a fault in the delivery of an NMI runs with NMIs blocked", () => {
  const p = processor();
  protectedMode(p);
  setGate(p, 2, 0n);
  setGate(p, 13, gate(gateType.interrupt32, selector.code32, handler));
  p.cpu.interrupt(2);
  expect(p.cpu.rip).toBe(handler);
  expect(p.cpu.interruptibility & 8).toBe(8);
});
