import { describe, expect, it } from "vitest";
import { vmcsAsVmcb } from "../../../emulator/inspection/counterparts/as-vmcb.ts";
import { vmcbAsVmcs } from "../../../emulator/inspection/counterparts/as-vmcs.ts";
import { eventOfVmcb, eventOfVmcs } from "../../../emulator/inspection/counterparts/events.ts";
import { exitCodeOf, exitReasonOf } from "../../../emulator/inspection/counterparts/exits.ts";
import { fieldPairs } from "../../../emulator/inspection/counterparts/fields.ts";
import type { OtherNames } from "../../../emulator/inspection/counterparts/other-names.ts";
import { encodeEvent, eventType } from "../../../emulator/svm/exit-information.ts";
import { interceptWord } from "../../../emulator/svm/intercepts.ts";
import { type VmcbField, vmcbFields } from "../../../emulator/svm/vmcb-fields.ts";
import { vmcbView } from "../../../emulator/svm/vmcb-view.ts";
import { controlWord } from "../../../emulator/vmx/controls.ts";
import { exitReasonNamed } from "../../../emulator/vmx/exit-reasons.ts";
import { encodeQualification } from "../../../emulator/vmx/qualification.ts";
import { type VmcsField, vmcsFields } from "../../../emulator/vmx/vmcs-fields.ts";
import { isSupported } from "../../../emulator/vmx/vmcs-support.ts";
import { vmcsView } from "../../../emulator/vmx/vmcs-view.ts";
import { type Fields, sampleVmcb } from "../svm/sample-vmcb.ts";
import { sampleVmcs } from "../vmx/sample-vmcs.ts";

type VmcsFields = Partial<Record<VmcsField, bigint | number>>;
const asVmcb = (changes: VmcsFields = {}): OtherNames => {
  const vmcs = sampleVmcs(changes);
  return vmcsAsVmcb(vmcs, vmcsView(vmcs, undefined));
};
const asVmcs = (changes: Fields = {}): OtherNames => {
  const vmcb = sampleVmcb(changes);
  return vmcbAsVmcs(vmcb, vmcbView(vmcb, false));
};
const all = ({ groups }: OtherNames) => groups.filter(({ alone }) => !alone).flatMap(({ fields }) => fields);
const vmcbField = (names: OtherNames, field: VmcbField) =>
  all(names).find(({ place }) => place === vmcbFields[field].offset)!;
const vmcsField = (names: OtherNames, field: VmcsField) =>
  all(names).find(({ place }) => place === vmcsFields[field].encoding)!;
const bitsOn = ({ bits }: ReturnType<typeof vmcbField>) =>
  bits.filter(({ value }) => value === "1").map(({ name }) => name);

describe("every field", () => {
  it("of a VMCS is in the VMCB, or said to have no counterpart", () => {
    const names = asVmcb();
    const shown = new Set([
      ...all(names).flatMap(({ sources }) => sources),
      ...names.groups.filter(({ alone }) => alone).flatMap(({ fields }) => fields.map(({ place }) => place)),
    ]);
    const missing = (Object.keys(vmcsFields) as VmcsField[]).filter(
      (field) => isSupported(field) && !shown.has(vmcsFields[field].encoding),
    );
    expect(missing).toEqual([]);
    expect(all(names).map(({ place }) => place)).toEqual(Object.values(vmcbFields).map(({ offset }) => offset));
  });

  it("of a VMCB is in the VMCS, or said to have no counterpart", () => {
    const names = asVmcs();
    const shown = new Set([
      ...all(names).flatMap(({ sources }) => sources),
      ...names.groups.filter(({ alone }) => alone).flatMap(({ fields }) => fields.map(({ place }) => place)),
    ]);
    expect(Object.values(vmcbFields).filter(({ offset }) => !shown.has(offset))).toEqual([]);
  });

  it("says what it really is, or why there is none", () => {
    for (const names of [asVmcb(), asVmcs()])
      for (const { fields } of names.groups) for (const { note } of fields) expect(note).toMatch(/\.$/);
  });
});

describe("fields of the same form", () => {
  const plain = fieldPairs.filter(({ toVmcb, toVmcs }) => !toVmcb && !toVmcs);
  it.each(plain.map(({ vmcs, vmcb }) => [vmcs, vmcb] as const))("%s and %s have one value", (vmcs, vmcb) => {
    const value = 0x35n;
    expect(vmcbField(asVmcb({ [vmcs]: value }), vmcb).value).toBe(value);
    expect(vmcsField(asVmcs({ [vmcb]: value }), vmcs).value).toBe(value);
  });

  it.each([
    ["guestCsAccess", 0xa09b, "csAttributes", 0xa9b],
    ["guestSsAccess", 0xc0f3, "ssAttributes", 0xcf3],
    ["guestEfer", 0x500, "efer", 0x1500],
  ] as const)("%s = %x is %s = %x", (vmcs, one, vmcb, other) => {
    expect(vmcbField(asVmcb({ [vmcs]: one }), vmcb).value).toBe(BigInt(other));
    expect(vmcsField(asVmcs({ [vmcb]: other }), vmcs).value).toBe(BigInt(one));
  });

  it("an unusable segment is one without P", () => {
    expect(vmcbField(asVmcb({ guestDsAccess: 0x10000 }), "dsAttributes").value).toBe(0n);
    expect(vmcsField(asVmcs({ dsAttributes: 0 }), "guestDsAccess").value).toBe(0x10000n);
  });

  it("the privilege level is the DPL of SS", () => {
    expect(vmcbField(asVmcb({ guestSsAccess: 0xc0f3 }), "cpl").value).toBe(3n);
  });
});

describe("events", () => {
  it.each([
    ["external interrupt 20h", 0x80000020, 0, encodeEvent(0x20, eventType.interrupt)],
    ["NMI", 0x80000202, 0, encodeEvent(2, eventType.nmi)],
    ["#PF(6)", 0x80000b0e, 6, encodeEvent(14, eventType.exception, 6)],
    ["INT 80h", 0x80000480, 0, encodeEvent(0x80, eventType.softwareInterrupt)],
    ["INT3", 0x80000603, 0, encodeEvent(3, eventType.exception)],
    ["nothing", 0, 0, 0n],
  ] as const)("%s", (_, info, code, event) => {
    expect(eventOfVmcs(info, code)).toBe(event);
    expect(eventOfVmcb(event)).toBe(BigInt(info));
  });

  it("the monitor trap flag has no counterpart", () => {
    expect(eventOfVmcs(0x80000700, 0)).toBeUndefined();
  });
});

describe("exits", () => {
  const left = (reason: string, more: VmcsFields = {}) =>
    sampleVmcs({ exitReason: exitReasonNamed(reason).number, ...more });
  it.each([
    ["CPUID", {}, 0x72, {}],
    ["HLT", {}, 0x78, {}],
    ["RDMSR", {}, 0x7c, { exitInfo1: 0 }],
    ["WRMSR", {}, 0x7c, { exitInfo1: 1 }],
    ["EPT_VIOLATION", {}, 0x400, {}],
    ["EPT_MISCONFIGURATION", {}, 0x400, { exitInfo1: 8 }],
    ["EXTERNAL_INTERRUPT", {}, 0x60, {}],
    ["EXCEPTION_NMI", { exitInterruptionInfo: 0x80000306 }, 0x46, {}],
    ["EXCEPTION_NMI", { exitInterruptionInfo: 0x80000202 }, 0x61, {}],
    ["CR_ACCESS", { exitQualification: encodeQualification("CR_ACCESS", { register: 3, type: 0 }) }, 0x13, {}],
    ["CR_ACCESS", { exitQualification: encodeQualification("CR_ACCESS", { register: 4, type: 1 }) }, 0x04, {}],
    ["DR_ACCESS", { exitQualification: encodeQualification("DR_ACCESS", { register: 7, from: 1 }) }, 0x27, {}],
    ["GDTR_IDTR_ACCESS", { exitInstructionInfo: 3 << 28 }, 0x6a, {}],
    ["LDTR_TR_ACCESS", { exitInstructionInfo: 1 << 28 }, 0x69, {}],
    ["EXCEPTION_NMI", { exitInterruptionInfo: 0x80000301 }, 0x41, {}],
    ["EXCEPTION_NMI", { exitInterruptionInfo: 0x80000501 }, 0x88, {}],
  ] as const)("%s %o is %d", (reason, fields, code, info) => {
    expect(exitCodeOf(left(reason, fields))).toBe(BigInt(code));
    expect(exitReasonOf(sampleVmcb({ exitCode: code, ...info }))).toBe(BigInt(exitReasonNamed(reason).number));
  });

  it.each(["VMCLEAR", "VMXON", "MONITOR_TRAP_FLAG", "VMX_PREEMPTION_TIMER_EXPIRED"])(
    "%s has no counterpart",
    (reason) => {
      expect(exitCodeOf(left(reason))).toBeUndefined();
    },
  );

  it.each([
    [0x65, "CR_ACCESS"],
    [0x8c, "MWAIT"],
  ])("EXITCODE %d is one more code of %s", (exitCode, reason) => {
    expect(exitReasonOf(sampleVmcb({ exitCode }))).toBe(BigInt(exitReasonNamed(reason).number));
  });

  it.each([0x70, 0x74, 0x80])("EXITCODE %d has none, or more than one", (exitCode) => {
    expect(exitReasonOf(sampleVmcb({ exitCode }))).toBeUndefined();
  });

  it("an entry that fails is VMEXIT_INVALID", () => {
    expect(exitCodeOf(sampleVmcs({ exitReason: 0x80000021 }))).toBe(0xffff_ffff_ffff_ffffn);
    expect(exitReasonOf(sampleVmcb({ exitCode: -1n }))).toBe(0x80000021n);
  });
});

describe("controls and intercepts", () => {
  it("what VT-x exits for is intercepted, and what it always exits for", () => {
    const names = asVmcb({ primaryControls: controlWord("hltExiting", "rdtscExiting", "cr3LoadExiting") });
    expect(bitsOn(vmcbField(names, "vector3"))).toEqual(
      expect.arrayContaining(["HLT", "RDTSC", "CPUID", "INVD", "TASK_SWITCH"]),
    );
    expect(bitsOn(vmcbField(names, "vector3"))).not.toContain("PUSHF");
    expect(bitsOn(vmcbField(names, "vector4"))).toContain("RDTSCP");
    expect(bitsOn(vmcbField(names, "crWrites"))).toEqual(["CR3"]);
    expect(bitsOn(vmcbField(names, "crReads"))).toEqual([]);
  });

  it("a secondary control counts only while they are activated", () => {
    const secondaryControls = controlWord("wbinvdExiting");
    expect(bitsOn(vmcbField(asVmcb({ secondaryControls, primaryControls: 0 }), "vector4"))).not.toContain("WBINVD");
    const primaryControls = controlWord("secondaryControls");
    expect(bitsOn(vmcbField(asVmcb({ secondaryControls, primaryControls }), "vector4"))).toContain("WBINVD");
  });

  it("what AMD-V intercepts, VT-x has a control for, or says that it has none", () => {
    const names = asVmcs({ vector3: interceptWord("HLT", "PUSHF", "IOIO"), crReads: 8 });
    expect(bitsOn(vmcsField(names, "primaryControls"))).toEqual(
      expect.arrayContaining(["HLT exiting", "CR3-store exiting", "Use I/O bitmaps"]),
    );
    expect(bitsOn(vmcsField(names, "primaryControls"))).not.toContain("Unconditional I/O exiting");
    expect(bitsOn(vmcsField(names, "secondaryControls"))).toEqual(["Enable EPT"]);
    const alone = names.groups.find(({ alone: own }) => own)!.fields;
    const left = alone.find(({ place }) => place === vmcbFields.vector3.offset)!;
    expect(bitsOn(left)).toEqual(["PUSHF"]);
  });

  it.each([
    [0, "PAUSE exiting"],
    [3000, "PAUSE-loop exiting"],
  ])("PAUSE with a filter count of %d is %s", (pauseFilterCount, name) => {
    const names = asVmcs({ vector3: interceptWord("PAUSE"), pauseFilterCount });
    const on = [...bitsOn(vmcsField(names, "primaryControls")), ...bitsOn(vmcsField(names, "secondaryControls"))];
    expect(on.filter((bit) => bit.startsWith("PAUSE"))).toEqual([name]);
  });

  it("exceptions have the same bits", () => {
    expect(bitsOn(vmcbField(asVmcb({ exceptionBitmap: 0x4040 }), "exceptions"))).toEqual(["#UD", "#PF"]);
    expect(bitsOn(vmcsField(asVmcs({ exceptions: 0x4040 }), "exceptionBitmap"))).toEqual(["#UD", "#PF"]);
  });
});
