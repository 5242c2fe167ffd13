import { describe, expect, it, test } from "vitest";
import { type ControlName, controls, controlWord } from "../../../emulator/vmx/controls.ts";
import { type Attempt, decideExit, vmxInstructions } from "../../../emulator/vmx/exit-rules.ts";
import type { VmcsField } from "../../../emulator/vmx/vmcs-fields.ts";
import { sampleVmcs } from "./sample-vmcs.ts";

type Fields = Partial<Record<VmcsField, bigint | number>>;
const zero = (): number => 0;
const decide = (attempt: Attempt, fields: Fields = {}, read: (address: number) => number = zero) =>
  decideExit(sampleVmcs(fields), read, attempt);

describe("unconditional exits", () => {
  test.each(["CPUID", "INVD", "VMCALL", "XSETBV", "TRIPLE_FAULT", "TASK_SWITCH"] as const)("%s", (reason) => {
    const { exits, why } = decide({ reason }, { primaryControls: 0, secondaryControls: 0, pinControls: 0 });
    expect(exits).toBe(true);
    expect(why.rule).toBe("no control: unconditional");
  });

  test.each(vmxInstructions)("%s", (reason) => {
    const { exits, why } = decide({ reason }, { primaryControls: 0, secondaryControls: 0 });
    const shadowed = reason === "VMREAD" || reason === "VMWRITE";
    expect(exits).toBe(true);
    expect(why.rule).toMatch(shadowed ? /401Eh, bit 14: VMCS shadowing = 0$/ : /^no control: unconditional$/);
  });
});

describe("exits that one control bit decides", () => {
  test.each([
    ["HLT", "hltExiting", "primary processor-based VM-execution controls 4002h, bit 7: HLT exiting"],
    ["INVLPG", "invlpgExiting", "primary processor-based VM-execution controls 4002h, bit 9: INVLPG exiting"],
    ["RDTSC", "rdtscExiting", "primary processor-based VM-execution controls 4002h, bit 12: RDTSC exiting"],
    ["MWAIT", "mwaitExiting", "primary processor-based VM-execution controls 4002h, bit 10: MWAIT exiting"],
    ["MONITOR", "monitorExiting", "primary processor-based VM-execution controls 4002h, bit 29: MONITOR exiting"],
    ["INVPCID", "invlpgExiting", "primary processor-based VM-execution controls 4002h, bit 9: INVLPG exiting"],
    ["RDRAND", "rdrandExiting", "secondary processor-based VM-execution controls 401Eh, bit 11: RDRAND exiting"],
    ["RDSEED", "rdseedExiting", "secondary processor-based VM-execution controls 401Eh, bit 16: RDSEED exiting"],
    ["DR_ACCESS", "movDrExiting", "primary processor-based VM-execution controls 4002h, bit 23: MOV-DR exiting"],
    ["WBINVD", "wbinvdExiting", "secondary processor-based VM-execution controls 401Eh, bit 6: WBINVD exiting"],
    [
      "GDTR_IDTR_ACCESS",
      "descriptorTableExiting",
      "secondary processor-based VM-execution controls 401Eh, bit 2: Descriptor-table exiting",
    ],
    [
      "EXTERNAL_INTERRUPT",
      "externalInterruptExiting",
      "pin-based VM-execution controls 4000h, bit 0: External-interrupt exiting",
    ],
  ] as const)("%s", (reason, control, rule) => {
    const name: ControlName = control;
    const word = controlWord(name);
    const on: Fields = { [controls[name].field]: word };
    if (controls[name].field === "secondaryControls") on.primaryControls = controlWord("secondaryControls");
    expect(decide({ reason }, on)).toMatchObject({ exits: true, why: { rule: `${rule} = 1` } });
    expect(decide({ reason }, { [controls[name].field]: 0 })).toMatchObject({
      exits: false,
      why: { rule: `${rule} = 0` },
    });
  });

  it("ignores secondary controls that are not activated", () => {
    const secondaryControls = controlWord("wbinvdExiting");
    expect(decide({ reason: "WBINVD" }, { secondaryControls, primaryControls: 0 }).exits).toBe(false);
  });
});

describe("CR0 and CR4 by mask and shadow", () => {
  // [mask, shadow, value, exits]
  test.each([
    [0n, 0n, 0xffffffffn, false],
    [0x20n, 0n, 0x20n, true],
    [0x20n, 0x20n, 0x20n, false],
    [0x20n, 0x20n, 0x80000021n, false],
    [0xffffffffn, 0x11n, 0x11n, false],
    [0xffffffffn, 0x11n, 0x10n, true],
  ])("mask %x, shadow %x, new %x", (cr0Mask, cr0Shadow, value, exits) => {
    expect(decide({ reason: "CR_ACCESS", register: 0, access: "to", value }, { cr0Mask, cr0Shadow }).exits).toBe(exits);
    const cr4 = { cr4Mask: cr0Mask, cr4Shadow: cr0Shadow };
    expect(decide({ reason: "CR_ACCESS", register: 4, access: "to", value }, cr4).exits).toBe(exits);
  });

  test.each([
    // CLTS exits iff TS is owned and the guest believes it is set.
    ["clts", 8n, 8n, 0n, true],
    ["clts", 8n, 0n, 0n, false],
    ["clts", 0n, 8n, 0n, false],
    // LMSW looks at bits 3:0 only and cannot clear PE.
    ["lmsw", 1n, 1n, 0n, false],
    ["lmsw", 1n, 0n, 1n, true],
    ["lmsw", 2n, 0n, 2n, true],
    ["lmsw", 0x10n, 0n, 0x10n, false],
    ["from", 0xffffffffn, 0x11n, 0n, false],
  ] as const)("%s with mask %x, shadow %x, source %x", (access, cr0Mask, cr0Shadow, value, exits) => {
    expect(decide({ reason: "CR_ACCESS", register: 0, access, value }, { cr0Mask, cr0Shadow }).exits).toBe(exits);
  });
});

describe("CR3 and CR8", () => {
  const primaryControls = controlWord("cr3LoadExiting", "cr3StoreExiting", "cr8LoadExiting");
  test.each([
    [3, "to", 0x1000n, {}, false],
    [3, "to", 0x1000n, { primaryControls }, true],
    [3, "to", 0x1000n, { primaryControls, cr3TargetCount: 2, cr3Target1: 0x1000n }, false],
    [3, "to", 0x1000n, { primaryControls, cr3TargetCount: 1, cr3Target1: 0x1000n }, true],
    [3, "from", 0n, { primaryControls }, true],
    [3, "from", 0n, {}, false],
    [8, "to", 0n, { primaryControls }, true],
    [8, "from", 0n, { primaryControls }, false],
    [2, "to", 0x2000n, { cr4Mask: 0x2000n, cr4Shadow: 0n }, false],
    [2, "from", 0n, {}, false],
  ] as const)("CR%i %s %x, case %#", (register, access, value, fields, exits) => {
    expect(decide({ reason: "CR_ACCESS", register, access, value }, fields).exits).toBe(exits);
  });
});

describe("page faults by bitmap, mask and match", () => {
  const present = 1;
  // [bitmap bit 14, mask, match, error code, exits]
  test.each([
    [1, 0, 0, present, true],
    [0, 0, 0, present, false],
    [0, 0, 1, present, true],
    [1, 0, 1, present, false],
    [1, 1, 1, 1, true],
    [1, 1, 1, 2, false],
    [0, 1, 1, 1, false],
    [0, 1, 1, 2, true],
  ])("bit %i, mask %i, match %i, error code %i", (bit, pageFaultMask, pageFaultMatch, errorCode, exits) => {
    const fields = { exceptionBitmap: bit << 14, pageFaultMask, pageFaultMatch };
    expect(decide({ reason: "EXCEPTION_NMI", vector: 14, errorCode }, fields).exits).toBe(exits);
  });

  it("takes other exceptions by their bit alone", () => {
    const fields = { exceptionBitmap: 1 << 6, pageFaultMask: 0, pageFaultMatch: 1 };
    expect(decide({ reason: "EXCEPTION_NMI", vector: 6, errorCode: undefined }, fields).exits).toBe(true);
    expect(decide({ reason: "EXCEPTION_NMI", vector: 13, errorCode: 0 }, fields).exits).toBe(false);
  });
});

describe("I/O bitmaps", () => {
  // Port 3F8h: bitmap A at 3000h, byte 7Fh, bit 0. Port 8000h: bitmap B at 4000h, byte 0, bit 0.
  test.each([
    [0x3f8, 1, 0x307f, 1, true, "I/O bitmap A (2000h), byte 7Fh, bit 0 = 1"],
    [0x3f8, 1, 0x307f, 2, false, "I/O bitmap A (2000h), byte 7Fh, bit 0 = 0"],
    [0x3f7, 2, 0x307f, 1, true, "I/O bitmap A (2000h), byte 7Fh, bit 0 = 1"],
    [0x3f5, 2, 0x307f, 1, false, "I/O bitmap A (2000h), byte 7Eh, bit 5 = 0"],
    [0x8000, 1, 0x4000, 1, true, "I/O bitmap B (2002h), byte 0h, bit 0 = 1"],
    [0x7fff, 2, 0x4000, 1, true, "I/O bitmap B (2002h), byte 0h, bit 0 = 1"],
    [0xffff, 2, 0, 0, true, "access wraps past port FFFFh"],
    [0xfffe, 2, 0, 0, false, "I/O bitmap B (2002h), byte FFFh, bit 6 = 0"],
  ])("port %x, %i bytes, bitmap byte %x = %i", (port, bytes, address, byte, exits, rule) => {
    const read = (at: number): number => (at === address ? byte : 0);
    expect(decide({ reason: "IO_INSTRUCTION", port, bytes }, {}, read)).toMatchObject({ exits, why: { rule } });
  });

  it("falls back to unconditional I/O exiting without bitmaps", () => {
    const attempt: Attempt = { reason: "IO_INSTRUCTION", port: 0x80, bytes: 1 };
    expect(decide(attempt, { primaryControls: controlWord("unconditionalIoExiting") }).exits).toBe(true);
    expect(decide(attempt, { primaryControls: 0 }).exits).toBe(false);
    const both = { primaryControls: controlWord("unconditionalIoExiting", "ioBitmaps") };
    expect(decide(attempt, both).exits).toBe(false);
  });
});

describe("MSR bitmaps", () => {
  test.each([
    ["RDMSR", 0x10, 0x5002, 1, true],
    ["WRMSR", 0x10, 0x5002, 1, false],
    ["WRMSR", 0x10, 0x5802, 1, true],
    ["RDMSR", 0xc0000080, 0x5410, 1, true],
    ["WRMSR", 0xc0000080, 0x5c10, 1, true],
    ["WRMSR", 0xc0000081, 0x5c10, 1, false],
    ["RDMSR", 0x2000, 0, 0, true],
    ["RDMSR", 0x4b564d00, 0, 0, true],
  ] as const)("%s of %x with byte %x = %i", (reason, msr, address, byte, exits) => {
    const read = (at: number): number => (at === address ? byte : 0);
    expect(decide({ reason, msr }, {}, read).exits).toBe(exits);
  });

  it("always exits without bitmaps", () => {
    expect(decide({ reason: "RDMSR", msr: 0x10 }, { primaryControls: 0 }).exits).toBe(true);
  });
});
