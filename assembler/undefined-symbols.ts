import { registers } from "../isa/registers.ts";
import { meaningOf } from "../isa/table.ts";
import { foreignName } from "./foreign-words.ts";
import type { Item } from "./item.ts";
import type { ProblemList } from "./problems.ts";
import type { Program } from "./program.ts";
import { rangeOf, type SourceLine } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import { namesOf, type SymbolEntry } from "./symbols.ts";
import type { Span } from "./tree.ts";

/** Reports every use of a symbol that is defined nowhere, or else every constant that depends on itself. */
export function reportUndefined(items: Iterable<Item>, program: Program, faults: ProblemList): void {
  const { known, format } = program;
  const hintOf = hints(known);
  const extents = known.flatMap(({ binding }) => binding?.extent ?? []);
  for (const item of [...items, ...extents])
    for (const [slot, entry] of item.symbols.entries()) {
      if (faults.full) return;
      const use = item.tree.symbols[slot]!;
      if (format === "bin" && entry.binding && !entry.definition && entry.predefined) {
        const message = `“${entry.name}” is in another file, which a flat binary cannot refer to.`;
        faults.error("needs-object-file", message, item.source, use);
      }
      if (entry.isDefined || isBroken(item)) continue;
      const isOperand = item.statement?.kind === "instruction";
      const before = item.source.text.slice(0, use.start);
      const hint = foreignName(entry.name, before) || hintOf(entry.name, isOperand);
      faults.error("undefined-symbol", `“${entry.name}” is not defined.${hint}`, item.source, use);
    }
  if (faults.hasErrors) return;
  for (const { label, source, tree } of items)
    if (label && !label.value)
      faults.error("circular-definition", `“${label.name}” has no value: it depends on itself.`, source, tree);
  for (const extent of extents) {
    if (program.valueOf(extent) !== undefined) continue;
    const message = "The size of a symbol must be a constant, such as the difference of two labels of one section.";
    faults.error("not-constant", message, extent.source, extent.tree);
  }
}

/** What may be meant by a name; looking takes time, and wrong names are often used again. */
function hints(known: Iterable<SymbolEntry>): (name: string, isOperand: boolean) => string {
  const found = new Map<string, string>();
  return (name, isOperand) => {
    const key = `${isOperand} ${name}`;
    const hint =
      found.get(key) ??
      didYouMean(name, [...(isOperand ? registers.map((register) => register.name) : []), ...namesOf(known)]);
    found.set(key, hint);
    return hint;
  };
}

/** The item uses a symbol that has no definition here. */
export const isUnresolved = ({ symbols }: Item): boolean =>
  symbols.some(({ definition, isDefined, binding }) => !isDefined || (binding && !definition));

/** The label is already defined elsewhere. */
export function reportDuplicate(entry: SymbolEntry, source: SourceLine, label: Span, faults: ProblemList): void {
  const { source: other, span } = entry.definition!;
  const related = [{ range: rangeOf(other, span), message: `“${entry.name}” is first defined here.` }];
  faults.error("duplicate-symbol", `“${entry.name}” is already defined.`, source, label, related);
}

/** The line was not understood, so what its words mean is a guess. */
const isBroken = ({ tree, statement }: Item): boolean =>
  tree.problems.some(({ severity }) => severity === "error") ||
  (statement?.kind === "instruction" && !meaningOf(statement.mnemonic.text));
