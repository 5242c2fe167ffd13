import { describe, expect, it, test } from "vitest";
import { type NptOutcome, nptBits, walkNpt } from "../../../emulator/svm/npt.ts";
import type { WalkStep } from "../../../emulator/trace/event.ts";

const { present, writable, user, large, noExecute, accessed, dirty } = nptBits;
const all = present | writable | user;

/** Tables at 1000h (PML4), 2000h, 3000h and 4000h that map guest-physical 5000h to A000h; with `changes` to single entries. */
function tables(changes: Readonly<Record<number, bigint>> = {}) {
  const entries = new Map<number, bigint>([
    [0x1000, 0x2000n | all],
    [0x2000, 0x3000n | all],
    [0x3000, 0x4000n | all],
    [0x4028, 0xa000n | all],
    ...Object.entries(changes).map(([address, entry]): [number, bigint] => [Number(address), entry]),
  ]);
  return {
    entries,
    read64: (address: number): bigint => entries.get(address) ?? 0n,
    write64: (address: number, value: bigint): void => void entries.set(address, value),
  };
}

type Access = "read" | "write" | "execute";
const walk = (memory: ReturnType<typeof tables>, access: Access = "read", options = {}): NptOutcome =>
  walkNpt(memory, 0x1000, 0x5678, access, { forTable: false, probe: false, ...options });

describe("nested page tables", () => {
  it("translate through four levels, and set A everywhere and D where written", () => {
    const memory = tables();
    expect(walk(memory)).toEqual({ kind: "ok", host: 0xa678 });
    expect([0x1000, 0x2000, 0x3000, 0x4028].map((at) => memory.read64(at) & (accessed | dirty))).toEqual(
      Array(4).fill(accessed),
    );
    expect(walk(memory, "write").kind).toBe("ok");
    expect(memory.read64(0x4028) & dirty).toBe(dirty);
    expect(memory.read64(0x3000) & dirty).toBe(0n);
  });

  it("change nothing for a probe", () => {
    const memory = tables();
    const before = new Map(memory.entries);
    expect(walk(memory, "write", { probe: true }).kind).toBe("ok");
    expect(memory.entries).toEqual(before);
  });

  it("count every access to a guest table as a user's write", () => {
    const readOnly = tables({ 16424: 0xa000n | present | user });
    expect(walk(readOnly)).toMatchObject({ kind: "ok" });
    for (const access of ["read", "execute"] as const)
      expect(walk(readOnly, access, { forTable: true })).toMatchObject({ kind: "fault", write: true, fetch: false });
    const memory = tables();
    expect(walk(memory, "read", { forTable: true }).kind).toBe("ok");
    expect(memory.read64(0x4028) & dirty).toBe(dirty);
  });

  const fault = { kind: "fault", present: true, reserved: false, write: false, fetch: false };
  test.each<[string, Record<number, bigint>, Access, object]>([
    ["a missing table", { 8192: 0n }, "read", { present: false, level: 3 }],
    ["a missing page", { 16424: 0xa000n }, "write", { present: false, write: true, level: 1 }],
    ["a page that is read-only", { 16424: 0xa000n | present | user }, "write", { write: true, level: 1 }],
    ["a table that is read-only", { 8192: 0x3000n | present | user }, "write", { write: true, level: 1 }],
    ["a page for the supervisor", { 16424: 0xa000n | present | writable }, "read", { level: 1 }],
    ["a table for the supervisor", { 4096: 0x2000n | present | writable }, "execute", { fetch: true, level: 1 }],
    ["a page without execution", { 16424: 0xa000n | all | noExecute }, "execute", { fetch: true, level: 1 }],
    ["an address that does not exist", { 12288: (1n << 51n) | all }, "read", { reserved: true, level: 2 }],
    ["PS in the PML4", { 4096: 0x2000n | all | large }, "read", { reserved: true, level: 4 }],
    ["a large page that is not aligned", { 12288: 0x4000n | all | large }, "read", { reserved: true, level: 2 }],
  ])("refuse by %s", (_, changes, access, expected) => {
    expect(walk(tables(changes), access)).toMatchObject({ ...fault, ...expected });
  });

  test.each([
    ["2 MiB", { 12288: 0x40_0000n | all | large }, 0x40_5678],
    ["1 GiB", { 8192: 0x4000_0000n | all | large }, 0x4000_5678],
    ["2 MiB with its PAT bit", { 12288: 0x40_1000n | all | large }, 0x40_5678],
  ])("map pages of %s", (_, changes, host) => {
    expect(walk(tables(changes))).toEqual({ kind: "ok", host });
  });

  it("write down every step", () => {
    const steps: WalkStep[] = [];
    walk(tables({ 16424: 0n }), "read", { steps });
    expect(steps.map(({ table, verdict }) => `${table} ${verdict}`)).toEqual([
      "nested PML4E ok",
      "nested PDPTE ok",
      "nested PDE ok",
      "nested PTE not present",
    ]);
    expect(steps[0]!.bits).toEqual(["P", "R/W", "U/S"]);
  });
});
