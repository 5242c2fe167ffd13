import { describe, expect, it, test } from "vitest";
import { layout } from "../../../emulator/cpu/layout.ts";
import { CR4, CS, EFER, GS, SS } from "../../../emulator/cpu/state.ts";
import type { Privilege } from "../../../isa/instruction.ts";
import type { Decoded } from "../../../isa/operands.ts";
import { at, descriptor, longMode, outcome, processor, protectedMode } from "./processor.ts";
import { decoded, sized, system } from "./system-table.ts";

describe("privilege", () => {
  test.each([
    ["none", 3, 0, 0, "ok"],
    ["cpl0", 0, 0, 0, "ok"],
    ["cpl0", 1, 3, 0, "#GP(0h)"],
    ["cpl0-ud", 3, 0, 0, "#UD"],
    ["iopl", 3, 3, 0, "ok"],
    ["iopl", 3, 2, 0, "#GP(0h)"],
    ["iopl", 1, 1, 0, "ok"],
    ["umip", 3, 0, 0, "ok"],
    ["umip", 3, 0, CR4.UMIP, "#GP(0h)"],
    ["umip", 0, 0, CR4.UMIP, "ok"],
    ["tsd", 3, 0, CR4.TSD, "#GP(0h)"],
    ["tsd", 3, 0, 0, "ok"],
    ["pce", 3, 0, 0, "#GP(0h)"],
    ["pce", 3, 0, CR4.PCE, "ok"],
  ] as const)("%s at CPL %i, IOPL %i, CR4 %#x: %s", (privilege, cpl, iopl, cr4, expected) => {
    const p = processor();
    protectedMode(p, cpl);
    p.cpu.flags = 2 | (iopl << 12);
    p.cpu.r64[layout.cr4 >> 3] = BigInt(cr4);
    expect(outcome(() => p.cpu.checkPrivilege(privilege satisfies Privilege, decoded))).toBe(expected);
  });

  const port = (number: number | undefined, width: 8 | 16 | 32): Decoded =>
    ({
      operandSize: width,
      operands: [
        { kind: "register", class: "general", number: 0, width },
        number === undefined
          ? { kind: "register", class: "general", number: 2, width: 16 }
          : { kind: "immediate", width: 8, value: BigInt(number) },
      ],
    }) as unknown as Decoded;

  test.each([
    ["allowed byte", 0x60, 8, 3, "ok"],
    ["denied byte", 0x61, 8, 3, "#GP(0h)"],
    ["word with its second byte denied", 0x60, 16, 3, "#GP(0h)"],
    ["CPL within IOPL needs no bitmap", 0x61, 8, 0, "ok"],
    ["port in DX", undefined, 32, 3, "ok"],
    ["byte beyond the TSS", 0xff8, 8, 3, "#GP(0h)"],
  ] as const)("I/O bitmap: %s", (_, number, width, cpl, expected) => {
    const p = processor();
    protectedMode(p, cpl);
    p.ram.setUint16(at.tss + 0x66, 0x68, true);
    p.ram.setUint8(at.tss + 0x68 + (0x60 >> 3), 2);
    p.cpu.r64[2] = number === undefined ? 0x3f4n : 0xff8n;
    const which = number === 0xff8 ? undefined : number;
    expect(outcome(() => p.cpu.checkPrivilege("io", port(which, width)))).toBe(expected);
  });

  it("always asks the bitmap in virtual-8086 mode", () => {
    const p = processor();
    protectedMode(p, 3);
    p.cpu.flags = 0x2_3002;
    p.ram.setUint16(at.tss + 0x66, 0xffff, true);
    expect(outcome(() => p.cpu.checkPrivilege("io", port(0x60, 8)))).toBe("#GP(0h)");
  });
});

describe("POPF", () => {
  test.each([
    // CPL, flags before, image, flags after
    [0, 0x0002, 0x3202, 0x3202, 32],
    [1, 0x1002, 0x3202, 0x1202, 32],
    [3, 0x0202, 0x3002, 0x0202, 32],
    [0, 0x0002, 0x25_0002, 0x24_0002, 32],
    [0, 0x0002, 0x25_0002, 0x0002, 16],
    [3, 0x0002, 0x18_4cd5, 0x4cd7, 32],
  ] as const)("at CPL %i: %#x, image %#x: %#x at %i bits", (cpl, before, image, after, width) => {
    const p = processor();
    protectedMode(p, cpl);
    p.cpu.flags = before;
    system.popFlags(p.cpu, sized(width), BigInt(image));
    expect(p.cpu.flags).toBe(after);
  });

  it("and PUSHF fault in virtual-8086 mode below IOPL 3", () => {
    const p = processor();
    protectedMode(p, 3);
    p.cpu.flags = 0x2_2002;
    expect(outcome(() => system.popFlags(p.cpu, sized(16), 0n))).toBe("#GP(0h)");
    expect(outcome(() => system.flagsImage(p.cpu, sized(16)))).toBe("#GP(0h)");
    expect(outcome(() => system.softwareInterrupt(p.cpu, sized(16), 3))).toBe("#GP(0h)");
    p.cpu.flags = 0x3_3002;
    expect(system.flagsImage(p.cpu, sized(32))).toBe(0x3002n);
  });
});

describe("SYSCALL and its like", () => {
  it("SYSCALL saves RIP and RFLAGS and enters flat segments; SYSRET undoes it", () => {
    const p = processor();
    longMode(p, 3);
    const { cpu } = p;
    cpu.r64[layout.star >> 3] = (0x13n << 48n) | (0x48n << 32n);
    cpu.r64[layout.lstar >> 3] = 0xffff_8000_0000_1000n;
    cpu.r64[layout.fmask >> 3] = 0x200n;
    cpu.flags = 0x3246;
    cpu.next = 0x402;
    system.systemCall(cpu, decoded);
    expect([cpu.r64[1], cpu.r64[11]]).toEqual([0x402n, 0x3246n]);
    expect([cpu.cpl, cpu.bits, cpu.next, cpu.flags]).toEqual([0, 64, -0x8000 * 2 ** 32 + 0x1000, 0x3046]);
    expect([cpu.selector(CS), cpu.selector(SS), cpu.access(CS), cpu.access(SS)]).toEqual([0x48, 0x50, 0xa09b, 0xc093]);
    system.systemReturn(cpu, sized(64));
    expect([cpu.cpl, cpu.next, cpu.flags]).toEqual([3, 0x402, 0x3246]);
    expect([cpu.selector(CS), cpu.selector(SS), cpu.bits]).toEqual([0x23, 0x1b, 64]);
  });

  it("needs 64-bit code and EFER.SCE", () => {
    const p = processor();
    longMode(p, 3);
    p.cpu.r64[layout.efer >> 3] = BigInt(EFER.LME | EFER.LMA);
    expect(outcome(() => system.systemCall(p.cpu, decoded))).toBe("#UD");
    protectedMode(p, 3);
    expect(outcome(() => system.systemCall(p.cpu, decoded))).toBe("#UD");
  });

  it("SYSENTER and SYSEXIT use the SYSENTER registers", () => {
    const p = processor();
    protectedMode(p, 3);
    const { cpu } = p;
    expect(outcome(() => system.fastEnter(cpu, decoded))).toBe("#GP(0h)");
    for (const [number, value] of [
      [0x174, 0x08n],
      [0x175, 0x9000n],
      [0x176, 0x5000n],
    ] as const)
      system.writeMsr(cpu, decoded, number, value);
    cpu.flags = 0x202;
    system.fastEnter(cpu, decoded);
    expect([cpu.cpl, cpu.selector(CS), cpu.selector(SS), cpu.next, cpu.flags]).toEqual([0, 8, 0x10, 0x5000, 2]);
    expect(cpu.r64[4]).toBe(0x9000n);
    cpu.r64[1] = 0x8000n;
    cpu.r64[2] = 0x402n;
    system.fastExit(cpu, decoded);
    expect([cpu.cpl, cpu.selector(CS), cpu.selector(SS), cpu.next]).toEqual([3, 0x1b, 0x23, 0x402]);
    expect(cpu.r64[4]).toBe(0x8000n);
  });

  it("SWAPGS exchanges the base of GS", () => {
    const p = processor();
    longMode(p);
    system.writeMsr(p.cpu, decoded, 0xc000_0101, 0x1000n);
    system.writeMsr(p.cpu, decoded, 0xc000_0102, 0xffff_8000_0000_0000n);
    system.swapGs(p.cpu, decoded);
    expect(system.readMsr(p.cpu, decoded, 0xc000_0102)).toBe(0x1000n);
    expect(p.cpu.segment(GS).base).toBe(-(2 ** 47));
    expect(p.cpu.bases[GS]).toBe(-(2 ** 47));
  });
});

describe("frames", () => {
  it("PUSHA pushes the old stack pointer, POPA skips it", () => {
    const p = processor();
    protectedMode(p);
    for (let n = 0; n < 8; n++) if (n !== 4) p.cpu.r64[n] = BigInt(n + 1);
    system.pushAll(p.cpu, decoded);
    expect(p.cpu.r64[4]).toBe(BigInt(at.stack - 32));
    expect(p.ram.getUint32(at.stack - 20, true)).toBe(at.stack);
    p.cpu.r64[0] = 0n;
    system.popAll(p.cpu, decoded);
    expect([...p.cpu.r64.slice(0, 8)]).toEqual([1n, 2n, 3n, 4n, BigInt(at.stack), 6n, 7n, 8n]);
  });

  it("ENTER copies the frame pointers of outer levels", () => {
    const p = processor();
    protectedMode(p);
    p.cpu.r64[5] = 0x7000n;
    p.ram.setUint32(0x6ffc, 0xaaaa, true);
    system.enter(p.cpu, decoded, 0x10, 2);
    const frame = at.stack - 4;
    expect([p.cpu.r64[5], p.cpu.r64[4]]).toEqual([BigInt(frame), BigInt(frame - 8 - 0x10)]);
    expect([0, 4, 8].map((n) => p.ram.getUint32(frame - n, true))).toEqual([0x7000, 0xaaaa, frame]);
    system.leave(p.cpu, decoded);
    expect([p.cpu.r64[5], p.cpu.r64[4]]).toEqual([0x7000n, BigInt(at.stack)]);
  });

  it("ENTER of 32 bits on a 16-bit stack copies all of ESP to EBP", () => {
    const p = processor();
    p.cpu.r64[4] = 0x1234_7000n;
    p.cpu.r64[5] = 0x5678_7800n;
    system.enter(p.cpu, decoded, 0x10, 1);
    expect([p.cpu.r64[5], p.cpu.r64[4]]).toEqual([0x1234_6ffcn, 0x1234_6fe8n]);
    expect(p.ram.getUint32(0x6ff8, true)).toBe(0x1234_6ffc);
  });
});

describe("division of 128 bits", () => {
  test.each([
    ["divideUnsigned128", 1n, 0n, 2n, 2n ** 63n, 0n],
    ["divideUnsigned128", 0n, 7n, 2n, 3n, 1n],
    ["divideSigned128", 2n ** 64n - 1n, 2n ** 64n - 7n, 2n, 2n ** 64n - 3n, 2n ** 64n - 1n],
    ["divideSigned128", 2n ** 64n - 1n, 2n ** 63n, 1n, 2n ** 63n, 0n],
  ] as const)("%s %d:%d by %d", (name, high, low, divisor, quotient, remainder) => {
    const p = processor();
    p.cpu.r64[2] = high;
    p.cpu.r64[0] = low;
    system[name](p.cpu, decoded, divisor);
    expect([p.cpu.r64[0], p.cpu.r64[2]]).toEqual([quotient, remainder]);
  });

  test.each([
    ["divideUnsigned128", 0n, 7n, 0n],
    ["divideUnsigned128", 2n, 0n, 2n],
    ["divideSigned128", 2n ** 64n - 1n, 2n ** 63n, 2n ** 64n - 1n],
  ] as const)("%s %d:%d by %d: #DE", (name, high, low, divisor) => {
    const p = processor();
    p.cpu.r64[2] = high;
    p.cpu.r64[0] = low;
    expect(outcome(() => system[name](p.cpu, decoded, divisor))).toBe("#DE");
    expect(p.cpu.r64[0]).toBe(low);
  });
});

describe("at the boundary", () => {
  const real = () => {
    const p = processor();
    p.cpu.r64[4] = 0x7000n;
    p.cpu.rip = 0x100;
    p.ram.setUint32(0x20 * 4, 0x0000_2000, true);
    p.ram.setUint32(1 * 4, 0x0000_3000, true);
    return p;
  };

  it("delivers an interrupt only with IF, and wakes from HLT", () => {
    const p = real();
    p.bus.vectors.push(0x20);
    expect(p.cpu.atBoundary()).toBe("run");
    p.cpu.flags = 0x202;
    system.halt(p.cpu, decoded);
    expect(p.cpu.atBoundary()).toBe("stepped");
    expect([p.cpu.rip, p.cpu.activity, p.cpu.flags & 0x200]).toEqual([0x2000, 0, 0]);
  });

  it("is idle while halted", () => {
    const p = real();
    system.halt(p.cpu, decoded);
    expect(p.cpu.atBoundary()).toBe("idle");
    expect(p.cpu.attention).toBe(true);
  });

  it("holds interrupts off for one instruction after STI", () => {
    const p = real();
    p.bus.vectors.push(0x20);
    system.setInterruptFlag(p.cpu, decoded);
    expect([p.cpu.atBoundary(), p.cpu.interruptibility & 3, p.cpu.attention]).toEqual(["run", 1, true]);
    expect(p.cpu.atBoundary()).toBe("stepped");
    expect(p.cpu.interruptibility).toBe(0);
  });

  it("STI with IF set holds nothing off", () => {
    const p = real();
    p.cpu.flags = 0x202;
    p.bus.vectors.push(0x20);
    system.setInterruptFlag(p.cpu, decoded);
    expect(p.cpu.atBoundary()).toBe("stepped");
  });

  it("MOV SS holds interrupts off once, also when repeated", () => {
    const p = real();
    p.cpu.flags = 0x202;
    p.bus.vectors.push(0x20);
    system.moveToSegment(p.cpu, decoded, SS, 0);
    expect(p.cpu.atBoundary()).toBe("run");
    system.moveToSegment(p.cpu, decoded, SS, 0);
    expect(p.cpu.atBoundary()).toBe("stepped");
  });

  it("single-steps after the instruction that follows the one that set TF", () => {
    const p = real();
    system.popFlags(p.cpu, sized(16), 0x102n);
    expect(p.cpu.atBoundary()).toBe("run");
    p.cpu.rip = 0x101;
    expect(p.cpu.atBoundary()).toBe("stepped");
    expect([p.cpu.rip, p.cpu.flags & 0x100]).toEqual([0x3000, 0]);
    expect(p.ram.getUint16(0x7000 - 6, true)).toBe(0x101);
    expect(p.cpu.r64[(layout.debug >> 3) + 6]! & 0x4000n).toBe(0x4000n);
    expect([p.cpu.atBoundary(), p.cpu.atBoundary()]).toEqual(["run", "run"]);
  });

  it("keeps RF for one instruction", () => {
    const p = processor();
    protectedMode(p);
    p.ram.setBigUint64(at.gdt, descriptor(0, 0, 0), true);
    p.cpu.flags = 0x1_0002;
    p.cpu.atBoundary();
    expect(p.cpu.flags).toBe(0x1_0002);
    p.cpu.atBoundary();
    expect(p.cpu.flags).toBe(2);
  });

  it("lowers attention when there is nothing to look at", () => {
    const p = real();
    p.cpu.attention = true;
    expect([p.cpu.atBoundary(), p.cpu.attention]).toEqual(["run", false]);
  });
});
