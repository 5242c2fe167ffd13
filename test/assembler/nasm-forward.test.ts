import { describe, expect, it } from "vitest";
import type { Bits } from "../../isa/operands.ts";
import { hasNasm } from "../isa/nasm.ts";
import { modes } from "../isa/samples.ts";
import { nasmOutput, ringsideOutput, shown } from "./nasm-oracle.ts";

/** Instructions whose length depends on a number D. */
const instructions: Record<Bits, readonly string[]> = {
  16: ["add ax, D", "push D", "mov ax, [bx+D]", "mov ax, [bp+D]"],
  32: [
    "add eax, D",
    "add ebx, D",
    "push D",
    "imul eax, D",
    "imul eax, ebx, D",
    "shl eax, D",
    "mov eax, [ebx+D]",
    "mov eax, [ebp+D]",
    "lea eax, [ebx+ecx*4+D]",
    "add dword [ebx+D], D",
    "cmp byte [ebx+D], 1",
  ],
  64: ["mov rax, D", "mov rax, D+0x7ffffff0", "mov rax, D+0xfffffff0", "add rax, D", "push D", "mov rax, [rbx+D]"],
};

/** Distances about those where an encoding gets longer. */
const gaps = [
  0, 1, 2, 3, 100, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 250, 255, 256,
];

/** Where D, the distance from `aN` to `bN`, is known only when the instruction, and jumps, have their lengths. */
const places: readonly ((instruction: string, n: string, gap: number) => string)[] = [
  (instruction, n, gap) => `a${n}: ${instruction}\ntimes ${gap} nop\nb${n}:`,
  (instruction, n, gap) => `a${n}: jmp b${n}\n${instruction}\njz b${n}\ntimes ${gap} nop\nb${n}:`,
  (instruction, n, gap) => `${instruction}\na${n}: times ${gap} nop\nb${n}:`,
  (instruction, n, gap) => `${instruction.replaceAll("(b", "(c").replaceAll(`-a${n})`, ")")}
a${n}: times ${gap} nop\nb${n}:\nc${n} equ b${n}-a${n}`,
];

describe.skipIf(!hasNasm)("numbers that are known late have nasm's lengths", () => {
  it.each(modes)("%i bits", (bits) => {
    const cases = instructions[bits].flatMap((instruction, i) =>
      places.flatMap((place, p) =>
        gaps.map((gap) => {
          const n = `_${i}_${p}_${gap}`;
          return place(instruction.replaceAll("D", `(b${n}-a${n})`), n, gap);
        }),
      ),
    );
    const text = [`bits ${bits}`, ...cases, ""].join("\n");
    expect(shown(ringsideOutput(text))).toBe(shown(nasmOutput(text)));
  });
});
