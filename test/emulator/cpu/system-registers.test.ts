import { describe, expect, it, test } from "vitest";
import { cpuidLeaf } from "../../../emulator/cpu/cpuid.ts";
import { hardwareFault, vector } from "../../../emulator/cpu/fault.ts";
import { layout } from "../../../emulator/cpu/layout.ts";
import { msrs } from "../../../emulator/cpu/msr.ts";
import { CR0, CR4, CS, EFER, TR } from "../../../emulator/cpu/state.ts";
import { outcome, processor, protectedMode, selector } from "./processor.ts";
import { decoded, system } from "./system-table.ts";

/** A processor without others, in 32-bit code. */
const alone = { wide: false, apicId: 0, processors: 1 };

describe("control registers", () => {
  const pe = CR0.PE | CR0.ET;
  test.each([
    ["PG without PE", 0, CR0.PG, "#GP(0h)"],
    ["NW without CD", 0, pe | CR0.NW, "#GP(0h)"],
    ["a bit above 31", 0, 2 ** 32, "#GP(0h)"],
    ["PG and PE", 0, (pe | CR0.PG) >>> 0, "ok"],
    ["unused bits of CR0 are dropped", 0, pe | 0x40, "ok"],
    ["CR4: reserved bit", 4, 0x8000, "#GP(0h)"],
    ["CR4: VMXE, which CPUID does not show", 4, CR4.VMXE, "#GP(0h)"],
    ["CR4: all there is", 4, CR4.TSD | CR4.DE | CR4.PSE | CR4.PAE | CR4.PGE | CR4.UMIP | CR4.SMEP | CR4.SMAP, "ok"],
    ["CR4: virtual interrupts", 4, CR4.VME | CR4.PVI, "ok"],
    ["CR4: PCIDE outside IA-32e mode", 4, CR4.PCIDE, "#GP(0h)"],
    ["CR8", 8, 15, "ok"],
    ["CR8 above 15", 8, 16, "#GP(0h)"],
    ["CR1", 1, 0, "#UD"],
    ["CR5", 5, 0, "#UD"],
    ["CR2", 2, 0x1234, "ok"],
  ] as const)("%s", (_, number, value, expected) => {
    const p = processor();
    protectedMode(p);
    expect(outcome(() => system.writeControl(p.cpu, decoded, number, BigInt(value)))).toBe(expected);
  });

  it("reads back what exists, ET always set", () => {
    const p = processor();
    system.writeControl(p.cpu, decoded, 0, 0xff00_ffc1n & 0xffffn);
    expect(system.readControl(p.cpu, decoded, 0)).toBe(BigInt(CR0.PE | CR0.ET));
  });

  it("activates long mode with CR0.PG, as the manual orders it", () => {
    const p = processor();
    protectedMode(p);
    const { cpu } = p;
    const set = (number: number, value: number) =>
      outcome(() => system.writeControl(cpu, decoded, number, BigInt(value >>> 0)));
    const changes: string[] = [];
    cpu.observer = { modeChanged: (from, to) => changes.push(`${from} → ${to}`) };
    system.writeMsr(cpu, decoded, 0xc000_0080, BigInt(EFER.LME));
    expect(set(0, pe | CR0.PG)).toBe("#GP(0h)");
    expect(set(4, CR4.PAE)).toBe("ok");
    expect(set(0, pe | CR0.PG)).toBe("ok");
    expect(system.readMsr(cpu, decoded, 0xc000_0080)).toBe(BigInt(EFER.LME | EFER.LMA));
    expect([cpu.mode, cpu.bits]).toEqual(["compatibility", 32]);
    expect(set(4, 0)).toBe("#GP(0h)");
    expect(outcome(() => system.writeMsr(cpu, decoded, 0xc000_0080, 0n))).toBe("#GP(0h)");
    cpu.setSegment(CS, { selector: selector.code64, access: 0x209b, limit: 0, base: 0 });
    expect(set(0, pe)).toBe("#GP(0h)");
    cpu.setSegment(CS, { selector: selector.code32, access: 0xc09b, limit: 0xffff_ffff, base: 0 });
    expect(set(0, pe)).toBe("ok");
    expect(system.readMsr(cpu, decoded, 0xc000_0080)).toBe(BigInt(EFER.LME));
    expect(changes).toEqual(["protected → compatibility", "compatibility → protected"]);
  });

  test.each([
    ["a 64-bit code segment", { segment: CS, access: 0x209b }],
    ["a 16-bit TSS", { segment: TR, access: 0x83 }],
  ])("refuses long mode with %s loaded", (_, { segment, access }) => {
    const p = processor();
    protectedMode(p);
    p.cpu.r64[layout.efer >> 3] = BigInt(EFER.LME);
    p.cpu.r64[layout.cr4 >> 3] = BigInt(CR4.PAE);
    p.cpu.setSegment(segment, { ...p.cpu.segment(segment), access });
    expect(outcome(() => system.writeControl(p.cpu, decoded, 0, BigInt((pe | CR0.PG) >>> 0)))).toBe("#GP(0h)");
  });

  it("loads the PDPTEs of PAE paging with CR3, and refuses reserved bits in present ones", () => {
    const p = processor();
    protectedMode(p);
    p.ram.setBigUint64(0x6000, 0x7001n, true);
    p.ram.setBigUint64(0x6008, 0x1e6n, true);
    const set = (number: number, value: number) =>
      outcome(() => system.writeControl(p.cpu, decoded, number, BigInt(value >>> 0)));
    set(4, CR4.PAE);
    set(3, 0x6000);
    expect(set(0, pe | CR0.PG)).toBe("ok");
    expect(p.cpu.r64[layout.pdptes >> 3]).toBe(0x7001n);
    p.ram.setBigUint64(0x6010, 0x7003n, true);
    expect(set(3, 0x6000)).toBe("#GP(0h)");
  });

  it("LMSW sets PE but does not clear it", () => {
    const p = processor();
    system.loadMachineStatus(p.cpu, decoded, 0xffff);
    expect(system.machineStatus(p.cpu, decoded)).toBe(0x1fn);
    system.loadMachineStatus(p.cpu, decoded, 0);
    expect(system.machineStatus(p.cpu, decoded)).toBe(0x11n);
    system.loadMachineStatus(p.cpu, decoded, 8);
    system.clearTaskSwitched(p.cpu, decoded);
    expect(system.machineStatus(p.cpu, decoded)).toBe(0x11n);
  });
});

describe("model-specific registers", () => {
  test.each([
    [0xc000_0080, 0x901n, "ok"],
    [0xc000_0080, 0x2n, "#GP(0h)"],
    [0xc000_0082, 0x0000_8000_0000_0000n, "#GP(0h)"],
    [0xc000_0082, 0xffff_8000_0000_0000n, "ok"],
    [0xc000_0084, 2n ** 32n, "#GP(0h)"],
    [0x277, 0x0007_0406_0007_0402n, "#GP(0h)"],
    [0x277, 0x0606_0606_0606_0606n, "ok"],
    [0xc000_0101, 2n ** 47n, "#GP(0h)"],
    [0x12345, 0n, "#GP(0h)"],
    [0x200, 0x8_0000_0006n, "ok"],
    [0x200, 0x2n, "#GP(0h)"],
    [0x200, 0x106n, "#GP(0h)"],
    [0x200, 1n << 40n, "#GP(0h)"],
    [0x20f, 0xff_c000_0800n, "ok"],
    [0x20f, 0x400n, "#GP(0h)"],
    [0x210, 0n, "#GP(0h)"],
    [0x250, 0x0606_0606_0606_0606n, "ok"],
    [0x250, 0x0607_0606_0606_0606n, "#GP(0h)"],
    [0x26f, 0n, "ok"],
    [0x2ff, 0xc06n, "ok"],
    [0x2ff, 0x1006n, "#GP(0h)"],
    [0xfe, 0n, "#GP(0h)"],
    [0x1a0, 0x1800n, "ok"],
    [0x1a0, 0x1n, "#GP(0h)"],
    [0x1d9, 2n, "#GP(0h)"],
    [0x8b, 0n, "ok"],
    [0x1b, 0xfee0_0100n, "ok"],
    [0x1b, 0xfee0_0900n, "ok"],
    [0x1b, 0xfee0_0d00n, "#GP(0h)"],
    [0x1b, 0xfec0_0900n, "#GP(0h)"],
  ] as const)("WRMSR %#x of %#x: %s", (number, value, expected) => {
    const p = processor();
    protectedMode(p);
    expect(outcome(() => system.writeMsr(p.cpu, decoded, number, value))).toBe(expected);
    if (expected === "ok") expect(system.readMsr(p.cpu, decoded, number)).toBe(value);
  });

  it("reads every register of the table", () => {
    const p = processor();
    // Those of VMX are on the bare machine only.
    const ofVmx = (number: number) => number === 0x3a || (number >= 0x480 && number <= 0x491);
    for (const { number, name } of msrs)
      if (ofVmx(number))
        expect(
          outcome(() => system.readMsr(p.cpu, decoded, number)),
          name,
        ).toBe("#GP(0h)");
      else expect(typeof system.readMsr(p.cpu, decoded, number), name).toBe("bigint");
    expect(outcome(() => system.readMsr(p.cpu, decoded, 0x1c))).toBe("#GP(0h)");
    expect(system.readMsr(p.cpu, decoded, 0x1b)).toBe(0xfee0_0900n);
  });

  it("counts time in cycles from what was written", () => {
    const p = processor();
    p.cpu.f64[layout.steps >> 3] = 100;
    p.cpu.f64[layout.extraCycles >> 3] = 11;
    expect(system.timeStamp(p.cpu, decoded)).toBe(111n);
    system.writeMsr(p.cpu, decoded, 0x10, 5n);
    p.cpu.f64[layout.steps >> 3] = 103;
    expect(system.timeStamp(p.cpu, decoded)).toBe(8n);
    expect(system.readMsr(p.cpu, decoded, 0x3b)).toBe(BigInt.asUintN(64, -106n));
    system.writeMsr(p.cpu, decoded, 0x3b, 0n);
    expect(system.timeStamp(p.cpu, decoded)).toBe(114n);
  });
});

describe("CPUID", () => {
  const text = (...values: number[]) => new TextDecoder().decode(new Uint32Array(values)).replace(/\0+$/, "");

  it("names the vendor and the processor", () => {
    const { ebx, ecx, edx } = cpuidLeaf(0, 0, alone);
    expect(text(ebx, edx, ecx)).toBe("GenuineIntel");
    const brand = [2, 3, 4].flatMap((n) => Object.values(cpuidLeaf(0x8000_0000 + n, 0, alone)));
    expect(text(...brand)).toBe("Ringside emulated processor");
  });

  test.each([
    ["FPU", 1, "edx", 0, true],
    ["TSC", 1, "edx", 4, true],
    ["APIC", 1, "edx", 9, true],
    ["SSE2", 1, "edx", 26, true],
    ["VMX", 1, "ecx", 5, false],
    ["hypervisor", 1, "ecx", 31, false],
    ["SMEP", 7, "ebx", 7, true],
    ["LM", 0x8000_0001, "edx", 29, true],
    ["SYSCALL outside 64-bit mode", 0x8000_0001, "edx", 11, false],
  ] as const)("%s", (_, leaf, register, bit, expected) => {
    expect(((cpuidLeaf(leaf, 0, alone)[register] >>> bit) & 1) === 1).toBe(expected);
  });

  test.each([
    [0, { eax: 0, ebx: 1, ecx: 0x100, edx: 5 }],
    [1, { eax: 3, ebx: 6, ecx: 0x201, edx: 5 }],
    [2, { eax: 0, ebx: 0, ecx: 2, edx: 5 }],
  ])("tells the sixth of six processors their topology, level %i", (level, expected) => {
    const sixth = { ...alone, apicId: 5, processors: 6 };
    expect(cpuidLeaf(0xb, level, sixth)).toEqual(expected);
    expect(cpuidLeaf(4, level, sixth).eax >>> 26).toBe(5);
  });

  it("lists the caches", () => {
    const sizes = [0, 1, 2].map((n) => {
      const { ebx, ecx } = cpuidLeaf(4, n, alone);
      return ((ebx >>> 22) + 1) * ((ebx & 0xfff) + 1) * (ecx + 1);
    });
    expect(sizes).toEqual([32768, 32768, 262144]);
    expect(cpuidLeaf(4, 3, alone).eax).toBe(0);
  });

  it("shows the local APIC while it is on", () => {
    expect(cpuidLeaf(1, 0, { ...alone, localApic: false }).edx & 0x200).toBe(0);
  });

  it("answers basic leaves above the highest as the highest, and others with nothing", () => {
    expect(cpuidLeaf(0x20, 0, alone)).toEqual(cpuidLeaf(0xb, 0, alone));
    expect(cpuidLeaf(0x8000_0005, 0, alone)).toEqual({ eax: 0, ebx: 0, ecx: 0, edx: 0 });
    expect(cpuidLeaf(0x8000_0001, 0, { ...alone, wide: true }).edx & 0x800).toBe(0x800);
  });
});

describe("debug registers", () => {
  it("have their fixed bits, DR4 and DR5 as other names", () => {
    const p = processor();
    const { cpu } = p;
    system.writeDebug(cpu, decoded, 6, 0n);
    expect(system.readDebug(cpu, decoded, 4)).toBe(0xffff_0ff0n);
    system.writeDebug(cpu, decoded, 5, 0xd800n);
    expect(system.readDebug(cpu, decoded, 7)).toBe(0x400n);
    cpu.r64[layout.cr4 >> 3] = BigInt(CR4.DE);
    expect(outcome(() => system.readDebug(cpu, decoded, 4))).toBe("#UD");
  });

  it("DR7.GD makes any access a debug exception", () => {
    const p = processor();
    system.writeDebug(p.cpu, decoded, 7, 0x2000n);
    expect(outcome(() => system.readDebug(p.cpu, decoded, 0))).toBe("#DB");
    protectedMode(p);
    p.cpu.deliver({ ...hardwareFault(vector.DB), debug: 0x2000 });
    expect(outcome(() => system.readDebug(p.cpu, decoded, 0))).toBe("ok");
    expect(system.readDebug(p.cpu, decoded, 6)).toBe(0xffff_2ff0n);
  });
});
