import { describe, expect, it } from "vitest";
import type { Bits } from "../../isa/operands.ts";
import { differences, hasNasm } from "../isa/nasm.ts";
import { modes } from "../isa/samples.ts";

/** A fixed sequence, so that a failure can be found again. */
function sequence(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

const words = (text: string) => text.split(" ");
const narrow = words("ax cx dx bx sp bp si di");
const registers = {
  8: words("al cl dl bl ah ch dh bh"),
  16: narrow,
  32: narrow.map((name) => `e${name}`),
  64: [...narrow.map((name) => `r${name}`), "r8", "r12", "r13"],
} as const;
const special = words("es cs ss ds fs gs cr0 cr3 cr4 dr7");
const numbers = words(
  "0 1 -1 5 127 128 -128 -129 255 256 0x7fff 0x8000 0xffff -0x8000 65536 0x7fffffff 0x80000000 0xffffffff -0x80000000 " +
    "0x100000000 0x123456789abcdef0 'a' 'ab' $ $$ $-$$ $+5 1<<3 ~0 3*4+1 -(5-9) 0ffh 1010b",
);
const mnemonics = words(
  "mov mov mov add or adc sub cmp xor test push pop jmp call jz jnc imul mul idiv lea shl sar rol xchg in out int ret retf " +
    "movzx movsx inc dec neg not lgdt sidt smsw lldt lar lsl bt bts shld leave lds lss cmpxchg xadd bswap movsb stosd " +
    "lodsw cmpsb insb outsd cbw cdq pusha popf pushfd iret hlt cli cpuid rdmsr invlpg setz cmovc nop aam xlatb",
);

/** Lines that a person might write, and lines that are nearly right. */
function lines(bits: Bits, count: number, seed: number): string[] {
  const random = sequence(seed);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const memory = () => {
    const set =
      registers[
        pick(bits === 16 ? ([16, 16, 32] as const) : bits === 32 ? ([32, 32, 16] as const) : ([64, 64, 32] as const))
      ];
    const parts: string[] = [];
    const shape = random(6);
    if (shape > 0) parts.push(pick(set));
    if (shape > 2) parts.push(pick(set) + pick(["", "", "*1", "*2", "*4", "*8", "*3"]));
    if (shape === 0 || random(2) > 0) parts.push(pick(numbers));
    const size = pick(["", "", "", "byte ", "word ", "dword ", "qword "]);
    return `${size}[${pick(["", "", "", "byte ", "dword "])}${pick(["", "", "", "es:", "fs:"])}${parts.join("+")}]`;
  };
  const operand = () => {
    const shape = random(12);
    if (shape < 6) return pick(registers[pick([8, 16, 32, 16, 32, 64] as const)]);
    if (shape < 7) return pick(special);
    return shape < 9
      ? memory()
      : pick(["", "", "", "byte ", "word ", "dword ", "strict word ", "strict dword "]) + pick(numbers);
  };
  return Array.from({ length: count }, () => {
    const operands = Array.from({ length: pick([0, 1, 1, 2, 2, 2, 2, 3]) }, operand);
    return `${pick(["", "", "", "", "", "", "rep ", "lock ", "es "])}${pick(mnemonics)} ${operands.join(", ")}`;
  });
}

describe.skipIf(!hasNasm)("lines from source to bytes", () => {
  it.each(modes)("%i bits", (bits) => {
    expect(differences(bits, lines(bits, 2500, bits))).toEqual([]);
  });
});
