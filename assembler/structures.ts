import type { Expression, LineTree, Span, StatementTree, SymbolUse, Word } from "./tree.ts";

/** The lines that `struc`, `istruc` and `at` stand for. Their parts stand where the word is written. */

const at = ({ start, end }: Span): Span => ({ start, end });

/** A line made of nothing but what is given. */
function line(span: Span, parts: Partial<LineTree>): LineTree {
  const nothing = { label: undefined, times: [], prefixes: [], statement: undefined, symbols: [], problems: [] };
  return { ...nothing, usesPlace: false, ...at(span), ...parts };
}

export const labelLine = (name: string, span: Span): LineTree =>
  line(span, { label: { text: name, ...at(span), colon: true } });

const minus = (left: Expression, right: Expression, span: Span): Expression => ({
  kind: "binary",
  operator: "-",
  left,
  right,
  ...at(span),
});

const symbol = (name: string, slot: number, span: Span): Expression => ({ kind: "symbol", name, slot, ...at(span) });
const here = (span: Span): Expression => ({ kind: "here", ...at(span) });

/** `NAME_size equ $ - NAME`. */
export function sizeLine(name: string, word: Word): LineTree {
  const value = minus(here(word), symbol(name, 0, word), word);
  return line(word, {
    label: { text: `${name}_size`, ...at(word), colon: true },
    statement: { kind: "equ", word, value },
    symbols: [{ name, ...at(word) }],
    usesPlace: true,
  });
}

const zeroByte = (word: Word): StatementTree => ({
  kind: "data",
  word: { ...word, text: "db" },
  unit: 1,
  items: [{ kind: "number", value: 0n, ...at(word) }],
});

/** Zeros up to `place`, counted from the label `start`: `times place - ($ - start) db 0`. */
export function paddingLine(place: Expression, symbols: readonly SymbolUse[], start: string, word: Word): LineTree {
  const slot = symbols.length;
  const gone = minus(here(word), symbol(start, slot, word), word);
  return line(word, {
    times: [minus(place, gone, place)],
    statement: zeroByte(word),
    symbols: [...symbols, { name: start, ...at(word) }],
    usesPlace: true,
  });
}

/** `member - NAME`; a member that begins with a dot belongs to the structure. */
export function memberOffset(
  member: Expression,
  symbols: readonly SymbolUse[],
  name: string,
): { readonly place: Expression; readonly symbols: readonly SymbolUse[] } {
  const [first, ...rest] = symbols;
  const local = first?.name.startsWith(".") && first.start === member.start;
  const named = local ? [{ ...first!, name: name + first!.name }, ...rest] : symbols;
  const place = minus(member, symbol(name, named.length, member), member);
  return { place, symbols: [...named, { name, ...at(member) }] };
}

export const bodyLine = (
  tree: LineTree,
  body: StatementTree,
  times: readonly Expression[],
  symbols: readonly SymbolUse[],
): LineTree => line(tree, { statement: body, times, symbols, usesPlace: tree.usesPlace });
