import { describe, expect, it, test } from "vitest";
import { assemble } from "../../../assembler/index.ts";
import { exceptionName } from "../../../emulator/cpu/exception-names.ts";
import { layout, ramBase } from "../../../emulator/cpu/layout.ts";
import { CR4 } from "../../../emulator/cpu/state.ts";
import { codeAt, createProcessor, type Processor } from "../../support/processor.ts";

const RAX = 0;
const RCX = 1;

/** A processor with 64-bit code of an assembly source; each line is one instruction. */
function processor(source: string): Processor {
  const { bytes, problems } = assemble({ file: "code.asm", text: `bits 64\norg ${codeAt}\n${source}\n` });
  expect(problems).toEqual([]);
  return createProcessor({ bits: 64, code: bytes });
}

/** Executes so many instructions, or up to an exception, whose name it gives. */
function execute({ cpu, engine }: Processor, instructions: number): string | undefined {
  let exception: string | undefined;
  cpu.observer = { exception: ({ vector }) => (exception ??= exceptionName(vector)) };
  for (let n = 0; n < instructions && exception === undefined; n++) engine.step();
  return exception;
}

describe("RDRAND and RDSEED", () => {
  it("give the same numbers after every reset, and set CF alone", () => {
    const p = processor("rdrand rax\nrdseed rcx\nrdrand dx");
    p.cpu.flags = 0x8d5;
    execute(p, 3);
    expect([p.cpu.r64[RAX], p.cpu.r64[RCX]]).toEqual([0xe220a8397b1dcdafn, 0x6e789e6aa1b965f4n]);
    expect(p.cpu.r64[2]! & 0xffffn).toBe(0x454fn);
    expect(p.cpu.flags & 0x8d5).toBe(1);
  });
});

describe("RDFSBASE and its kin", () => {
  const on = (p: Processor): Processor => {
    p.cpu.r64[layout.cr4 >> 3] = BigInt(0x20 | CR4.FSGSBASE);
    return p;
  };

  it("read and write the base, and 32 bits of it with 32-bit registers", () => {
    const p = on(processor("wrgsbase rax\nrdgsbase rcx\nrdgsbase eax\nwrfsbase eax\nrdfsbase rax"));
    p.cpu.r64[RAX] = 0xffff_8000_1234_5678n;
    expect(execute(p, 5)).toBeUndefined();
    expect([p.cpu.r64[RAX], p.cpu.r64[RCX]]).toEqual([0x1234_5678n, 0xffff_8000_1234_5678n]);
  });

  test.each([
    ["wrfsbase rax", 0x8000_0000_0000n, "#GP"],
    ["wrgsbase rax", 0x1_0000_0000_0000n, "#GP"],
  ])("%s of %x", (source, value, exception) => {
    const p = on(processor(source));
    p.cpu.r64[RAX] = value;
    expect(execute(p, 1)).toBe(exception);
  });
});

it("RDPID gives IA32_TSC_AUX", () => {
  const p = processor("rdpid rax");
  p.cpu.r64[layout.tscAux >> 3] = 7n;
  execute(p, 1);
  expect(p.cpu.r64[RAX]).toBe(7n);
});

describe("MWAIT", () => {
  const waiting = (interrupts: boolean): Processor => {
    const p = processor("monitor\nmwait\nnop");
    p.cpu.r64[RAX] = 0x20008n;
    p.cpu.eflags = interrupts ? 0x202 : 2;
    execute(p, 2);
    return p;
  };

  it("waits until the line changes", () => {
    const p = waiting(true);
    expect([p.cpu.activity, p.cpu.atBoundary()]).toEqual([1, "idle"]);
    p.cpu.bytes[ramBase + 0x2003f] = 1;
    expect([p.cpu.atBoundary(), p.cpu.activity]).toEqual(["run", 0]);
  });

  it("does not see other lines", () => {
    const p = waiting(true);
    p.cpu.bytes[ramBase + 0x20040] = 1;
    expect(p.cpu.atBoundary()).toBe("idle");
  });

  it("ends when time passes", () => {
    const p = waiting(true);
    p.cpu.f64[layout.extraCycles >> 3] = 100;
    expect(p.cpu.atBoundary()).toBe("run");
  });

  it("does not wait with interrupts disabled, nor beside other processors, nor twice", () => {
    expect(waiting(false).cpu.activity).toBe(0);
    const p = processor("monitor\nmwait\nmwait");
    p.cpu.r32[layout.processors >> 2] = 2;
    p.cpu.r64[RAX] = 0x20000n;
    p.cpu.eflags = 0x202;
    execute(p, 2);
    expect(p.cpu.activity).toBe(0);
  });

  it("leaves HLT alone", () => {
    const p = processor("monitor\nmwait\nhlt");
    p.cpu.r64[RAX] = 0x20000n;
    p.cpu.eflags = 0x202;
    execute(p, 2);
    p.cpu.activity = 0;
    execute(p, 1);
    p.cpu.f64[layout.extraCycles >> 3] = 100;
    p.cpu.bytes[ramBase + 0x20000] = 1;
    expect(p.cpu.atBoundary()).toBe("idle");
  });
});

describe("INVPCID", () => {
  /** Reads a page, changes its entry, invalidates by a type, reads again: whether the new entry is found. */
  function findsNewEntry(type: bigint, global: boolean, address = 0x20_0000n): boolean {
    const p = processor("mov ecx, [rdx]\ninvpcid rax, [rbx]\nmov ecx, [rdx]");
    const { cpu } = p;
    const entry = 0x8_2008;
    const flags = global ? 0x183n : 0x83n;
    cpu.r64[layout.cr4 >> 3] = BigInt(0x20 | CR4.PGE);
    cpu.view.setBigUint64(ramBase + entry, flags, true);
    cpu.view.setUint32(ramBase + 0x3_0000, 1, true);
    cpu.view.setUint32(ramBase + 0x1_0000, 2, true);
    cpu.r64[RAX] = type;
    cpu.r64[2] = 0x23_0000n;
    cpu.r64[3] = 0x2_0000n;
    cpu.view.setBigUint64(ramBase + 0x2_0008, address, true);
    execute(p, 1);
    cpu.view.setBigUint64(ramBase + entry, 0n, true);
    return execute(p, 2) === "#PF";
  }

  test.each([
    [0n, false, 0x20_0000n, true],
    [0n, false, 0x40_0000n, false],
    [0n, true, 0x20_0000n, false],
    [1n, false, 0n, true],
    [1n, true, 0n, false],
    [2n, true, 0n, true],
    [3n, false, 0n, true],
    [3n, true, 0n, false],
  ])("type %i, global %s, address %x", (type, global, address, found) => {
    expect(findsNewEntry(type, global, address)).toBe(found);
  });
});
