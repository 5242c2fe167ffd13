import { describe, expect, test } from "vitest";
import { layout } from "../../../emulator/cpu/layout.ts";
import type { Access } from "../../../emulator/cpu/monitor.ts";
import { CR0, CR4, EFER } from "../../../emulator/cpu/state.ts";
import { type Processor, processor } from "../cpu/processor.ts";
import { all, bit, enablePaging, frame, type Kind, map, path, readEntry, table, writeEntry } from "./paging.ts";

const linear = 0x0040_1234n;

interface Case {
  readonly name: string;
  readonly kind: Kind;
  /** Level of the entry to change, and its new bits. */
  readonly level: number;
  readonly value: bigint;
  readonly access?: Access;
  readonly cpl?: 0 | 3;
  readonly cr0?: number;
  readonly cr4?: number;
  readonly efer?: number;
  readonly ac?: boolean;
  /** #PF error code; undefined if the access is allowed. */
  readonly code: number | undefined;
}

const [present, write, user, reserved, fetch] = [1, 2, 4, 8, 16];

const pg = (CR0.PE | CR0.PG | CR0.WP) >>> 0;

const pgNoWp = (CR0.PE | CR0.PG) >>> 0;

const leafPage = BigInt(frame);

const cases: readonly Case[] = [
  { name: "not present, read", kind: "two-level", level: 1, value: 0n, code: 0 },
  {
    name: "not present, user write",
    kind: "two-level",
    level: 1,
    value: 0n,
    access: "write",
    cpl: 3,
    code: write | user,
  },
  { name: "directory not present", kind: "two-level", level: 2, value: bit.RW, code: 0 },
  {
    name: "fetch without NX or SMEP has no I/D bit",
    kind: "two-level",
    level: 1,
    value: 0n,
    access: "execute",
    code: 0,
  },
  { name: "fetch with NXE", kind: "four-level", level: 1, value: 0n, access: "execute", code: fetch },
  {
    name: "fetch with SMEP",
    kind: "two-level",
    level: 1,
    value: 0n,
    access: "execute",
    cr4: CR4.PSE | CR4.SMEP,
    code: fetch,
  },
  {
    name: "user read of a supervisor page",
    kind: "four-level",
    level: 1,
    value: leafPage | bit.P | bit.RW,
    cpl: 3,
    code: present | user,
  },
  {
    name: "user read below a supervisor directory",
    kind: "pae",
    level: 2,
    value: BigInt(table[1]) | bit.P | bit.RW,
    cpl: 3,
    code: present | user,
  },
  {
    name: "user write of a read-only page",
    kind: "two-level",
    level: 1,
    value: leafPage | bit.P | bit.US,
    access: "write",
    cpl: 3,
    cr0: pgNoWp,
    code: present | write | user,
  },
  {
    name: "supervisor write of a read-only page with WP",
    kind: "two-level",
    level: 1,
    value: leafPage | bit.P,
    access: "write",
    cr0: pg,
    code: present | write,
  },
  {
    name: "supervisor write of a read-only page without WP",
    kind: "two-level",
    level: 1,
    value: leafPage | bit.P,
    access: "write",
    cr0: pgNoWp,
    code: undefined,
  },
  {
    name: "read-only by an upper level",
    kind: "four-level",
    level: 4,
    value: BigInt(table[3]) | bit.P | bit.US,
    access: "write",
    code: present | write,
  },
  {
    name: "execute disable in the leaf",
    kind: "four-level",
    level: 1,
    value: leafPage | all | bit.XD,
    access: "execute",
    code: present | fetch,
  },
  {
    name: "execute disable in an upper level",
    kind: "pae",
    level: 2,
    value: BigInt(table[1]) | all | bit.XD,
    access: "execute",
    cpl: 3,
    code: present | user | fetch,
  },
  {
    name: "execute disable does not forbid reading",
    kind: "four-level",
    level: 1,
    value: leafPage | all | bit.XD,
    code: undefined,
  },
  {
    name: "bit 63 is reserved without NXE",
    kind: "four-level",
    level: 1,
    value: leafPage | all | bit.XD,
    efer: EFER.LME | EFER.LMA,
    code: present | reserved,
  },
  {
    name: "address bit beyond MAXPHYADDR",
    kind: "four-level",
    level: 3,
    value: BigInt(table[2]) | all | (1n << 40n),
    code: present | reserved,
  },
  {
    name: "reserved bit, user write",
    kind: "pae",
    level: 1,
    value: leafPage | all | (1n << 45n),
    access: "write",
    cpl: 3,
    code: present | write | user | reserved,
  },
  {
    name: "bits 62:52 are reserved in PAE",
    kind: "pae",
    level: 1,
    value: leafPage | all | (1n << 52n),
    code: present | reserved,
  },
  {
    name: "bits 62:52 are ignored in 4-level",
    kind: "four-level",
    level: 1,
    value: leafPage | all | (1n << 52n),
    code: undefined,
  },
  {
    name: "PS in a PML4E",
    kind: "four-level",
    level: 4,
    value: BigInt(table[3]) | all | bit.PS,
    code: present | reserved,
  },
  {
    name: "unaligned 2 MiB page",
    kind: "four-level",
    level: 2,
    value: 0x20_2000n | all | bit.PS,
    code: present | reserved,
  },
  {
    name: "unaligned 1 GiB page",
    kind: "four-level",
    level: 3,
    value: 0x4020_0000n | all | bit.PS,
    code: present | reserved,
  },
  {
    name: "bit 21 of a 4 MiB page",
    kind: "two-level",
    level: 2,
    value: 0x20_0000n | all | bit.PS,
    code: present | reserved,
  },
  {
    name: "a reserved bit counts before a missing lower level's rights",
    kind: "four-level",
    level: 2,
    value: BigInt(table[1]) | bit.P | (1n << 41n),
    access: "write",
    cpl: 3,
    code: present | write | user | reserved,
  },
  {
    name: "SMEP: supervisor fetch from a user page",
    kind: "four-level",
    level: 1,
    value: leafPage | all,
    access: "execute",
    cr4: CR4.PAE | CR4.SMEP,
    code: present | fetch,
  },
  {
    name: "SMEP leaves supervisor pages alone",
    kind: "four-level",
    level: 1,
    value: leafPage | bit.P,
    access: "execute",
    cr4: CR4.PAE | CR4.SMEP,
    code: undefined,
  },
  {
    name: "SMAP: supervisor read of a user page",
    kind: "four-level",
    level: 1,
    value: leafPage | all,
    cr4: CR4.PAE | CR4.SMAP,
    code: present,
  },
  {
    name: "SMAP: allowed with EFLAGS.AC",
    kind: "four-level",
    level: 1,
    value: leafPage | all,
    cr4: CR4.PAE | CR4.SMAP,
    ac: true,
    code: undefined,
  },
  {
    name: "SMAP does not concern user accesses",
    kind: "four-level",
    level: 1,
    value: leafPage | all,
    cr4: CR4.PAE | CR4.SMAP,
    cpl: 3,
    code: undefined,
  },
  {
    name: "SMAP and a read-only user page, AC set",
    kind: "four-level",
    level: 1,
    value: leafPage | bit.P | bit.US,
    access: "write",
    cr4: CR4.PAE | CR4.SMAP,
    ac: true,
    code: present | write,
  },
];

function prepare({ kind, level, value, cpl = 0, cr0, cr4, efer, ac }: Case): Processor {
  const p = processor();
  enablePaging(p, kind, cpl);
  const { entries } = map(p, kind, linear);
  writeEntry(p, entries.find((entry) => entry.level === level)!, value);
  const { cpu } = p;
  if (cr0 !== undefined) cpu.r64[layout.cr0 >> 3] = BigInt(cr0);
  if (cr4 !== undefined) cpu.r64[layout.cr4 >> 3] = BigInt(cr4);
  if (efer !== undefined) cpu.r64[layout.efer >> 3] = BigInt(efer);
  if (ac) cpu.flags = 0x4_0000;
  return p;
}

describe("page-fault error codes", () => {
  test.each(cases)("$kind: $name", (one) => {
    const p = prepare(one);
    const access = one.access ?? "read";
    const before = path(one.kind, linear).entries.map((entry) => readEntry(p, entry));
    expect(p.cpu.walk(Number(linear), access).errorCode).toBe(one.code);
    let thrown: unknown;
    try {
      p.cpu.translate(Number(linear), access);
    } catch (fault) {
      thrown = fault;
    }
    if (one.code === undefined) expect(thrown).toBeUndefined();
    else {
      expect(thrown).toMatchObject({ vector: 14, errorCode: one.code, address: linear });
      expect(path(one.kind, linear).entries.map((entry) => readEntry(p, entry))).toEqual(before);
    }
  });

  test.each(cases.filter(({ code }) => code !== undefined))("$kind: $name: the walk names the entry", (one) => {
    const { steps } = prepare(one).cpu.walk(Number(linear), one.access ?? "read");
    expect(steps.filter((step) => step.verdict !== "ok")).toHaveLength(1);
    expect(steps.find((step) => step.verdict !== "ok")!.level).toBe(one.level);
  });
});
