import { describe, expect, it } from "vitest";
import { Assembler, type Assembly, assemble } from "../../assembler/index.ts";
import { flowOf } from "../../server/analysis/flow.ts";
import { pick, type Random, seeded } from "../assembler/random.ts";

const file = "file:///guest/flow.asm";

/** What is known at each instruction, as text. */
const known = (assembly: Assembly): string[] =>
  assembly.mentions.map((mention) => {
    const at = flowOf(assembly).at(mention);
    const registers = at && Array.from({ length: 8 }, (_, n) => at.register(n));
    return `${mention.range.line} ${mention.mnemonic} ${at && JSON.stringify([at.mode, at.cpl, at.code, at.interrupts, at.umip, at.asked, registers])}`;
  });

const lines = [
  "cli",
  "sti",
  "call routine1",
  "call routine2",
  "mov eax, 4",
  "mov cr4, eax",
  "pushfd",
  "popfd",
  "jnz part1",
  "jz part3",
  "jmp part2",
  "cpuid",
  "xor ecx, ecx",
  "mov edx, [value]",
  "nop",
  "lgdt [table]",
  "push dword 1Bh",
  "push dword part2",
  "retf",
  "hlt",
];

/** A program that enters protected mode and goes to and fro in it. */
function program(random: Random): string[] {
  const some = (count: number) => Array.from({ length: count }, () => ` ${pick(lines, random)}`);
  const start = ["bits 16", "org 7C00h", " lgdt [table]", " mov eax, cr0", " or al, 1", " mov cr0, eax"];
  return [
    ...[...start, " jmp dword 8:part1", "bits 32", "part1:", ...some(12), "part2:", ...some(12), "part3:", ...some(12)],
    ...[" jmp part1", "routine1:", ...some(4), " ret", "routine2:", " call routine1", ...some(3), " ret"],
    ...["table: dw 31", " dd gdt", "gdt: dq 0, 0CF9A000000FFFFh, 0CF92000000FFFFh, 0CFFA000000FFFFh", "value: dd 5"],
  ];
}

const first = 9;

describe("what is known of mode and ring", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("after edits is what it is of the text anew (seed %i)", (seed) => {
    const random = seeded(seed);
    const text = program(random);
    const assembler = new Assembler({ file });
    known(assembler.assemble(text.join("\n")));
    let followed = 0;
    for (let n = 0; n < 60; n++) {
      const at = first + random(text.length - first - 4);
      if (/:/.test(text[at]!)) continue;
      text.splice(at, random(2), ...(random(5) > 0 ? [` ${pick(lines, random)}`] : []));
      const now = text.join("\n");
      const assembly = assembler.assemble(now);
      if (assembler.followed) followed++;
      expect(known(assembly), now).toEqual(known(assemble({ file, text: now })));
    }
    expect(followed).toBeGreaterThan(40);
  });
});
