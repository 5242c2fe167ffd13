import { expect, test } from "vitest";
import { DS } from "../../../emulator/cpu/state.ts";
import { HostMemory } from "../../../emulator/vmx/host-memory.ts";
import { type Processor, processor } from "../cpu/processor.ts";

const page = 5;
const address = page * 4096;

const ways: readonly (readonly [name: string, write: (p: Processor) => void])[] = [
  ["an instruction", ({ cpu }) => cpu.store32(DS, address + 4, 1)],
  [
    "an instruction after one to the same page",
    ({ cpu }) => {
      cpu.store8(DS, address, 1);
      cpu.clean();
      cpu.store8(DS, address, 2);
    },
  ],
  ["the processor for itself", ({ cpu }) => cpu.writeSystem(address, 2, 1)],
  ["a device", ({ cpu }) => cpu.writePhysical(address, 1, 1)],
  ["a VMM", ({ cpu }) => new HostMemory(cpu).write64(address, 1n)],
  [
    "a VMM that was given the bytes before",
    ({ cpu }) => {
      new HostMemory(cpu).bytes(address, 8);
      cpu.clean();
    },
  ],
  ["somebody who tells beforehand, across a border", ({ cpu }) => cpu.physical.announceWrite(address - 1, 2)],
];

test.each(ways)("a page is no longer clean when it was written by %s", (_, write) => {
  const p = processor();
  p.cpu.clean();
  expect(p.cpu.physical.isClean(page)).toBe(true);
  write(p);
  expect(p.cpu.physical.isClean(page)).toBe(false);
  expect(p.cpu.physical.isClean(page + 1)).toBe(true);
});

test("reading leaves a page clean, and once written it is quick to write", () => {
  const { cpu } = processor();
  cpu.clean();
  cpu.load32(DS, address);
  expect(cpu.physical.isClean(page)).toBe(true);
  cpu.store32(DS, address, 1);
  expect(cpu.quickAddress(address, true)).toBeGreaterThan(0);
  cpu.clean();
  expect(cpu.quickAddress(address, true)).toBe(-1);
});

test("pages that are not clean are listed once each, apart from those at somebody's hands", () => {
  const { cpu } = processor();
  const { physical } = cpu;
  cpu.clean();
  const exposed = [...physical.exposedPages];
  physical.dirty(address, 4097);
  physical.dirty(address);
  expect(physical.dirtyPages).toEqual([page, page + 1]);
  physical.expose(address, 1);
  physical.expose(address, 4096);
  expect([...physical.exposedPages]).toEqual([...exposed, page]);
  expect(physical.dirtyPages).toEqual([page + 1]);
  expect(physical.notClean).toBe(exposed.length + 2);
  cpu.clean();
  physical.dirty(address);
  expect(physical.dirtyPages).toEqual([]);
  expect(physical.isClean(page)).toBe(false);
  physical.expose(physical.ramBytes - 1, 4097);
  expect([...physical.exposedPages]).toEqual([...exposed, page, (physical.ramBytes >>> 12) - 1]);
});
