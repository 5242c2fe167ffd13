import type { Row, RowFacts } from "../instruction.ts";
import { accumulator, hex, immediate, modesOf, type rowsOf, words } from "./forms.ts";

/**
 * The forms that ADD, OR, ADC, SBB, AND, SUB, XOR and CMP share; `number` is their place in that list, and in their
 * opcodes (SDM Vol. 2, appendix A). The first of two equally long encodings is the one assemblers choose.
 */
export function aluForms(row: ReturnType<typeof rowsOf>, number: number, mnemonic: string, facts: RowFacts): Row[] {
  const opcode = (low: number) => hex(number * 8 + low);
  return [
    row(`${opcode(0)} /r`, `${mnemonic} r/m8, r8`, facts),
    row(`${opcode(2)} /r`, `${mnemonic} r8, r/m8`, facts),
    row(`${opcode(4)} ib`, `${mnemonic} AL, imm8`, { ...facts, lockable: false }),
    row(`80 /${number} ib`, `${mnemonic} r/m8, imm8`, facts),
    ...words.flatMap((width) => {
      const { code, syntax } = immediate[width];
      const wide = { ...facts, ...modesOf(width) };
      return [
        row(`${opcode(1)} /r`, `${mnemonic} r/m${width}, r${width}`, wide),
        row(`${opcode(3)} /r`, `${mnemonic} r${width}, r/m${width}`, wide),
        row(`83 /${number} ib`, `${mnemonic} r/m${width}, simm8`, wide),
        row(`${opcode(5)} ${code}`, `${mnemonic} ${accumulator[width]}, ${syntax}`, { ...wide, lockable: false }),
        row(`81 /${number} ${code}`, `${mnemonic} r/m${width}, ${syntax}`, wide),
      ];
    }),
  ];
}
