import { describe, expect, it } from "vitest";
import { canDecide, decidingBit } from "../../../emulator/inspection/deciding-bit.ts";
import { decideIntercept, type Attempt as Intercepted } from "../../../emulator/svm/intercept-rules.ts";
import { type InterceptName, interceptWord } from "../../../emulator/svm/intercepts.ts";
import { type MachineEvent, resolved, type Why } from "../../../emulator/trace/event.ts";
import { type ControlName, controlWord } from "../../../emulator/vmx/controls.ts";
import { type Attempt, decideExit } from "../../../emulator/vmx/exit-rules.ts";
import { type Fields, sampleVmcb } from "../svm/sample-vmcb.ts";
import { sampleVmcs } from "../vmx/sample-vmcs.ts";

/** Bits of maps: all of them are 1. */
const everyBit = (): number => 0xff;
const exitOf = (reason: string, why: Why) => ({ kind: "exit", reason, why }) as MachineEvent & { kind: "exit" };
const [primary, secondary, exceptions] = [0x4002, 0x401e, 0x4004];

describe("the bit of a VMCS that made the guest leave", () => {
  const on = (...names: readonly ControlName[]) => ({ primaryControls: controlWord(...names) });
  const maps = on("msrBitmaps", "ioBitmaps");
  it.each<[string, Parameters<typeof sampleVmcs>[0], Attempt, { place: number; bit: number } | undefined]>([
    ["HLT", on("hltExiting"), { reason: "HLT" }, { place: primary, bit: 7 }],
    ["RDMSR of a low MSR", maps, { reason: "RDMSR", msr: 0x10 }, { place: primary, bit: 28 }],
    ["RDMSR of a high MSR", maps, { reason: "RDMSR", msr: 0xc000_0080 }, { place: primary, bit: 28 }],
    ["WRMSR", maps, { reason: "WRMSR", msr: 0x1b }, { place: primary, bit: 28 }],
    ["an MSR outside of the bitmaps", maps, { reason: "RDMSR", msr: 0x4000_0000 }, undefined],
    ["an MSR without bitmaps", on(), { reason: "RDMSR", msr: 0x10 }, undefined],
    ["a low port", maps, { reason: "IO_INSTRUCTION", port: 0x21, bytes: 1 }, { place: primary, bit: 25 }],
    ["a high port", maps, { reason: "IO_INSTRUCTION", port: 0xe000, bytes: 4 }, { place: primary, bit: 25 }],
    [
      "every port",
      on("unconditionalIoExiting"),
      { reason: "IO_INSTRUCTION", port: 0xe000, bytes: 4 },
      { place: primary, bit: 24 },
    ],
    [
      "#PF",
      { exceptionBitmap: 1 << 14 },
      { reason: "EXCEPTION_NMI", vector: 14, errorCode: 2 },
      { place: exceptions, bit: 14 },
    ],
    [
      "#PF that does not match",
      { pageFaultMatch: 1 },
      { reason: "EXCEPTION_NMI", vector: 14, errorCode: 2 },
      undefined,
    ],
    [
      "a write to the APIC",
      { ...on("secondaryControls"), secondaryControls: controlWord("virtualInterruptDelivery") },
      { reason: "APIC_WRITE", offset: 0x300 },
      { place: secondary, bit: 9 },
    ],
    ["CPUID", on(), { reason: "CPUID" }, undefined],
  ])("%s", (_, fields, attempt, expected) => {
    const { exits, why } = decideExit(sampleVmcs(fields), everyBit, attempt);
    expect(exits).toBe(true);
    const found = decidingBit(exitOf(attempt.reason, why));
    expect(found).toEqual(expected);
    if (found) expect(canDecide("VMCS", found)).toBe(true);
  });
});

describe("the bit of a VMCB that made the guest leave", () => {
  const vector3 = (...names: readonly InterceptName[]) => ({ vector3: interceptWord(...names) });
  it.each<[string, Fields, string, Intercepted, { place: number; bit: number }]>([
    ["HLT", vector3("HLT"), "VMEXIT_HLT", { kind: "event", intercept: "HLT" }, { place: 0x00c, bit: 24 }],
    ["MSR", vector3("MSR"), "VMEXIT_MSR", { kind: "msr", msr: 0xc000_0080, write: true }, { place: 0x00c, bit: 28 }],
    [
      "MSR outside",
      vector3("MSR"),
      "VMEXIT_MSR",
      { kind: "msr", msr: 0x4000_0000, write: false },
      { place: 0x00c, bit: 28 },
    ],
    ["IOIO", vector3("IOIO"), "VMEXIT_IOIO", { kind: "port", port: 0xe000, bytes: 1 }, { place: 0x00c, bit: 27 }],
    ["#UD", { exceptions: 1 << 6 }, "VMEXIT_EXCP6", { kind: "exception", vector: 6 }, { place: 0x008, bit: 6 }],
    [
      "CR3",
      { crWrites: 8 },
      "VMEXIT_CR3_WRITE",
      { kind: "control", register: 3, write: true },
      { place: 0x002, bit: 3 },
    ],
  ])("%s", (_, fields, reason, attempt, expected) => {
    const { exits, why } = decideIntercept(sampleVmcb(fields), everyBit, attempt);
    expect(exits).toBe(true);
    const numbers = { qualification: 0n, first: 0, second: 0 };
    const found = decidingBit(exitOf(reason, resolved(why, numbers)));
    expect(found).toEqual(expected);
    expect(canDecide("VMCB", found!)).toBe(true);
  });
});
