import type { Expression, LineTree, Span, StatementTree, SymbolUse, Word } from "./tree.ts";

/** The lines that `struc`, `istruc` and `at` stand for. Their parts stand where the word is written. */

const at = ({ start, end }: Span): Span => ({ start, end });

/** A line made of nothing but what is given. */
function line(span: Span, parts: Partial<LineTree>): LineTree {
  const nothing = { label: undefined, times: [], prefixes: [], statement: undefined, symbols: [], problems: [] };
  return { ...nothing, usesPlace: false, ...at(span), ...parts };
}

const labelLine = (name: string, span: Span): LineTree =>
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
function sizeLine(name: string, word: Word): LineTree {
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
function paddingLine(place: Expression, symbols: readonly SymbolUse[], start: string, word: Word): LineTree {
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
function memberOffset(
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

const bodyLine = (
  tree: LineTree,
  body: StatementTree,
  times: readonly Expression[],
  symbols: readonly SymbolUse[],
): LineTree => line(tree, { statement: body, times, symbols, usesPlace: tree.usesPlace });

type MemberTree = Extract<StatementTree, { kind: "member" }>;
type StructureTree = Extract<StatementTree, { kind: "structure" }>;

/** The `struc` and `istruc` that are open. */
export class OpenStructures {
  private readonly open: { readonly word: string; readonly name: string; readonly start: string }[] = [];
  private instances = 0;

  /** The lines that a word of a structure stands for, or as a sentence what is wrong with it. */
  lines(statement: MemberTree | StructureTree, tree: LineTree): readonly LineTree[] | string {
    if (statement.kind === "member") return this.member(statement, tree);
    const { text } = statement.word;
    return text === "endstruc" || text === "iend" ? this.end(statement.word) : this.begin(statement);
  }

  private begin({ word, name }: StructureTree): readonly LineTree[] | string {
    if (name?.kind !== "symbol") return `“${word.text}” needs a name.`;
    const start = `..@${word.text}.${++this.instances}`;
    this.open.push({ word: word.text, name: name.name, start });
    return [word.text === "istruc" ? labelLine(start, word) : labelLine(name.name, name)];
  }

  private member({ word, member, times, body }: MemberTree, tree: LineTree): readonly LineTree[] | string {
    const open = this.open.at(-1);
    if (open?.word !== "istruc") return "“at” stands between istruc and iend.";
    const { place, symbols } = memberOffset(member, tree.symbols, open.name);
    const padding = paddingLine(place, symbols, open.start, word);
    return body ? [padding, bodyLine(tree, body, times, symbols)] : [padding];
  }

  private end(word: Word): readonly LineTree[] | string {
    const opening = word.text === "iend" ? "istruc" : "struc";
    const open = this.open.at(-1);
    if (open?.word !== opening) return `There is no ${opening} before this.`;
    this.open.pop();
    if (opening === "struc") return [sizeLine(open.name, word)];
    const name = `${open.name}_size`;
    return [paddingLine(symbol(name, 0, word), [{ name, ...at(word) }], open.start, word)];
  }
}
