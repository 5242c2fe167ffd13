import { describe, expect, it, test } from "vitest";
import type { Access } from "../../../emulator/cpu/monitor.ts";
import type { WalkStep } from "../../../emulator/trace/event.ts";
import { eptEntryAddress, makeEptp, misconfiguration, walkEpt } from "../../../emulator/vmx/ept.ts";

const root = 0x1000;
/** Tables at 1000h (PML4), 2000h, 3000h and 4000h; guest page 5000h is host page 9000h. */
function tables(changes: Readonly<Record<number, bigint>> = {}) {
  const entries = new Map<number, bigint>([
    [0x1000, 0x2007n],
    [0x2000, 0x3007n],
    [0x3000, 0x4007n],
    [0x4000 + 5 * 8, 0x9037n],
  ]);
  for (const [address, entry] of Object.entries(changes)) entries.set(Number(address), entry);
  return {
    entries,
    read64: (address: number) => entries.get(address) ?? 0n,
    write64: (address: number, value: bigint) => void entries.set(address, value),
  };
}
const options = { forTable: false, probe: false };
const walk = (access: Access, changes = {}, gpa = 0x5123, more = {}) =>
  walkEpt(tables(changes), makeEptp(root, false), gpa, access, { ...options, ...more });

describe("EPT walk", () => {
  it("translates through four levels and reports each", () => {
    const steps: WalkStep[] = [];
    expect(walk("write", {}, 0x5123, { steps })).toEqual({ kind: "ok", host: 0x9123 });
    expect(steps.map((s) => `${s.table} ${s.address} ${s.entry} ${s.bits.join(" ")}`)).toEqual([
      "EPT PML4E 1000 2007 R W X",
      "EPT PDPTE 2000 3007 R W X",
      "EPT PDE 3000 4007 R W X",
      "EPT PTE 4028 9037 R W X WB",
    ]);
  });

  it("indexes nine bits per level", () => {
    const gpa = 0x7f1234567abc;
    const index = (level: number): number => eptEntryAddress(0, gpa, level) / 8;
    expect([4, 3, 2, 1].map(index)).toEqual([254, 72, 418, 359]);
  });

  it("stops at large pages", () => {
    expect(walk("read", { [0x3000]: 0x4000b7n }, 0x5123)).toEqual({ kind: "ok", host: 0x405123 });
    expect(walk("read", { [0x2000]: 0x400000b7n }, 0x205123)).toEqual({ kind: "ok", host: 0x40205123 });
  });

  test.each<[string, Access, Record<number, bigint>, number, number]>([
    ["not present at level 1", "read", { [0x4028]: 0n }, 1, 0],
    ["not present at level 2", "write", { [0x3000]: 0n }, 2, 0],
    ["read-only page written", "write", { [0x4028]: 0x9035n }, 2, 5],
    ["no execute", "execute", { [0x4028]: 0x9033n }, 4, 3],
    ["permissions are ANDed over the levels", "write", { [0x2000]: 0x3005n }, 2, 5],
    ["execute-only page read", "read", { [0x4028]: 0x9034n }, 1, 4],
  ])("violation: %s", (_, access, changes, attempted, allowed) => {
    expect(walk(access, changes)).toMatchObject({ kind: "violation", attempted, allowed });
  });

  test.each<[bigint, number, string]>([
    [0x2002n, 4, "write permission without read permission"],
    [0x2006n, 3, "write permission without read permission"],
    [0x2087n, 4, "reserved bits 7:3 set in a PML4 entry"],
    [0x200fn, 3, "bits 6:3 set in an entry that refers to a table"],
    [0x9017n, 1, "reserved memory type 2"],
    [0x903fn, 1, "reserved memory type 7"],
    [0x4010b7n, 2, "a page frame that is not aligned to its size"],
    [(1n << 45n) | 0x37n, 1, "reserved physical-address bits set"],
  ])("misconfiguration: %x at level %i", (entry, level, fault) => {
    expect(misconfiguration(entry, level)).toBe(fault);
  });

  it("finds a misconfiguration before a missing permission above it", () => {
    expect(walk("write", { [0x2000]: 0x3001n, [0x4028]: 0x9032n })).toMatchObject({
      kind: "misconfiguration",
      level: 1,
    });
  });

  it("has no present bit: bit 0 alone does not say so", () => {
    expect(walk("execute", { [0x4028]: 0x9034n })).toEqual({ kind: "ok", host: 0x9123 });
  });
});

describe("EPT accessed and dirty flags", () => {
  const eptp = makeEptp(root, true);
  it("sets accessed at every level and dirty in the leaf after a successful write", () => {
    const memory = tables();
    walkEpt(memory, eptp, 0x5000, "write", options);
    expect([0x1000, 0x2000, 0x3000, 0x4028].map((a) => memory.entries.get(a))).toEqual([
      0x2107n,
      0x3107n,
      0x4107n,
      0x9337n,
    ]);
  });

  it("sets nothing on a failed walk, a probe, or without EPTP bit 6", () => {
    const failed = tables({ [0x4028]: 0x9035n });
    walkEpt(failed, eptp, 0x5000, "write", options);
    const probed = tables();
    walkEpt(probed, eptp, 0x5000, "write", { ...options, probe: true });
    const off = tables();
    walkEpt(off, makeEptp(root, false), 0x5000, "write", options);
    for (const memory of [failed, probed, off]) expect(memory.entries.get(0x1000)).toBe(0x2007n);
  });

  it("counts accesses to guest tables as writes", () => {
    const readOnly = { [0x4028]: 0x9035n };
    const table = { ...options, forTable: true };
    expect(walkEpt(tables(readOnly), eptp, 0x5000, "read", table)).toMatchObject({
      kind: "violation",
      attempted: 3,
      allowed: 5,
    });
    expect(walkEpt(tables(readOnly), makeEptp(root, false), 0x5000, "read", table)).toMatchObject({ kind: "ok" });
  });
});
