import { describe, expect, test } from "vitest";
import { Machine } from "../../../emulator/index.ts";
import type { TechniqueId } from "../../../isa/technique.ts";
import { assembled, configurationOf } from "../machine/program.ts";
import { guestWithTables } from "../vmm/guest.ts";
import { gate, identityPaging, toRing3 } from "../vmm/setup.ts";

/*
 * The nanobenchmarks of Adams and Agesen (ASPLOS 2006, figure 4) on the processor that they used. Published cycles per
 * operation: native, under their software VMM, under their hardware VMM (VT-x with shadow page tables).
 */
interface Nanobenchmark {
  readonly name: string;
  readonly published: readonly [native: number | "N", software: number | "N + 2000", hardware: number | "N"];
  /** Before the loop, the operation, and what the rest of the guest needs. */
  readonly before?: string;
  readonly operation: string;
  readonly after?: string;
  /** From the cheapest to the dearest; alike within a twentieth are joined by "=". */
  readonly order: readonly string[];
}

/** A process that makes system calls by INT 30, through a gate to the kernel. */
const process = `
${gate("service")}
${toRing3("user", "3F000h", "202h")}
service: iretd
user:`;

const rows: readonly Nanobenchmark[] = [
  {
    name: "syscall",
    published: ["N", "N + 2000", "N"],
    before: process,
    operation: "int 30",
    order: ["native = hardware", "software"],
  },
  { name: "in", published: [3209, 214, 15826], operation: "in al, 61h", order: ["software", "native", "hardware"] },
  {
    name: "call/ret",
    published: [11, 51, 11],
    operation: "call .leaf\njmp .next\n.leaf: ret\n.next:",
    order: ["native = hardware", "software"],
  },
  {
    name: "pgfault",
    published: [1093, 3927, 11242],
    before: `${identityPaging}\nmov dword [21000h + 4 * 50h], 0\nmov eax, cr3\nmov cr3, eax`,
    operation: "mov al, [50000h]",
    order: ["native", "software", "hardware"],
  },
  {
    name: "divzero",
    published: [889, 3223, 1014],
    operation: "xor edx, edx\nxor ebx, ebx\ndiv ebx",
    order: ["native = hardware", "software"],
  },
  {
    name: "ptemod",
    published: [1, 391, 12733],
    before: `${identityPaging}\nmov ebx, 21000h + 4 * 50h`,
    operation: "xor dword [ebx], 200h\ninvlpg [50000h]",
    order: ["native", "software", "hardware"],
  },
];

const few = 100;
const many = 400;

/** A loop over the operation, with its count at 510h; an exception in it goes on with the next round. */
const guest = ({ before = "", operation, after = "" }: Nanobenchmark, rounds: number): string =>
  guestWithTables(`
${before}
        mov dword [ss:510h], ${rounds}
again:
${operation.replaceAll("\n", "\n        ")}
next_round: dec dword [ss:510h]
        jnz again
        mov ax, cs
        and al, 3
        cmp al, 3
        jne finish
        int 31
resume: cmp dword [ss:500h], 31
        jae finish
        mov esp, 60000h
        cmp dword [ss:510h], 1
        ja next_round
        jmp finish
${after}`);

function cyclesOf(technique: TechniqueId, source: string): number {
  const machine = new Machine(configurationOf(assembled(source), { technique, costs: "P4-2005", memory: 1 }));
  machine.run({ steps: 3_000_000 });
  expect(machine.stopped?.reason).toBe("halted");
  return machine.cycle;
}

/** Cycles of one operation, with the loop around it. */
const priceOf = (technique: TechniqueId, row: Nanobenchmark): number =>
  (cyclesOf(technique, guest(row, many)) - cyclesOf(technique, guest(row, few))) / (many - few);

describe("who wins each published nanobenchmark", () => {
  test.each(rows)("$name", (row) => {
    const prices = {
      native: priceOf("bare-metal", row),
      software: priceOf("binary-translation", row),
      hardware: priceOf("vtx-shadow", row),
    };
    const groups = row.order.map((group) => group.split(" = ") as (keyof typeof prices)[]);
    for (const group of groups) {
      const [first, ...others] = group.map((name) => prices[name]);
      for (const other of others) expect(Math.abs(other / first! - 1)).toBeLessThan(0.05);
    }
    const ordered = groups.map(([name]) => prices[name!]);
    expect(ordered).toEqual([...ordered].sort((a, b) => a - b));
    for (const [n, price] of ordered.entries()) if (n > 0) expect(price).toBeGreaterThan(1.2 * ordered[n - 1]!);
  });
});
