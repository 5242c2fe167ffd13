import type { Row } from "../instruction.ts";
import { absent, accumulator, rowsOf, words } from "./forms.ts";

/** AMD's instructions beside its virtualization; ours is not AMD's processor. */

const row = rowsOf("system");

const clear = {
  doc: "Clears the line at rAX.",
  feature: "CLZERO",
  implicitMemory: true,
  semantics: absent,
} as const;
const named = words.map((width) =>
  row(`a${width} o* 0F 01 FC`, `CLZERO ${accumulator[width]}`, {
    ...clear,
    access: ["r"],
    modes: width === 64 ? "only-64" : width === 16 ? "not-64" : "all",
    writtenOnly: true,
  }),
);

export const amd: readonly Row[] = [row("0F 01 FC", "CLZERO", clear), ...named];
