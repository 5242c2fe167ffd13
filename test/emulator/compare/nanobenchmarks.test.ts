import { describe, expect, test } from "vitest";
import { Machine } from "../../../emulator/index.ts";
import type { TechniqueId } from "../../../isa/technique.ts";
import { assembled, configurationOf } from "../machine/program.ts";
import { guestWithTables } from "../vmm/guest.ts";

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

const paging = `
        mov dword [20000h], 21007h
        mov edi, 21000h
        mov eax, 7
        mov edx, 400h
.fill:  stosd
        add eax, 1000h
        dec edx
        jnz .fill
        mov eax, 20000h
        mov cr3, eax
        mov eax, cr0
        or eax, 80000000h
        mov cr0, eax`;

/** A process that makes system calls by INT 30, through a gate to the kernel. */
const process = `
        mov dword [idt + 30 * 8], service
        mov word [idt + 30 * 8 + 2], 8
        mov word [idt + 30 * 8 + 4], 0EE00h
        mov word [idt + 30 * 8 + 6], 0
        push dword 23h
        push dword 3F000h
        push dword 202h
        push dword 1Bh
        push dword user
        iretd
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
    before: `${paging}\nmov dword [21000h + 4 * 50h], 0\nmov eax, cr3\nmov cr3, eax`,
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
    before: `${paging}\nmov ebx, 21000h + 4 * 50h`,
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
