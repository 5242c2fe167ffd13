import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { assemble } from "../../assembler/index.ts";
import type { Bits } from "../../isa/operands.ts";
import { mnemonics, rowsOf } from "../../isa/table.ts";
import { assembleLines, hasNasm } from "./nasm.ts";
import { modes } from "./samples.ts";

function ownBytes(bits: Bits, line: string): string | undefined {
  const { problems, bytes } = assemble({ file: "line.asm", text: `bits ${bits}\n${line}\n` });
  return problems.some((problem) => problem.severity === "error") ? undefined : Buffer.from(bytes).toString("hex");
}

/** Lines on which we and nasm disagree: other bytes, or one accepts what the other refuses. */
function differences(bits: Bits, lines: readonly string[], mayRefuse: (line: string) => boolean): string[] {
  const expected = assembleLines(bits, lines);
  return lines.flatMap((line, n) => {
    const nasm = expected[n]!;
    const theirs = "bytes" in nasm ? nasm.bytes : undefined;
    const ours = ownBytes(bits, line);
    if (ours === theirs || (ours === undefined && mayRefuse(line))) return [];
    return [`${line}: ${ours ?? "refused"}, nasm ${theirs ?? "refuses"}`];
  });
}

/** A small generator with a fixed beginning: the same lines in every run. */
function* pseudoRandom(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

const registers = "al cl ah spl r8b ax bx sp r9w eax ecx ebp r10d rax rcx rsp r12 dx ds fs cr0 cr4 dr7".split(" ");
const sizes = ["", "", "", "byte ", "word ", "dword ", "qword "];
const addresses = [
  "bx",
  "bp+si",
  "eax",
  "ebp+4",
  "esp+eax*2",
  "rax",
  "r13",
  "0x1234",
  "es:di",
  "fs:eax+0x100",
  "rax+rcx*4-129",
  "byte eax",
  "dword eax",
];
const numbers = "0 1 5 -1 127 128 255 256 -128 -129 0x7fff 0xffff 0x10000 0x7fffffff 0x80000000 0xffffffff".split(" ");

/** Operands of every kind, fitting or not, behind every mnemonic that is no branch (whose targets depend on the place). */
function randomLines(count: number): string[] {
  const random = pseudoRandom(1);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next().value * list.length)]!;
  const names = mnemonics.filter(
    (name) => !rowsOf(name).some((row) => row.operands.some((o) => o.kind === "relative")),
  );
  const operand = (): string => {
    const kind = pick(["register", "register", "memory", "memory", "number"]);
    if (kind === "register") return pick(registers);
    return kind === "memory" ? `${pick(sizes)}[${pick(addresses)}]` : pick(numbers);
  };
  return Array.from({ length: count }, () => {
    const mnemonic = pick(names);
    const length = pick(rowsOf(mnemonic)).operands.length;
    return `${mnemonic} ${Array.from({ length }, operand).join(", ")}`.trim();
  });
}

describe.skipIf(!hasNasm)("assembles as nasm does", () => {
  const lines = readFileSync(join(import.meta.dirname, "lines.asm"), "utf8")
    .split("\n")
    .filter((line) => line && !line.startsWith(";"));

  it.each(modes)("chosen lines, %i bits", (bits) => {
    expect(differences(bits, lines, () => false)).toEqual([]);
  });

  it.each(modes)("random lines, %i bits", (bits) => {
    // nasm takes a number for the memory operand of LEA, MOV to CS, POP CS and MOV CR8 behind LOCK; we do not.
    const mayRefuse = (line: string) => /^lea|^mov cs|^pop cs|cr8/.test(line);
    expect(differences(bits, randomLines(6000), mayRefuse)).toEqual([]);
  });
});
