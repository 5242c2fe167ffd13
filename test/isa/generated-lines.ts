import type { Form } from "../../isa/form.ts";
import type { OperandPattern } from "../../isa/operand-pattern.ts";
import type { Bits } from "../../isa/operands.ts";
import { registers } from "../../isa/registers.ts";
import { meaningOf, mnemonics } from "../../isa/table.ts";

/** A small generator with a fixed beginning: the same lines in every run. */
export function* pseudoRandom(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

const words = (text: string): string[] => text.split(" ");
const sizeWords: Readonly<Record<number, string>> = { 8: "byte", 16: "word", 32: "dword", 64: "qword", 128: "oword" };
const everySize = words("byte word dword qword");

/** Numbers where an encoding, or its warning, changes. */
const numbers = words(
  "0 1 2 3 -1 5 100 127 128 -128 -129 255 256 -256 0x7fff 0x8000 0xffff -0x8000 0x10000 0x12345 0x7fffffff 0x80000000 " +
    "0xffffff80 0xffffff7f 0xffffffff -0x80000000 -0x80000001 0x100000000 0x7fffffffffffffff 0x8000000000000000 " +
    "0xffffffffffffff80 0xffffffff80000000 0x123456789abcdef0 0xff80 0xfe",
);

/** Displacements, as they stand behind a register. */
const displacements = words(
  "+0 +1 -1 +127 +128 -128 -129 +255 +0x7fff +0x8000 +0xffff +0xff80 -0x8000 +0x12345 +0x7fffffff -0x80000000 +0xffffff80 +0xffffffff",
);

const pairs16 = words("bx+si bx+di bp+si bp+di si+bx di+bp si di bp bx");
const names32 = words("eax ecx edx ebx esp ebp esi edi");
const names64 = words("rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15");
const names32wide = [...names32, ...words("r8d r9d r10d r11d r12d r13d r14d r15d")];

/** Chooses from lists by a sequence of random numbers. */
class Chooser {
  private readonly source: Generator<number, never>;
  constructor(seed: number) {
    this.source = pseudoRandom(seed);
  }
  below(limit: number): number {
    return Math.floor(this.source.next().value * limit);
  }
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
  /** True once in so many times. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }
}

/** The registers and constant of an address, of the sizes that the mode has and, now and then, of one that it has not. */
function terms(bits: Bits, choose: Chooser): string {
  const size = choose.once(12)
    ? choose.of([16, 32, 64])
    : choose.of(bits === 16 ? [16, 16, 32] : bits === 32 ? [32, 32, 16] : [64, 64, 32]);
  if (choose.once(5)) return choose.of(numbers);
  if (size === 16) return choose.of(pairs16) + (choose.once(2) ? choose.of(displacements) : "");
  const names = size === 64 ? names64 : bits === 64 ? names32wide : names32;
  const base = choose.of(names);
  const index = choose.of(names);
  const scale = choose.of(["", "", "*1", "*2", "*4", "*8", "*3", "*5", "*9"]);
  const shape = choose.below(6);
  const registersText =
    shape < 2
      ? base
      : shape < 4
        ? `${base}+${index}${scale}`
        : shape === 4
          ? `${index}${scale}`
          : `${index}${scale}+${base}`;
  return registersText + (choose.once(2) ? choose.of(displacements) : "");
}

const inBrackets = [
  "",
  "",
  "",
  "",
  "byte ",
  "word ",
  "dword ",
  "qword ",
  "nosplit ",
  "rel ",
  "abs ",
  "strict dword ",
  "a16 ",
  "a32 ",
  "a64 ",
];

function memory(width: number | undefined, bits: Bits, choose: Chooser): string {
  const segment = choose.once(6) ? `${choose.of(words("es cs ss ds fs gs"))}:` : "";
  const keyword = choose.once(4) ? choose.of(inBrackets) : "";
  const fitting = width === undefined ? "" : `${sizeWords[width]} `;
  const size = choose.once(6) ? `${choose.of(everySize)} ` : choose.once(3) ? "" : fitting;
  return `${size}[${keyword}${segment}${terms(bits, choose)}]`;
}

const generalNames = registers.filter((r) => r.class === "general" || r.class === "high-byte");

/** Names of a class of registers at a width, those that only 64-bit code has among them. */
const registerNames = (kind: string, width: number | undefined, bits: Bits): string[] =>
  (kind === "general" ? generalNames : registers.filter((r) => r.class === kind))
    .filter((r) => (kind !== "general" || r.width === width) && (bits === 64 || !r.rex || r.class === "control"))
    .map(({ name }) => name);

function immediate(pattern: OperandPattern, choose: Chooser): string {
  if (choose.once(3)) return `${choose.of(["", "strict "])}${choose.of(everySize)} ${choose.of(numbers)}`;
  // Half of the numbers are near the limits of the field.
  const width = BigInt(pattern.width ?? 8);
  const limit = 1n << (width - 1n);
  const near = [limit - 1n, limit, -limit, -limit - 1n, 2n * limit - 1n, 2n * limit, 0n, 1n, -1n];
  return choose.once(2) ? choose.of(numbers) : `${choose.of(near)}`;
}

const distances = [0, 2, 5, 127, 128, 129, 130, -126, -127, -128, 131, 132, 133, 0x7fff, 0x8003, -0x8000, 0x12345678];

/** Targets: a distance from the line, or now and then an address. */
function target(choose: Chooser): string {
  const keyword = choose.once(2)
    ? ""
    : `${choose.of(["short", "near", "word", "dword", "strict near", "near dword", "far"])} `;
  if (choose.once(12)) return keyword + choose.of(numbers);
  const distance = choose.of(distances);
  return `${keyword}$${distance < 0 ? "" : "+"}${distance}`;
}

/** An operand for a pattern. */
function fitting(pattern: OperandPattern, form: Form, bits: Bits, choose: Chooser): string {
  const isMemory = pattern.kind === "memory" || (pattern.kind === "rm" && choose.once(2));
  if (pattern.place === "fixed") return pattern.register?.name ?? `${pattern.value}`;
  if (pattern.place === "moffs") return choose.of([`[${choose.of(numbers)}]`, `[qword ${choose.of(numbers)}]`]);
  if (isMemory) {
    const far = pattern.farMemory !== undefined && form.row.family === "control-flow";
    const operand = memory(far ? pattern.farMemory : pattern.memoryWidth, bits, choose);
    return far ? `far ${operand}` : operand;
  }
  switch (pattern.kind) {
    case "register":
    case "rm":
      return choose.of(registerNames(pattern.class, pattern.width, bits));
    case "immediate":
      return immediate(pattern, choose);
    case "relative":
      return target(choose);
    case "far":
      return `${choose.of(["", "word ", "dword ", "far "])}${choose.of(["0", "8", "0xffff", "0x10000"])}:${choose.of(numbers)}`;
    default:
      return choose.of(registerNames(pattern.kind, undefined, bits));
  }
}

/** Any operand, fitting or not. */
function any(bits: Bits, choose: Chooser): string {
  const kind = choose.below(8);
  if (kind < 4) return choose.of(registers).name;
  if (kind < 6) return memory(choose.of([8, 16, 32, 64]), bits, choose);
  return kind === 6 ? `${choose.of(["", "", "byte ", "strict dword "])}${choose.of(numbers)}` : "8:0x1234";
}

const prefixes = words("lock rep repe repne repnz es cs ss ds fs gs o16 o32 o64 a16 a32 a64");

function line(mnemonic: string, form: Form, bits: Bits, choose: Chooser): string {
  const prefix = choose.once(5) ? `${choose.of(prefixes)} ` : "";
  const second = prefix && choose.once(5) ? `${choose.of(prefixes)} ` : "";
  const wrong = choose.once(9) ? choose.below(form.operands.length) : -1;
  const operands = form.operands.map((pattern, n) =>
    n === wrong ? any(bits, choose) : fitting(pattern, form, bits, choose),
  );
  const count = choose.below(60);
  if (count === 0) operands.push(any(bits, choose));
  else if (count === 1) operands.pop();
  return `${prefix}${second}${mnemonic} ${operands.join(", ")}`.trim();
}

/** Conditions have many names for the same few encodings. */
const isConditional = (mnemonic: string): boolean => /^(set|cmov|j(?!mp|[er]?cxz))/.test(mnemonic);

/** What the generator seldom or never makes, and must not be forgotten. */
const rareLines = [
  "pop cs",
  "mov qword [rbx], es",
  "mov ds, qword [rbx]",
  "retw 4",
  "retd 4",
  "mov cr8, eax",
  "mov eax, cr8",
  "a16 jecxz $",
  "o32 push 500",
  "o16 jmp 8:5",
  "o64 xbegin $+6",
  "bextr eax, ebx, 5",
  "o64 invlpga rax, ecx",
];

/**
 * Lines for every form of every mnemonic and alias, about `each` of them a form: fitting operands with every kind of
 * register, address, number and keyword, and now and then operands and prefixes that do not fit.
 */
export function generatedLines(bits: Bits, each: number, seed: number = bits): string[] {
  const choose = new Chooser(seed);
  const lines = mnemonics.flatMap((mnemonic) =>
    (meaningOf(mnemonic)?.forms ?? []).flatMap((form) => {
      const count = isConditional(mnemonic) ? each / 6 : form.operands.length === 0 ? each / 2 : each;
      return Array.from({ length: Math.ceil(count) }, () => line(mnemonic, form, bits, choose));
    }),
  );
  return [...new Set([...lines, ...rareLines])];
}
