import { describe, expect, it, test } from "vitest";
import { controls } from "../../../emulator/vmx/controls.ts";
import { exitReasons } from "../../../emulator/vmx/exit-reasons.ts";
import { fieldOffset, vmcsBytes } from "../../../emulator/vmx/vmcs.ts";
import {
  encodingParts,
  fieldByEncoding,
  shownFields,
  type VmcsField,
  vmcsFields,
} from "../../../emulator/vmx/vmcs-fields.ts";
import { sampleVmcs } from "./sample-vmcs.ts";

const all = Object.keys(vmcsFields) as VmcsField[];

describe("VMCS fields", () => {
  test.each([
    ["guestRip", 0x681e, "guest", 64],
    ["exitReason", 0x4402, "read-only", 32],
    ["vpid", 0x0000, "control", 16],
    ["eptPointer", 0x201a, "control", 64],
    ["hostTrSelector", 0x0c0c, "host", 16],
    ["guestPhysicalAddress", 0x2400, "read-only", 64],
  ] as const)("%s is %i", (field, encoding, group, bits) => {
    expect(vmcsFields[field].encoding).toBe(encoding);
    expect(encodingParts(encoding)).toMatchObject({ group, bits, high: false });
    expect(fieldByEncoding(encoding)).toBe(field);
  });

  it("gives every field bytes of its own inside the page", () => {
    const owner = new Map<number, string>();
    for (const field of all) {
      const { encoding } = vmcsFields[field];
      const bytes = encodingParts(encoding).bits / 8;
      for (let n = 0; n < bytes; n++) {
        const at = fieldOffset(encoding) + n;
        expect(owner.get(at), `${field} shares byte ${at} with ${owner.get(at)}`).toBeUndefined();
        owner.set(at, field);
        expect(at).toBeLessThan(vmcsBytes);
        expect(at).toBeGreaterThanOrEqual(12);
      }
    }
  });

  it("names host fields, and only them, as the host's", () => {
    for (const field of all) {
      const { encoding, name } = vmcsFields[field];
      expect(name.startsWith("Host "), name).toBe(encodingParts(encoding).group === "host");
      expect(field.startsWith("host"), field).toBe(name.startsWith("Host "));
      expect(encoding & 1).toBe(0);
    }
  });

  it("reads back what was written, truncated to the width", () => {
    const vmcs = sampleVmcs();
    for (const field of all) {
      const { bits } = encodingParts(vmcsFields[field].encoding);
      vmcs.set(field, 0x1122_3344_5566_7788n);
      expect(vmcs.get(field), field).toBe(BigInt.asUintN(bits, 0x1122_3344_5566_7788n));
      expect(vmcs.number(field), field).toBe(bits === 16 ? 0x7788 : 0x55667788);
    }
  });

  it("shows 25 fields first", () => {
    expect(new Set(shownFields).size).toBe(25);
  });
});

describe("tables", () => {
  it("has one control per bit", () => {
    const places = Object.values(controls).map((c) => `${c.field} ${c.bit}`);
    expect(new Set(places).size).toBe(places.length);
  });

  it("has each exit reason once, and only the entry failures as such", () => {
    expect(new Set(exitReasons.map((r) => r.number)).size).toBe(exitReasons.length);
    expect(new Set(exitReasons.map((r) => r.name)).size).toBe(exitReasons.length);
    expect(exitReasons.filter((r) => r.kind === "entry-failure").map((r) => r.number)).toEqual([33, 34, 41]);
    expect(exitReasons.filter((r) => r.kind === "trap").map((r) => r.number)).toEqual([37, 43, 45, 56, 74]);
  });
});
