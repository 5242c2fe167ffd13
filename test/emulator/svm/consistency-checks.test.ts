import { describe, expect, it, test } from "vitest";
import { checkConsistency, consistencyChecks, inconsistencyText } from "../../../emulator/svm/consistency-checks.ts";
import { type Fields, sampleVmcb } from "./sample-vmcb.ts";

const beyond = 1n << 52n;
const longMode: Fields = { efer: 0x1500n, cr4: 0x20n };
const inject = (type: number, vector: number): bigint => 0x8000_0000n | BigInt((type << 8) | vector);

/** For each check, changes of a good VMCB that break it and no check before it. */
const broken: Readonly<Record<string, Fields>> = {
  "efer.svme": { efer: 0n },
  "cr0.cd-nw": { cr0: 0xa000_0011n },
  "cr0.high": { cr0: 0x1_8000_0011n },
  "cr3.mbz": { cr3: beyond },
  "cr4.mbz": { cr4: 0x2000n },
  "dr6.high": { dr6: 0x1_0000_0000n },
  "dr7.high": { dr7: 0x1_0000_0000n },
  "efer.mbz": { efer: 0x1002n },
  "efer.lme-pae": { efer: 0x1100n },
  "efer.lme-pe": { efer: 0x1100n, cr4: 0x20n, cr0: 0x8000_0010n },
  "cs.l-d": { ...longMode, csAttributes: 0xe9b },
  "vmrun.intercept": { vector4: 0 },
  "iopm.address": { iopmBase: (1n << 40n) - 0x2000n },
  "msrpm.address": { msrpmBase: (1n << 40n) - 0x1000n },
  "injection.type": { eventInjection: inject(1, 0x20) },
  "injection.exception": { eventInjection: inject(3, 2) },
  "asid.nonzero": { asid: 0 },
  "vnmi.intercept": { virtualInterrupt: 1 << 26 },
  "ncr3.mbz": { nestedCr3: beyond },
  "gpat.types": { guestPat: 2n },
};

describe("consistency checks of VMRUN", () => {
  it("pass for a good VMCB", () => {
    expect(checkConsistency(sampleVmcb())).toBeUndefined();
    expect(checkConsistency(sampleVmcb({ ...longMode, csAttributes: 0xa9b }))).toBeUndefined();
  });

  it("are all broken below", () => {
    expect(Object.keys(broken).sort()).toEqual(consistencyChecks.map(({ id }) => id).sort());
  });

  test.each(Object.entries(broken))("%s", (id, fields) => {
    const vmcb = sampleVmcb(fields);
    const failed = checkConsistency(vmcb);
    expect(failed?.id).toBe(id);
    expect(inconsistencyText(vmcb, failed!)).toMatch(
      /^VMRUN failed \(VMEXIT_INVALID\): .+ Check .+ \(VMCB [0-9A-F]{3}h\) = /,
    );
  });

  it("allow paged real mode", () => {
    expect(checkConsistency(sampleVmcb({ cr0: 0x8000_0010n }))).toBeUndefined();
  });

  test.each([
    ["an interrupt", inject(0, 0x20), {}, true],
    ["an NMI, whatever its vector", inject(2, 99), {}, true],
    ["#GP", inject(3, 13), {}, true],
    ["INT 80h", inject(4, 0x80), {}, true],
    ["exception 32", inject(3, 32), {}, false],
    ["#BR in 32-bit code", inject(3, 5), {}, true],
    ["#BR in 64-bit code", inject(3, 5), { ...longMode, csAttributes: 0xa9b }, false],
    ["a reserved type that is not valid", inject(5, 0) & ~0x8000_0000n, {}, true],
  ] as const)("inject %s", (_, eventInjection, fields, allowed) => {
    expect(checkConsistency(sampleVmcb({ ...fields, eventInjection })) === undefined).toBe(allowed);
  });

  it("ask only for what is always read where all is said to be clean", () => {
    expect(checkConsistency(sampleVmcb({ clean: 0xffff_ffff, asid: 0 }))).toBeUndefined();
    const vmcb = sampleVmcb({ clean: 0xffff_ffff, eventInjection: inject(3, 2) });
    expect(checkConsistency(vmcb)?.id).toBe("injection.exception");
  });
});
