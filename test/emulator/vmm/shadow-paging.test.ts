import { describe, expect, it } from "vitest";
import { layout } from "../../../emulator/cpu/layout.ts";
import type { Access, Monitor, NestedAccess } from "../../../emulator/cpu/monitor.ts";
import { CR0, CR4 } from "../../../emulator/cpu/state.ts";
import type { RecordedBody } from "../../../emulator/trace/event.ts";
import { Allocator } from "../../../emulator/vmm/allocator.ts";
import { hostReservedBytes } from "../../../emulator/vmm/context.ts";
import { ShadowPool } from "../../../emulator/vmm/memory/shadow-pool.ts";
import { ShadowedGuest, shadowedCr0, shadowedCr4 } from "../../../emulator/vmm/memory/shadowed-guest.ts";
import { HostMemory } from "../../../emulator/vmx/host-memory.ts";
import { costProfile } from "../../../isa/costs.ts";
import { processor, protectedMode } from "../cpu/processor.ts";

const guestBytes = 0x10_0000;
const directory = 0x1_0000;
const table = 0x1_1000;
const page = 0x2_0000;

/** A VMM that has nothing but shadow paging. Nothing leaves its guest. */
class OnlyShadow implements Monitor {
  readonly guest: ShadowedGuest;
  readonly ownsInterrupts = false;
  readonly exitPending = false;
  constructor(guest: ShadowedGuest) {
    this.guest = guest;
  }
  translate(physical: number, access: Access, options: NestedAccess): number {
    return this.guest.translate(physical, access, options);
  }
  beforeInstruction = (): boolean => false;
  onException = (): boolean => false;
  onInterrupt = (): boolean => false;
  onTaskSwitch(): void {}
  onNmi = (): boolean => false;
  onTripleFault = (): boolean => false;
  atBoundary = (): boolean => false;
  readControl = (_: 0 | 4, real: bigint): bigint => real;
  guestPhysical(linear: number): number | undefined {
    return this.guest.guestPhysical(linear);
  }
  viewGuest = <T>(look: () => T): T => look();
  changeGuest = (change: () => true | string): true | string => change();
  handleExit(): void {}
  save(): undefined {}
  restore(): void {}
}

/** A guest whose first 4 MiB are mapped to themselves by a 32-bit page table, with the VMM at work for it. */
function started() {
  const p = processor(hostReservedBytes + guestBytes);
  protectedMode(p, 0);
  const { cpu } = p;
  const memory = new HostMemory(cpu);
  const write = (physical: number, value: number): void => memory.write32(hostReservedBytes + physical, value);
  const read = (physical: number): number => memory.read32(hostReservedBytes + physical);
  write(directory, table | 7);
  for (let n = 0; n < 1024; n++) write(table + 4 * n, (n << 12) | 7);
  cpu.r64[layout.cr0 >> 3] = BigInt((CR0.PE | CR0.PG | CR0.WP | CR0.ET) >>> 0);
  cpu.r64[layout.cr3 >> 3] = BigInt(directory);
  const events: RecordedBody[] = [];
  const record = (body: RecordedBody): number => events.push(body);
  const allocator = new Allocator(memory, {
    cpu,
    slice: 0,
    guestBase: hostReservedBytes,
    guestBytes,
    a20: { enabled: true },
  });
  const pool = new ShadowPool({ cpu, memory, allocator });
  const guest = new ShadowedGuest({ cpu, costs: costProfile("unit")!, record }, pool, allocator, {
    cr0: { mask: shadowedCr0, must: CR0.PE | CR0.PG | CR0.WP },
    cr4: { mask: shadowedCr4, must: 0 },
  });
  cpu.monitor = new OnlyShadow(guest);
  const classes = (): string[] => events.flatMap((event) => (event.kind === "shadow" ? [event.class] : []));
  const fault = (linear: number, access: Access) => {
    guest.enter();
    const outcome = guest.faults.handle({ linear, access, user: false, delivering: false });
    guest.leave();
    return outcome;
  };
  return { cpu, guest, write, read, classes, fault, events };
}

describe("a fault that another processor has mended meanwhile", () => {
  it("is a race: nothing is done", () => {
    const { fault, classes } = started();
    fault(page, "write");
    fault(page, "write");
    fault(page, "read");
    expect(classes()).toEqual(["missing shadow", "race", "race"]);
  });
});

describe("dirty logging", () => {
  it("notes each page once when it is first written, until it is asked for again", () => {
    const { guest, fault, classes } = started();
    const place = (physical: number): number => (hostReservedBytes + physical) / 4096;
    fault(page, "write");
    guest.paging.coherence.logWrites(true);
    fault(page, "write");
    fault(page + 0x1000, "read");
    fault(page + 0x1000, "write");
    expect(guest.paging.allows(page, "write", false)).toBe(true);
    expect(guest.paging.coherence.takeDirty()).toEqual([place(page), place(page + 0x1000)]);
    expect(guest.paging.allows(page, "write", false)).toBe(false);
    fault(page, "write");
    expect(guest.paging.coherence.takeDirty()).toEqual([place(page)]);
    guest.paging.coherence.logWrites(false);
    fault(page, "write");
    expect(classes()).toEqual([
      "missing shadow",
      "dirty-log",
      "missing shadow",
      "dirty-log",
      "dirty-log",
      "missing shadow",
    ]);
  });
});

describe("shadow tables", () => {
  it("are what the processor walks: the guest's rights, and host-physical addresses", () => {
    const { cpu, fault, guest } = started();
    fault(page, "read");
    expect(guest.inside).toBe(false);
    expect(cpu.walk(page, "read")).toMatchObject({ physical: hostReservedBytes + page, verdict: "ok" });
    expect(cpu.walk(page, "write").errorCode).toBe(3);
    fault(page, "write");
    expect(cpu.walk(page, "write")).toMatchObject({ physical: hostReservedBytes + page });
  });

  it("set accessed and dirty bits in the guest's tables as the processor would", () => {
    const { fault, read } = started();
    fault(page, "read");
    expect(read(table + 4 * (page >> 12)) & 0x60).toBe(0x20);
    expect(read(directory) & 0x20).toBe(0x20);
    fault(page, "write");
    expect(read(table + 4 * (page >> 12)) & 0x60).toBe(0x60);
  });

  it("are write-protected wherever the guest maps a table, when the table is first shadowed", () => {
    const { guest, fault, write } = started();
    write(directory + 4, 0x1_2007);
    for (let n = 0; n < 1024; n++) write(0x1_2000 + 4 * n, (n << 12) | 7);
    fault(0x1_2000, "write");
    expect(guest.paging.allows(0x1_2000, "write", false)).toBe(true);
    fault(0x40_0000 + page, "read");
    expect(guest.paging.allows(0x1_2000, "write", false)).toBe(false);
    expect(guest.paging.allows(0x1_2000, "read", false)).toBe(true);
  });

  it("keep the roots of the last four address spaces", () => {
    const { cpu, guest, write, events } = started();
    const load = (root: number): string => {
      guest.enter();
      cpu.r64[layout.cr3 >> 3] = BigInt(root);
      guest.loadedRoot();
      guest.leave();
      const last = events.at(-1);
      return last?.kind === "shadow" && last.what.includes("was there") ? "there" : "new";
    };
    const roots = [1, 2, 3, 4].map((n) => 0x3_0000 + n * 0x1000);
    for (const root of roots) write(root, table | 7);
    expect(roots.map(load)).toEqual(["new", "new", "new", "new"]);
    expect(roots.map(load)).toEqual(["there", "there", "there", "there"]);
    expect(load(directory)).toBe("new");
    expect(load(roots[0]!)).toBe("new");
  });

  it("refuse 5-level paging by name", () => {
    const { cpu, guest } = started();
    guest.enter();
    cpu.r64[layout.cr4 >> 3] = BigInt(CR4.PAE | CR4.LA57);
    cpu.r64[layout.efer >> 3] = 0x500n;
    expect(() => guest.leave()).toThrow(expect.objectContaining({ what: "5-level paging under shadow paging" }));
  });
});
