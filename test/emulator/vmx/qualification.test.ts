import { describe, expect, it, test } from "vitest";
import {
  decodeInstructionInfo,
  decodeInterruption,
  decodeQualification,
  encodeInstructionInfo,
  encodeInterruption,
  encodeQualification,
} from "../../../emulator/vmx/qualification.ts";

const text = (fields: readonly { name: string; value: string; bits: string }[]): string =>
  fields.map((f) => `${f.bits} ${f.name}: ${f.value}`).join("; ");

describe("exit qualification", () => {
  test.each([
    [
      "CR_ACCESS",
      { register: 0, type: 0, general: 0 },
      0x0n,
      "3:0 Control register: CR0; 5:4 Access type: MOV to CR; 11:8 General register: RAX",
    ],
    [
      "CR_ACCESS",
      { register: 3, type: 1, general: 3 },
      0x313n,
      "3:0 Control register: CR3; 5:4 Access type: MOV from CR; 11:8 General register: RBX",
    ],
    ["CR_ACCESS", { register: 0, type: 2 }, 0x20n, "3:0 Control register: CR0; 5:4 Access type: CLTS"],
    [
      "CR_ACCESS",
      { register: 0, type: 3, memory: true, source: 0xfff1 },
      0xfff10070n,
      "3:0 Control register: CR0; 5:4 Access type: LMSW; 6 LMSW operand type: memory; 31:16 LMSW source data: FFF1h",
    ],
    [
      "DR_ACCESS",
      { register: 7, from: 1, general: 1 },
      0x117n,
      "2:0 Debug register: DR7; 4 Direction: MOV from DR; 11:8 General register: RCX",
    ],
    [
      "IO_INSTRUCTION",
      { size: 0, in: 0, string: 0, rep: 0, immediate: 0, port: 0x3f8 },
      0x03f80000n,
      "2:0 Size: 1 byte; 3 Direction: OUT; 4 String instruction: no; 5 REP prefix: no; 6 Operand encoding: DX; 31:16 Port: 3F8h",
    ],
    [
      "IO_INSTRUCTION",
      { size: 3, in: 1, string: 1, rep: 1, port: 0x1f0 },
      0x01f0003bn,
      "2:0 Size: 4 bytes; 3 Direction: IN; 4 String instruction: yes; 5 REP prefix: yes; 6 Operand encoding: DX; 31:16 Port: 1F0h",
    ],
    [
      "EPT_VIOLATION",
      { write: 1, linearValid: 1, final: 1 },
      0x182n,
      "0 Data read: no; 1 Data write: yes; 2 Instruction fetch: no; 3 Readable in EPT: no; 4 Writable in EPT: no; 5 Executable in EPT: no; 7 Guest-linear address valid: yes; 8 Access was to: the translation of the linear address; 12 NMI unblocking due to IRET: no",
    ],
    ["INVLPG", { address: 0xdeadb000n }, 0xdeadb000n, "63:0 Linear address: DEADB000h"],
    [
      "TASK_SWITCH",
      { selector: 0x28, source: 3 },
      0xc0000028n,
      "15:0 TSS selector: 28h; 31:30 Source: task gate in the IDT",
    ],
    ["VMENTRY_FAILURE_GUEST_STATE", { cause: 4 }, 4n, "63:0 Cause: VMCS link pointer"],
  ] as const)("%s", (reason, values, word, fields) => {
    expect(encodeQualification(reason, values)).toBe(word);
    expect(text(decodeQualification(reason, word))).toBe(fields);
  });

  it("depends on the vector for exceptions", () => {
    expect(encodeQualification("EXCEPTION_NMI", { address: 0x1234n }, 14)).toBe(0x1234n);
    expect(text(decodeQualification("EXCEPTION_NMI", 0x4001n, 1))).toBe(
      "3:0 B3 to B0: 0001; 13 Debug-register access (BD): no; 14 Single step (BS): yes",
    );
    expect(decodeQualification("EXCEPTION_NMI", 0n, 6)).toEqual([]);
  });

  it("does not show whether a guest table was accessed when there is no linear address", () => {
    expect(text(decodeQualification("EPT_VIOLATION", 1n))).not.toContain("Access was to");
  });

  it("refuses what has no place", () => {
    expect(() => encodeQualification("CPUID", {})).toThrow("no exit qualification");
    expect(() => encodeQualification("CR_ACCESS", { nothing: 1 })).toThrow("no place");
    expect(() => encodeQualification("CR_ACCESS", { register: 16 })).toThrow("no place");
  });
});

describe("interruption and instruction information", () => {
  it("encodes a page fault with an error code", () => {
    const info = encodeInterruption({ vector: 14, type: 3, errorCode: true, valid: true });
    expect(info).toBe(0x80000b0e);
    expect(text(decodeInterruption(info))).toBe(
      "7:0 Vector: 14; 10:8 Type: hardware exception; 11 Error code valid: yes; 12 NMI unblocking due to IRET: no; 31 Valid: yes",
    );
  });

  it("decodes by reason", () => {
    expect(encodeInstructionInfo("IO_INSTRUCTION", { addressSize: 1, segment: 3 })).toBe(0x18080);
    expect(text(decodeInstructionInfo("LDTR_TR_ACCESS", 0x10000410))).toBe(
      "6:3 Register: RDX; 10 Operand: register; 29:28 Instruction: STR",
    );
    expect(encodeInstructionInfo("RDRAND", { register1: 9, operandSize: 2 })).toBe(0x1048);
    expect(text(decodeInstructionInfo("VMWRITE", 0x20000418))).toBe(
      "6:3 Register: RBX; 10 Operand: register; 31:28 Second register: RDX",
    );
    expect(text(decodeInstructionInfo("INVEPT", 0x10418102))).toBe(
      "1:0 Scale: 4; 9:7 Address size: 64 bits; 17:15 Segment: DS; 22 Index invalid: yes; 26:23 Base: RAX; 27 Base invalid: no; 31:28 Second register: RCX",
    );
    expect(decodeInstructionInfo("CPUID", 0)).toEqual([]);
  });
});
