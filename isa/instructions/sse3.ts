import type { Row } from "../instruction.ts";
import { rowsOf } from "./forms.ts";
import { facts } from "./packed.ts";
import { moveUnaligned } from "./vector-parts.ts";

const row = rowsOf("sse3");

export const sse3: readonly Row[] = [
  row("F2 0F 12 /r", "MOVDDUP xmm, xmm/m64", facts("Copies the low double to both halves.", ["w", "r"])),
  row("F3 0F 12 /r", "MOVSLDUP xmm, xmm/m128", facts("Copies the even singles, each twice.", ["w", "r"])),
  row("F3 0F 16 /r", "MOVSHDUP xmm, xmm/m128", facts("Copies the odd singles, each twice.", ["w", "r"])),
  row("F2 0F F0 /r", "LDDQU xmm, m128", {
    ...facts("Copies memory of any alignment to the register.", ["w", "r"]),
    semantics: moveUnaligned,
  }),
  ...(
    [
      ["66", "PD"],
      ["F2", "PS"],
    ] as const
  ).flatMap(([prefix, kind]) => [
    row(
      `${prefix} 0F D0 /r`,
      `ADDSUB${kind} xmm, xmm/m128`,
      facts("Subtracts the even elements and adds the odd ones."),
    ),
    row(`${prefix} 0F 7C /r`, `HADD${kind} xmm, xmm/m128`, facts("Adds neighbouring elements.")),
    row(`${prefix} 0F 7D /r`, `HSUB${kind} xmm, xmm/m128`, facts("Subtracts odd elements from their even neighbours.")),
  ]),
];
