import { describe, expect, it, test } from "vitest";
import { exitCode, exitCodes } from "../../../emulator/svm/exit-codes.ts";
import { intercepts } from "../../../emulator/svm/intercepts.ts";
import { vmcbBytes } from "../../../emulator/svm/vmcb.ts";
import { type VmcbField, type VmcbFieldRow, vmcbFields } from "../../../emulator/svm/vmcb-fields.ts";
import { exitReasons } from "../../../emulator/vmx/exit-reasons.ts";
import { interceptOf } from "../../../isa/intercept.ts";
import { rows } from "../../../isa/table.ts";
import { sampleVmcb } from "./sample-vmcb.ts";

const fieldRows = Object.entries(vmcbFields) as [VmcbField, VmcbFieldRow][];

describe("the VMCB (APM Vol. 2, appendix B)", () => {
  it("has its fields beside each other, aligned to their size, within a page", () => {
    const sorted = fieldRows.map(([, row]) => row).sort((a, b) => a.offset - b.offset);
    for (const [n, { offset, bytes, name }] of sorted.entries()) {
      expect(offset % bytes, name).toBe(0);
      expect(offset + bytes, name).toBeLessThanOrEqual(sorted[n + 1]?.offset ?? vmcbBytes);
    }
  });

  test.each<[VmcbField, number]>([
    ["exitCode", 0x70],
    ["exitInfo1", 0x78],
    ["exitInfo2", 0x80],
    ["exitIntInfo", 0x88],
    ["eventInjection", 0xa8],
    ["nestedCr3", 0xb0],
    ["clean", 0xc0],
    ["nextRip", 0xc8],
    ["instructionBytes", 0xd0],
    ["esSelector", 0x400],
    ["trBase", 0x498],
    ["cpl", 0x4cb],
    ["efer", 0x4d0],
    ["cr0", 0x558],
    ["rip", 0x578],
    ["rsp", 0x5d8],
    ["rax", 0x5f8],
    ["cr2", 0x640],
    ["guestPat", 0x668],
  ])("%s is at %x", (field, offset) => {
    expect(vmcbFields[field].offset).toBe(offset);
  });

  test.each(fieldRows)("%s holds what its width holds", (field, { bytes }) => {
    const vmcb = sampleVmcb();
    const most = (1n << BigInt(8 * bytes)) - 1n;
    vmcb.set(field, most);
    expect(vmcb.get(field)).toBe(most);
    vmcb.set(field, 5);
    expect(vmcb.number(field)).toBe(5);
  });

  it("keeps the instruction's bytes with their number", () => {
    const vmcb = sampleVmcb();
    vmcb.setInstruction([0x0f, 0x01, 0xc1]);
    expect(vmcb.number("instructionBytes")).toBe(3);
    expect(vmcb.instruction).toEqual([0x0f, 0x01, 0xc1]);
  });
});

describe("exit codes (APM Vol. 2, appendix C)", () => {
  it("have each one number and one name", () => {
    expect(new Set(exitCodes.map(({ number }) => number)).size).toBe(exitCodes.length);
    expect(new Set(exitCodes.map(({ name }) => name)).size).toBe(exitCodes.length);
  });

  test.each(Object.entries(intercepts))("of the intercept %s has its name", (name, { code }) => {
    expect(exitCode(code).name).toBe(`VMEXIT_${name}`);
  });

  it("are those that the table of VT-x's exit reasons gives as counterparts", () => {
    const pairs = exitReasons.flatMap(({ svm }) =>
      [...svm.matchAll(/\b(VMEXIT_[A-Z0-9_]+|AVIC_NOACCEL) ([0-9A-F]+)h/g)].map(([, name, code]) => [
        name!.startsWith("VMEXIT_") ? name! : `VMEXIT_${name}`,
        Number.parseInt(code!, 16),
      ]),
    );
    expect(pairs.length).toBeGreaterThan(35);
    for (const [name, code] of pairs) {
      if (/n_|EXCPn/.test(`${name}`)) continue;
      expect(exitCode(Number(code)).name).toBe(name);
    }
  });

  it("are those that the instruction table names", () => {
    const titles = new Set(rows.flatMap((row) => interceptOf(row) ?? []));
    expect(titles.size).toBeGreaterThan(35);
    const names = new Set(exitCodes.map(({ name }) => name));
    for (const title of titles) expect(names).toContain(`VMEXIT_${title.replace("n_", "3_")}`);
  });

  it("has none for numbers between", () => {
    expect(() => exitCode(0x3ff)).toThrow("no exit code 3ffh");
  });
});
