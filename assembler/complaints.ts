import type { Complaint } from "../isa/encode.ts";
import { mnemonics } from "../isa/table.ts";
import { foreignHead } from "./foreign-words.ts";
import type { Item } from "./item.ts";
import type { ProblemList } from "./problems.ts";
import { reservedWords } from "./reserved-words.ts";
import { rangeOf } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import type { InstructionTree } from "./tree.ts";
import { unsupportedWords, wordKinds } from "./words.ts";

/** What is wrong with an instruction, as problems of its line. */

const endOfStatement = (item: Item, tree: InstructionTree): number =>
  Math.max(tree.mnemonic.end, tree.operands.at(-1)?.end ?? 0) || item.tree.end;

/** A complaint as a sentence of its own. */
const sentence = (text: string): string => {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
};

/** What the codec says against an instruction. */
export function complain(
  item: Item,
  tree: InstructionTree,
  { code, message, operand }: Complaint,
  severity: "error" | "warning",
  problems: ProblemList,
): void {
  const span = operand === undefined ? undefined : tree.operands[operand];
  const place = span ?? { start: item.span.start, end: endOfStatement(item, tree) };
  problems.add({ code, severity, message: sentence(message), range: rangeOf(item.source, place) }, item.source);
}

export function reportUnknownMnemonic(item: Item, tree: InstructionTree, problems: ProblemList): void {
  const { mnemonic } = tree;
  // Looking for what may be meant takes time.
  if (problems.full) return;
  const word = mnemonic.text.toLowerCase();
  const known = unsupportedWords.get(word);
  if (known) problems.error("unsupported-word", known, item.source, mnemonic);
  else if (reservedWords.has(word)) {
    const message = `Ringside does not know the instruction “${mnemonic.text}” yet.`;
    problems.error("unsupported-instruction", message, item.source, mnemonic);
  } else {
    const hint = foreignHead(mnemonic.text, tree) || didYouMean(mnemonic.text, [...mnemonics, ...wordKinds.keys()]);
    problems.error("unknown-mnemonic", `Unknown instruction “${mnemonic.text}”.${hint}`, item.source, mnemonic);
  }
}
