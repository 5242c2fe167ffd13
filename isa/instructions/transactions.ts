import type { Row, RowFacts } from "../instruction.ts";
import { absent, rowsOf } from "./forms.ts";

/** Transactional memory (SDM Vol. 1, chapter 16): processors without it, as ours, raise #UD. */

const row = rowsOf("system");

const facts = (doc: string, more: Partial<RowFacts> = {}): RowFacts => ({
  doc,
  feature: "RTM",
  semantics: absent,
  ...more,
});

const begin = facts("Begins a transaction; if it is aborted, execution goes on at the target.", { access: ["r"] });

export const transactions: readonly Row[] = [
  row("C7 F8 cw", "XBEGIN rel16", { ...begin, modes: "not-64" }),
  row("C7 F8 cd", "XBEGIN rel32", begin),
  row("NP 0F 01 D5", "XEND", facts("Ends a transaction: makes all of it visible at once.")),
  row("C6 F8 ib", "XABORT imm8", facts("Aborts the transaction, with a reason in EAX.", { access: ["r"] })),
  row("NP 0F 01 D6", "XTEST", facts("Clears ZF in a transaction, and sets it outside.")),
  row("F2 0F 01 E8", "XSUSLDTRK", facts("Stops watching what a transaction loads.", { feature: "TSXLDTRK" })),
  row("F2 0F 01 E9", "XRESLDTRK", facts("Watches again what a transaction loads.", { feature: "TSXLDTRK" })),
];
