import { describe, expect, it, test } from "vitest";
import { type Attempt, decideIntercept } from "../../../emulator/svm/intercept-rules.ts";
import { type InterceptName, intercepts, interceptWord } from "../../../emulator/svm/intercepts.ts";
import { resolved } from "../../../emulator/trace/event.ts";
import { type Fields, sampleVmcb } from "./sample-vmcb.ts";

const zero = (): number => 0;

function decide(attempt: Attempt, fields: Fields = {}, read: (address: number) => number = zero) {
  const { exits, code, why } = decideIntercept(sampleVmcb(fields), read, attempt);
  return { exits, code, ...resolved(why, { qualification: 0n, first: 0, second: 0 }) };
}

const special = new Set<string>(["IOIO", "MSR", "CR0_SEL_WRITE", "MWAIT"]);
const plain = Object.entries(intercepts).filter(([name]) => !special.has(name)) as [
  Extract<Attempt, { kind: "event" }>["intercept"],
  (typeof intercepts)[InterceptName],
][];

describe("intercepts of one bit", () => {
  test.each(plain)("%s", (intercept, { word, bit, code }) => {
    const number = { vector3: 3, vector4: 4, vector5: 5 }[word as "vector3"];
    const rule = `intercept vector ${number} (VMCB 0${vmcbOffset(word)}h), bit ${bit}: ${intercept} = `;
    const set = decide({ kind: "event", intercept }, { [word]: interceptWord(intercept) });
    expect(set).toMatchObject({ exits: true, code, rule: `${rule}1` });
    const others = ~interceptWord(intercept) >>> 0;
    expect(decide({ kind: "event", intercept }, { [word]: others })).toMatchObject({ exits: false, rule: `${rule}0` });
  });

  it("say where VT-x differs", () => {
    expect(decide({ kind: "event", intercept: "POPF" }).sentence).toContain("VT-x has no control for it.");
    expect(decide({ kind: "event", intercept: "CPUID" }).sentence).toContain("VT-x leaves the guest here whatever");
  });
});

const vmcbOffset = (word: string): string => ({ vector3: "0C", vector4: "10", vector5: "14" })[word as "vector3"];

describe("control registers", () => {
  test.each([
    [0, false, "crReads", 0x00],
    [3, false, "crReads", 0x03],
    [8, false, "crReads", 0x08],
    [0, true, "crWrites", 0x10],
    [4, true, "crWrites", 0x14],
    [8, true, "crWrites", 0x18],
  ] as const)("CR%i, write %s", (register, write, field, code) => {
    const attempt = { kind: "control", register, write } as const;
    expect(decide(attempt, { [field]: 1 << register })).toMatchObject({ exits: true, code });
    expect(decide(attempt, { [field]: 0xffff & ~(1 << register) }).exits).toBe(false);
  });

  const selected = interceptWord("CR0_SEL_WRITE");
  // [instruction, changes more than TS and MP, selective bit, write bit, exits, code]
  test.each([
    ["mov", true, true, false, true, 0x65],
    ["mov", false, true, false, false, 0x65],
    ["mov", true, true, true, true, 0x10],
    ["mov", true, false, false, false, 0x10],
    ["lmsw", false, true, false, true, 0x65],
    // CLTS does not check the selective intercept.
    [undefined, true, true, false, false, 0x10],
    [undefined, false, true, true, true, 0x10],
  ] as const)("CR0 by %s, changes %s, selective %s, all writes %s", (selective, changes, bit, all, exits, code) => {
    const attempt: Attempt = {
      kind: "control",
      register: 0,
      write: true,
      changes,
      ...(selective ? { selective } : {}),
    };
    const fields = { vector3: bit ? selected : 0, crWrites: all ? 1 : 0 };
    expect(decide(attempt, fields)).toMatchObject({ exits, code });
  });
});

test.each([
  [0, false, "drReads", 0x20],
  [7, false, "drReads", 0x27],
  [7, true, "drWrites", 0x37],
] as const)("DR%i, write %s", (register, write, field, code) => {
  const attempt = { kind: "debug", register, write } as const;
  expect(decide(attempt, { [field]: 1 << register })).toMatchObject({ exits: true, code });
  expect(decide(attempt, { [field]: 0xffff & ~(1 << register) }).exits).toBe(false);
});

test.each([0, 1, 6, 13, 14, 31])("exception %i", (vector) => {
  const attempt = { kind: "exception", vector } as const;
  const rule = `VMCB 008h, bit ${vector} = `;
  expect(decide(attempt, { exceptions: (1 << vector) >>> 0 })).toMatchObject({
    exits: true,
    code: 0x40 + vector,
    rule: `${rule}1`,
  });
  expect(decide(attempt, { exceptions: ~(1 << vector) >>> 0 })).toMatchObject({ exits: false, rule: `${rule}0` });
});

describe("MWAIT", () => {
  test.each([
    [["MWAIT"], true, true, 0x8b],
    [["MWAIT"], false, true, 0x8b],
    [["MWAIT_CONDITIONAL"], true, true, 0x8c],
    [["MWAIT_CONDITIONAL"], false, false, 0x8b],
    [["MWAIT", "MWAIT_CONDITIONAL"], true, true, 0x8c],
    [["MWAIT", "MWAIT_CONDITIONAL"], false, true, 0x8b],
    [[], true, false, 0x8b],
  ] as const)("with %j set and the monitor armed %s", (names, armed, exits, code) => {
    expect(decide({ kind: "mwait", armed }, { vector4: interceptWord(...names) })).toMatchObject({ exits, code });
  });
});

describe("the I/O permission map", () => {
  const on = { vector3: interceptWord("IOIO") };
  // The map is at 3000h. Port 3F8h: byte 7Fh, bit 0. Bits behind port FFFFh: byte 2000h.
  test.each([
    [0x3f8, 1, 0x307f, 1, true, "I/O permission map (VMCB 040h), byte 7Fh, bit 0 = 1"],
    [0x3f8, 1, 0x307f, 2, false, "I/O permission map (VMCB 040h), byte 7Fh, bit 0 = 0"],
    [0x3f7, 2, 0x307f, 1, true, "I/O permission map (VMCB 040h), byte 7Fh, bit 0 = 1"],
    [0x3f5, 2, 0x307f, 1, false, "I/O permission map (VMCB 040h), byte 7Eh, bit 5 = 0"],
    [0xffff, 2, 0x5000, 1, true, "I/O permission map (VMCB 040h), byte 2000h, bit 0 = 1"],
    [0xffff, 4, 0x5000, 4, true, "I/O permission map (VMCB 040h), byte 2000h, bit 2 = 1"],
    [0xffff, 4, 0x5000, 8, false, "I/O permission map (VMCB 040h), byte 1FFFh, bit 7 = 0"],
  ])("port %x, %i bytes, byte %x = %i", (port, bytes, address, byte, exits, rule) => {
    const read = (at: number): number => (at === address ? byte : 0);
    expect(decide({ kind: "port", port, bytes }, on, read)).toMatchObject({ exits, code: 0x7b, rule });
    // VMRUN ignores the low 12 bits of the address.
    expect(decide({ kind: "port", port, bytes }, { ...on, iopmBase: 0x3abc }, read).exits).toBe(exits);
  });

  it("is not asked without its intercept", () => {
    expect(decide({ kind: "port", port: 0x3f8, bytes: 1 }, {}, () => 0xff)).toMatchObject({
      exits: false,
      rule: "intercept vector 3 (VMCB 00Ch), bit 27: IOIO = 0",
    });
  });
});

describe("the MSR permission map", () => {
  const on = { vector3: interceptWord("MSR") };
  // The map is at 6000h: two bits for each MSR, the lower one for reads.
  test.each([
    [0x10, false, 0x6004, 1, true],
    [0x10, true, 0x6004, 1, false],
    [0x10, true, 0x6004, 2, true],
    [0x1fff, true, 0x67ff, 0x80, true],
    [0xc000_0080, false, 0x6820, 1, true],
    [0xc000_0080, true, 0x6820, 1, false],
    [0xc001_0117, false, 0x7045, 0x40, true],
    [0xc001_1fff, true, 0x77ff, 0x80, true],
    [0x2000, false, 0, 0, true],
    [0x4b56_4d00, true, 0, 0, true],
  ])("MSR %x, write %s, byte %x = %i", (msr, write, address, byte, exits) => {
    const read = (at: number): number => (at === address ? byte : 0);
    expect(decide({ kind: "msr", msr, write }, on, read)).toMatchObject({ exits, code: 0x7c });
    expect(decide({ kind: "msr", msr, write }, {}, () => 0xff).exits).toBe(false);
  });
});
