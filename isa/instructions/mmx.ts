import type { Row } from "../instruction.ts";
import { rowsOf } from "./forms.ts";
import { facts, packedMmx } from "./packed.ts";

const row = rowsOf("mmx");
const copy = facts("Copies the second operand to the first.", ["w", "r"]);
const extend = facts("Copies the doubleword and clears the upper half of the register.", ["w", "r"]);
const copyDoubleword = facts("Copies the low doubleword.", ["w", "r"]);

/** MOVD, MOVQ. nasm takes MOVD for both sizes of a general register. */
const moves = [
  row("NP 0F 6E /r", "MOVD mm, r/m32", extend),
  row("NP 0F 7E /r", "MOVD r/m32, mm", copyDoubleword),
  row("NP 0F 6F /r", "MOVQ mm, mm/m64", copy),
  row("NP 0F 7F /r", "MOVQ mm/m64, mm", copy),
  row("NP 0F 6E /r", "MOVQ mm, r/m64", { ...copy, modes: "only-64" }),
  row("NP 0F 7E /r", "MOVQ r/m64, mm", { ...copy, modes: "only-64" }),
  row("NP 0F 6E /r", "MOVD mm, r/m64", { ...copy, modes: "only-64", writtenOnly: true }),
  row("NP 0F 7E /r", "MOVD r/m64, mm", { ...copy, modes: "only-64", writtenOnly: true }),
];

export const mmx: readonly Row[] = [
  ...moves,
  ...packedMmx,
  row("NP 0F 77", "EMMS", facts("Marks all x87 registers as empty: ends the use of MMX registers.")),
];
