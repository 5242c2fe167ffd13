import { mnemonics } from "../isa/table.ts";
import { foreignHead } from "./foreign-words.ts";
import type { Program } from "./program.ts";
import type { SourceLine } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import type { SymbolEntry } from "./symbols.ts";
import type { LineTree } from "./tree.ts";

/** Defines the label of a line, if it has one. */
export function defineLabel(program: Program, tree: LineTree, source: SourceLine): SymbolEntry | undefined {
  const { label } = tree;
  if (!label) return undefined;
  const entry = program.symbols.entry(label.text);
  entry.definition = { source, span: label };
  if (/^\.\.(?!@)/.test(entry.name)) {
    const message = `“${entry.name}” is no name for a label: only ..@ can begin one.`;
    program.problems.error("reserved-word", message, source, label);
  }
  const isDeclared = entry.binding?.kind === "extern" || entry.binding?.kind === "common";
  if (!isDeclared) program.known.push(entry);
  const constant = tree.statement?.kind === "equ";
  entry.kind = constant ? "equ" : "label";
  if (!constant) program.symbols.enter(label.text);
  if (!label.colon && !tree.statement && tree.times.length === 0 && tree.prefixes.length === 0)
    program.problems.warning(
      "label-alone",
      `“${label.text}” alone on a line is taken as a label; end it with a colon if that is meant.${foreignHead(label.text) || didYouMean(label.text, mnemonics)}`,
      source,
      label,
    );
  return entry;
}
