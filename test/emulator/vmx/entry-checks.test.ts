import { describe, expect, it, test } from "vitest";
import { fixedCr4 } from "../../../emulator/vmx/capabilities.ts";
import { controlWord } from "../../../emulator/vmx/controls.ts";
import { checkEntry, entryChecks, entryFailureText } from "../../../emulator/vmx/entry-checks.ts";
import { vmcsRevision } from "../../../emulator/vmx/vmcs.ts";
import type { VmcsField } from "../../../emulator/vmx/vmcs-fields.ts";
import { sampleVmcs } from "./sample-vmcs.ts";

type Fields = Partial<Record<VmcsField, bigint | number>>;
const notCanonical = 0x8000_0000_0000_0000n;
const injectInterrupt = 0x80000020;
const noUnrestricted = controlWord("ept", "vpid");
const longGuest: Fields = {
  entryControls: 0x11fb | controlWord("ia32eModeGuest", "entryLoadEfer"),
  guestEfer: 0x500n,
  guestCr4: 0x2020n,
};
const v8086: Fields = {
  guestRflags: 0x20002n,
  ...Object.fromEntries(
    ["Es", "Cs", "Ss", "Ds", "Fs", "Gs"].flatMap((s) => [
      [`guest${s}Access`, 0xf3],
      [`guest${s}Limit`, 0xffff],
      [`guest${s}Selector`, 0],
      [`guest${s}Base`, 0n],
    ]),
  ),
};

/** Of a VMM that is not in IA-32e mode. */
const legacyHost: Fields = { exitControls: 0x36dfb };

const shadowed = (0x04006172 | controlWord("tprShadow", "secondaryControls")) >>> 0;
const delivering = controlWord("ept", "virtualInterruptDelivery");
const posted = 0x16 | controlWord("externalInterruptExiting", "postedInterrupts");
const posting: Fields = {
  primaryControls: shadowed,
  secondaryControls: delivering,
  pinControls: posted,
  exitControls: 0x36dfb | controlWord("hostAddressSpaceSize", "acknowledgeInterrupt"),
};
/** The VMCS of these tests is at 1000h; the virtual-APIC page has a task priority of 80h. */
const read32 = (address: number): number => (address === 0x1000 ? vmcsRevision : 0x80);

/** For each check, a change of a good VMCS that breaks it and no check before it. */
const broken: Readonly<Record<string, Fields>> = {
  "pinControls.must-be-1": { pinControls: 0 },
  "pinControls.must-be-0": { pinControls: 0x116 },
  "primaryControls.must-be-1": { primaryControls: 0 },
  "primaryControls.must-be-0": { primaryControls: (0x04006172 | controlWord("tertiaryControls")) >>> 0 },
  "secondaryControls.must-be-0": { secondaryControls: controlWord("enclsExiting") },
  "cr3-targets.count": { cr3TargetCount: 5 },
  "ioBitmapA.address": { ioBitmapA: 0x3001 },
  "ioBitmapB.address": { ioBitmapB: 1n << 41n },
  "msrBitmaps.address": { msrBitmaps: 0x5800 },
  "virtualApicAddress.address": { primaryControls: shadowed, virtualApicAddress: 8n },
  "tpr-threshold.reserved": { primaryControls: shadowed, tprThreshold: 0x10 },
  "tpr-threshold.vtpr": { primaryControls: shadowed, tprThreshold: 9 },
  "virtual-nmis.nmi-exiting": { pinControls: 0x16 | controlWord("virtualNmis") },
  "nmi-window.virtual-nmis": { primaryControls: (0x04006172 | controlWord("nmiWindowExiting")) >>> 0 },
  "eptp.memory-type": { eptPointer: 0x601cn },
  "eptp.walk-length": { eptPointer: 0x6016n },
  "eptp.reserved": { eptPointer: 0x619en },
  "apicAccessAddress.address": {
    secondaryControls: controlWord("ept", "virtualizeApicAccesses"),
    apicAccessAddress: 8n,
  },
  "apic-register-virtualization.tpr-shadow": { secondaryControls: controlWord("ept", "apicRegisterVirtualization") },
  "virtual-interrupt-delivery.tpr-shadow": { secondaryControls: delivering },
  "virtual-interrupt-delivery.external-interrupts": {
    primaryControls: shadowed,
    secondaryControls: delivering,
    pinControls: 0x16,
  },
  "posted-interrupts.delivery": { pinControls: posted },
  "posted-interrupts.acknowledge": {
    primaryControls: shadowed,
    secondaryControls: delivering,
    pinControls: posted,
  },
  "posted-interrupts.vector": { ...posting, postedInterruptVector: 0x100 },
  "postedInterruptDescriptor.address": { ...posting, postedInterruptDescriptor: 8n },
  "pml.ept": { secondaryControls: controlWord("pml") },
  "pmlAddress.address": { secondaryControls: controlWord("ept", "vpid", "pml"), pmlAddress: 8n },
  "mode-based-execute.ept": { secondaryControls: controlWord("modeBasedExecute") },
  "vm-functions.reserved": { secondaryControls: controlWord("vmFunctions"), vmFunctionControls: 2n },
  "eptp-switching.ept": { secondaryControls: controlWord("vmFunctions"), vmFunctionControls: 1n },
  "eptp-switching.address": {
    secondaryControls: controlWord("ept", "vmFunctions"),
    vmFunctionControls: 1n,
    eptpListAddress: 8n,
  },
  "virtualizationExceptionAddress.address": {
    secondaryControls: controlWord("eptViolationVe"),
    virtualizationExceptionAddress: 8n,
  },
  "unrestricted-guest.ept": { secondaryControls: controlWord("unrestrictedGuest") },
  "vpid.nonzero": { vpid: 0 },
  "exitControls.must-be-1": { exitControls: 0 },
  "exitControls.must-be-0": { exitControls: 0xffffffff },
  "save-timer.timer": { exitControls: 0x36dfb | controlWord("hostAddressSpaceSize", "savePreemptionTimer") },
  "exitMsrStoreAddress.aligned": { exitMsrStoreCount: 1, exitMsrStoreAddress: 8n },
  "exitMsrLoadAddress.aligned": { exitMsrLoadCount: 1, exitMsrLoadAddress: 8n },
  "entryControls.must-be-1": { entryControls: 0 },
  "entryControls.must-be-0": { entryControls: 0xffffffff },
  "injection.type": { entryInterruptionInfo: 0x80000100 },
  "injection.other-vector": { entryInterruptionInfo: 0x80000701 },
  "injection.nmi-vector": { entryInterruptionInfo: 0x80000203 },
  "injection.exception-vector": { entryInterruptionInfo: 0x80000320 },
  "injection.error-code": { entryInterruptionInfo: 0x8000030e },
  "injection.reserved": { entryInterruptionInfo: 0x80001020 },
  "injection.error-code-high": { entryInterruptionInfo: 0x80000b0e, entryErrorCode: 0x10000 },
  "injection.length": { entryInterruptionInfo: 0x80000480, entryInstructionLength: 0 },
  "entryMsrLoadAddress.aligned": { entryMsrLoadCount: 1, entryMsrLoadAddress: 8n },

  "host-cr0.fixed": { hostCr0: 0x31n },
  "host-cr4.fixed": { hostCr4: 0x20n },
  "host-cr3.width": { hostCr3: 1n << 41n },
  "hostSysenterEsp.canonical": { hostSysenterEsp: notCanonical },
  "hostSysenterEip.canonical": { hostSysenterEip: notCanonical },
  "host-pat.types": { exitControls: 0x36dfb | controlWord("hostAddressSpaceSize", "exitLoadPat"), hostPat: 2n },
  "host-efer.reserved": { hostEfer: 0x502n },
  "host-efer.mode": { hostEfer: 0n },
  "hostEsSelector.rpl-ti": { hostEsSelector: 3 },
  "hostCsSelector.rpl-ti": { hostCsSelector: 12 },
  "hostSsSelector.rpl-ti": { hostSsSelector: 1 },
  "hostDsSelector.rpl-ti": { hostDsSelector: 1 },
  "hostFsSelector.rpl-ti": { hostFsSelector: 1 },
  "hostGsSelector.rpl-ti": { hostGsSelector: 1 },
  "hostTrSelector.rpl-ti": { hostTrSelector: 1 },
  "host-cs.not-null": { hostCsSelector: 0 },
  "host-tr.not-null": { hostTrSelector: 0 },
  "host-ss.not-null": { hostSsSelector: 0, exitControls: 0x36dfb },
  "hostFsBase.canonical": { hostFsBase: notCanonical },
  "hostGsBase.canonical": { hostGsBase: notCanonical },
  "hostGdtrBase.canonical": { hostGdtrBase: notCanonical },
  "hostIdtrBase.canonical": { hostIdtrBase: notCanonical },
  "hostTrBase.canonical": { hostTrBase: notCanonical },
  "host-address-space.size": { exitControls: 0x36dfb },
  "host-address-space.guest": { ...legacyHost, entryControls: longGuest.entryControls! },
  "host-cr4.pcide": { ...legacyHost, hostCr4: 0x2_2020n },
  "hostRip.high": { ...legacyHost, hostRip: 0x1_0000_0000n },
  "host-cr4.pae": { hostCr4: 0x2000n },
  "hostRip.canonical": { hostRip: notCanonical },

  "cr0.fixed": { guestCr0: 0x80000011n },
  "cr0.pg-pe": { guestCr0: 0x80000030n },
  "cr4.fixed": { guestCr4: 0n },
  "ia32e.paging": { ...longGuest, guestCr0: 0x31n },
  "ia32e.pae": { ...longGuest, guestCr4: 0x2000n },
  "cr4.pcide": { guestCr4: 0x2_2020n },
  "cr3.width": { guestCr3: 1n << 41n },
  "dr7.high": { entryControls: 0x11fb | controlWord("loadDebugControls"), guestDr7: 1n << 32n },
  "sysenter-esp.canonical": { guestSysenterEsp: notCanonical },
  "sysenter-eip.canonical": { guestSysenterEip: notCanonical },
  "pat.types": { entryControls: 0x11fb | controlWord("entryLoadPat"), guestPat: 3n },
  "efer.reserved": { guestEfer: 2n },
  "efer.lma": { guestEfer: 0x500n },
  "efer.lme": { guestEfer: 0x100n },
  "cs.type": { guestCsAccess: 0xc091 },
  "cs.dpl": { guestCsAccess: 0xc0bb },
  "cs.l-d": { ...longGuest, guestCsAccess: 0xe09b },
  "ss.type": { guestSsAccess: 0xc091 },
  "ss.rpl": { secondaryControls: noUnrestricted, guestSsSelector: 19 },
  "ss.dpl": { secondaryControls: noUnrestricted, guestSsSelector: 17, guestCsSelector: 9 },
  "tr.usable": { guestTrAccess: 0x1008b },
  "tr.type": { guestTrAccess: 0x89 },
  "tr.s": { guestTrAccess: 0x9b },
  "tr.present": { guestTrAccess: 0x0b },
  "tr.ti": { guestTrSelector: 4 },
  "tr.limit": { guestTrLimit: 0x100000 },
  "ldtr.type": { guestLdtrAccess: 0x81 },
  "ldtr.present": { guestLdtrAccess: 0x02 },
  "tr.reserved": { guestTrAccess: 0x18b },
  "ldtr.limit": { guestLdtrAccess: 0x82, guestLdtrLimit: 0x100000 },
  "ldtr.reserved": { guestLdtrAccess: 0x182 },
  "ldtr.ti": { guestLdtrAccess: 0x82, guestLdtrSelector: 4 },
  "tr.base": { guestTrBase: notCanonical },
  "fs.base": { guestFsBase: notCanonical },
  "gs.base": { guestGsBase: notCanonical },
  "gdtr.base": { guestGdtrBase: notCanonical },
  "idtr.base": { guestIdtrBase: notCanonical },
  "gdtr.limit": { guestGdtrLimit: 0x10000 },
  "idtr.limit": { guestIdtrLimit: 0x10000 },
  "rip.high": { guestRip: 1n << 32n },
  "rip.canonical": { ...longGuest, guestCsAccess: 0xa09b, guestRip: notCanonical },
  "debugctl.reserved": { entryControls: 0x11fb | controlWord("loadDebugControls", "entryLoadEfer"), guestDebugctl: 1n },
  "ldtr.base": { guestLdtrAccess: 0x82, guestLdtrBase: notCanonical },
  "es.base": { guestEsBase: 1n << 32n },
  "cs.base": { guestCsBase: 1n << 32n },
  "ss.base": { guestSsBase: 1n << 32n },
  "ds.base": { guestDsBase: 1n << 32n },
  "pending-debug.reserved": { guestPendingDebug: 0x1_1000n },
  "pending-debug.step": { guestInterruptibility: 2, guestPendingDebug: 0x4000n },
  "rflags.reserved": { guestRflags: 0n },
  "rflags.vm": { ...v8086, guestCr0: 0x30n },
  "rflags.if": { entryInterruptionInfo: injectInterrupt },
  "activity.range": { guestActivity: 4 },
  "activity.hlt": { guestActivity: 1, guestSsAccess: 0xc0f3, guestCsAccess: 0xc0fb },
  "activity.blocking": { guestActivity: 1, guestInterruptibility: 2 },
  "activity.inject": { guestActivity: 3, guestRflags: 0x202n, entryInterruptionInfo: injectInterrupt },
  "interruptibility.reserved": { guestInterruptibility: 0x10 },
  "interruptibility.both": { guestInterruptibility: 3 },
  "interruptibility.sti-if": { guestInterruptibility: 1 },
  "interruptibility.inject-interrupt": {
    guestRflags: 0x202n,
    guestInterruptibility: 1,
    entryInterruptionInfo: injectInterrupt,
  },
  "interruptibility.inject-nmi": { guestInterruptibility: 2, entryInterruptionInfo: 0x80000202 },
  "interruptibility.virtual-nmi": {
    pinControls: 0x16 | controlWord("nmiExiting", "virtualNmis"),
    entryInterruptionInfo: 0x80000202,
    guestInterruptibility: 8,
  },
  "interruptibility.smi": { guestInterruptibility: 4 },
  "link-pointer.address": { vmcsLinkPointer: 8n },
  "link-pointer.revision": { vmcsLinkPointer: 0n },
  "link-pointer.current": { vmcsLinkPointer: 0x1000n },
  "guestPdpte0.reserved": { guestCr4: 0x2020n, guestPdpte0: 3n },
  "guestPdpte1.reserved": { guestCr4: 0x2020n, guestPdpte1: 0x21n },
  "guestPdpte2.reserved": { guestCr4: 0x2020n, guestPdpte2: 0x101n },
  "guestPdpte3.reserved": { guestCr4: 0x2020n, guestPdpte3: (1n << 41n) | 1n },
  ...Object.fromEntries(
    ["es", "cs", "ss", "ds", "fs", "gs"].flatMap((name) => {
      const key = `${name[0]!.toUpperCase()}${name[1]}`;
      const access = name === "cs" ? 0xc09b : 0xc093;
      const field = `guest${key}Access`;
      return [
        [`${name}.s`, { [field]: access & ~0x10 }],
        [`${name}.present`, { [field]: access & ~0x80 }],
        [`${name}.accessed`, name === "cs" || name === "ss" ? undefined : { [field]: access & ~1 }],
        [`${name}.limit`, { [`guest${key}Limit`]: 0 }],
        [`${name}.reserved`, { [field]: access | 0x100 }],
        [`${name}.type`, name === "cs" || name === "ss" ? undefined : { [field]: 0xc099 }],
        [
          `${name}.dpl`,
          name === "cs" || name === "ss"
            ? undefined
            : { secondaryControls: noUnrestricted, [`guest${key}Selector`]: 19, [field]: 0xc0d3 },
        ],
        [`v8086.${name}.base`, { ...v8086, [`guest${key}Base`]: 16n }],
        [`v8086.${name}.limit`, { ...v8086, [`guest${key}Limit`]: 0xfffff }],
        [`v8086.${name}.access`, { ...v8086, [field]: 0x93 }],
      ].filter(([, fields]) => fields !== undefined);
    }),
  ),
};

/** Checks that an earlier one always forestalls: types of CS and SS that are not accessed fail as types. */
const forestalled = new Set(["cs.accessed", "ss.accessed"]);

const groups = [
  ["controls", "vmfail", entryChecks.controls],
  ["host", "vmfail", entryChecks.host],
  ["guest", "exit", entryChecks.guest],
] as const;

describe("VM-entry checks", () => {
  it("passes a sensible VMCS, in protected, long and virtual-8086 mode", () => {
    expect(checkEntry(sampleVmcs())).toBeUndefined();
    expect(checkEntry(sampleVmcs({ ...longGuest, guestCsAccess: 0xa09b }))).toBeUndefined();
    expect(checkEntry(sampleVmcs(v8086))).toBeUndefined();
  });

  for (const [group, kind, checks] of groups)
    test.each(checks.filter((c) => !forestalled.has(c.id)).map((c) => [c.id, c] as const))(
      `${group}: %s`,
      (id, check) => {
        const change = broken[id];
        expect(change, `no broken VMCS for ${id}`).toBeDefined();
        const vmcs = sampleVmcs(change);
        const legacy = ["host-address-space.guest", "host-cr4.pcide", "hostRip.high"].includes(id);
        const failure = checkEntry(vmcs, entryChecks, { longMode: !legacy, cr4: fixedCr4.may, read32 });
        expect(failure?.check.id).toBe(id);
        expect(failure?.kind).toBe(kind);
        expect(entryFailureText(vmcs, failure!)).toContain(check.sentence);
      },
    );

  it("has no two checks of one name, and no case for a check that is gone", () => {
    const ids = groups.flatMap(([, , checks]) => checks.map((c) => c.id));
    expect(new Set(ids).size).toBe(ids.length);
    expect(Object.keys(broken).filter((id) => !ids.includes(id))).toEqual([]);
  });

  it("names the controls that the processor does not have", () => {
    const vmcs = sampleVmcs({ secondaryControls: controlWord("ept", "virtualizeX2apic", "vmcsShadowing") | (1 << 29) });
    expect(entryFailureText(vmcs, checkEntry(vmcs)!)).toMatch(
      /The processor does not have: Virtualize x2APIC mode \(bit 4\), VMCS shadowing \(bit 14\), a reserved bit \(bit 29\)\.$/,
    );
  });

  it("reports errors 7 and 8, and exit reason 33 with its qualification", () => {
    expect(checkEntry(sampleVmcs({ vpid: 0 }))).toMatchObject({ kind: "vmfail", error: 7 });
    expect(checkEntry(sampleVmcs({ hostRip: notCanonical }))).toMatchObject({ kind: "vmfail", error: 8 });
    expect(checkEntry(sampleVmcs({ guestRflags: 0n }))).toMatchObject({ kind: "exit", reason: 33, qualification: 0 });
    expect(checkEntry(sampleVmcs({ vmcsLinkPointer: 0n }))).toMatchObject({ qualification: 4 });
  });

  it("checks controls before host, and host before guest", () => {
    expect(checkEntry(sampleVmcs({ vpid: 0, hostCr0: 0n, guestRflags: 0n }))?.check.id).toBe("vpid.nonzero");
    expect(checkEntry(sampleVmcs({ hostCr0: 0n, guestRflags: 0n }))?.check.id).toBe("host-cr0.fixed");
  });
});
