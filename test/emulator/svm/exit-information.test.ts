import { describe, expect, it, test } from "vitest";
import type { Fault } from "../../../emulator/cpu/monitor.ts";
import {
  decodeExit,
  encodeEvent,
  encodeInfo1,
  encodeInfo2,
  interruptedEvent,
  nestedFaultInfo,
} from "../../../emulator/svm/exit-information.ts";
import { portInfo, portOfInfo } from "../../../emulator/svm/port-information.ts";

const text = (code: number, info1: bigint, info2 = 0n, interrupted = 0n): string[] =>
  decodeExit({ code, info1, info2, interrupted })
    .filter(({ value }) => value !== "no")
    .map(({ name, value, bits }) => `${name} (${bits}) ${value}`);

describe("EXITINFO1 of I/O (APM Vol. 2, figure 15-2)", () => {
  test.each([
    ["out 3F8h, al", { port: 0x3f8, bytes: 1, isIn: false, string: false, rep: false }, 32, 0, 0x3f8_0110],
    ["in eax, 1F0h", { port: 0x1f0, bytes: 4, isIn: true, string: false, rep: false }, 32, 0, 0x1f0_0141],
    ["rep outsw through FS", { port: 0x80, bytes: 2, isIn: false, string: true, rep: true }, 16, 4, 0x80_10ac],
    ["insb in 64-bit code", { port: 0xffff, bytes: 1, isIn: true, string: true, rep: false }, 64, 0, 0xffff_0215],
  ] as const)("%s", (_, access, addressBits, segment, word) => {
    const information = { ...access, addressBits, segment };
    expect(portInfo(information)).toBe(word);
    expect(portOfInfo(word)).toEqual(information);
  });

  it("reads in the manual's words", () => {
    expect(text(0x7b, 0x80_10acn, 0x1234n)).toEqual([
      "EXITINFO1: TYPE (0) OUT",
      "EXITINFO1: STR (2) yes",
      "EXITINFO1: REP (3) yes",
      "EXITINFO1: SZ (6:4) 16 bits",
      "EXITINFO1: A (9:7) 16 bits",
      "EXITINFO1: SEG (12:10) FS",
      "EXITINFO1: PORT (31:16) 80h",
      "EXITINFO2: rIP of the next instruction (63:0) 1234h",
    ]);
  });
});

describe("EXITINFO1 of nested page faults (APM Vol. 2, 15.25.6)", () => {
  const nothing = { present: false, write: false, reserved: false, fetch: false, table: false };
  test.each([
    [{}, 0x1_0000_0004n],
    [{ write: true }, 0x1_0000_0006n],
    [{ fetch: true, present: true }, 0x1_0000_0015n],
    [{ table: true, write: true }, 0x2_0000_0006n],
    [{ reserved: true, present: true }, 0x1_0000_000dn],
  ])("%j", (values, word) => {
    expect(BigInt(nestedFaultInfo({ ...nothing, ...values }))).toBe(word);
  });

  it("reads as a page-fault error code with two more bits", () => {
    expect(text(0x400, 0x2_0000_0006n, 0x8000n)).toEqual([
      "EXITINFO1: RW (1) yes",
      "EXITINFO1: US (2) yes",
      "EXITINFO1: Translating a guest page table (33) yes",
      "EXITINFO2: Guest-physical address (63:0) 8000h",
    ]);
  });
});

describe("other exits", () => {
  test.each([
    [0x7c, { write: 1 }, ["EXITINFO1: Access (0) WRMSR"]],
    [0x75, { vector: 0x80 }, ["EXITINFO1: Interrupt number (7:0) 80h"]],
    [0x79, { value: 0xffff_8000_0000_0000n }, ["EXITINFO1: Linear address (63:0) FFFF800000000000h"]],
    [
      0x14,
      { general: 3, move: true },
      ["EXITINFO1: General register (3:0) RBX", "EXITINFO1: Instruction was MOV CRx (63) yes"],
    ],
    [0x37, { general: 9 }, ["EXITINFO1: General register (3:0) R9"]],
    [0x4d, { value: 0x28 }, ["EXITINFO1: Error code (63:0) 28h"]],
  ])("%x", (code, values, expected) => {
    expect(text(code, encodeInfo1(code, values))).toEqual(expected);
  });

  it("tells a task switch in both words", () => {
    const info2 = encodeInfo2(0x7d, { errorCode: 0, iret: true, jump: false, hasError: false, resume: true });
    expect(info2).toBe((1n << 36n) | (1n << 48n));
    expect(text(0x7d, encodeInfo1(0x7d, { selector: 0x28 }), info2)).toEqual([
      "EXITINFO1: Selector of the incoming TSS (15:0) 28h",
      "EXITINFO2: Caused by IRET (36) yes",
      "EXITINFO2: EFLAGS.RF for the outgoing TSS (48) yes",
    ]);
  });

  it("has nothing to tell where the manual leaves it undefined", () => {
    expect(text(0x72, 0n)).toEqual([]);
    expect(text(0x46, 0n)).toEqual([]);
    expect(() => encodeInfo1(0x72, { value: 1 })).toThrow("exit code 72h has no EXITINFO1");
  });
});

describe("EXITINTINFO and EVENTINJ (APM Vol. 2, 15.7.2 and 15.20)", () => {
  const fault = (vector: number, source: Fault["source"], errorCode?: number): Fault => ({
    kind: "fault",
    vector,
    source,
    errorCode,
    length: 1,
  });
  test.each([
    ["#PF with its error code", fault(14, "hardware", 2), 0x2_8000_0b0en],
    ["#UD", fault(6, "hardware"), 0x8000_0306n],
    ["INT 80h", fault(0x80, "software"), 0x8000_0480n],
    ["INT1 is an exception", fault(1, "software-exception"), 0x8000_0301n],
    ["INT3 is an exception", fault(3, "software-exception"), 0x8000_0303n],
    ["an interrupt", { kind: "interrupt", vector: 0x20 } as const, 0x8000_0020n],
    ["an NMI", { kind: "interrupt", vector: 2 } as const, 0x8000_0202n],
  ])("%s", (_, event, word) => {
    expect(interruptedEvent(event)).toBe(word);
  });

  it("holds error codes of 32 bits", () => {
    expect(encodeEvent(14, 3, 0xffff_ffff)).toBe(0xffff_ffff_8000_0b0en);
  });
});
