import {
  type CompletionItem,
  CompletionItemKind,
  type CompletionList,
  MarkupKind,
  type Position,
} from "vscode-languageserver";
import type { TextDocument } from "vscode-languageserver-textdocument";
import type { Assembly, LineFacts, SymbolDefinition } from "../../assembler/index.ts";
import { sizeWords } from "../../assembler/words.ts";
import type { Bits } from "../../isa/operands.ts";
import type { RegisterName } from "../../isa/registers.ts";
import { mnemonics, rowsOf } from "../../isa/table.ts";
import { directiveItems, statementItems, statementSnippets } from "./directive-items.ts";
import { addressRegisters, existsIn, fittingOperands } from "./operand-fit.ts";
import { typedBefore } from "./signature.ts";

/** At most so many symbols are given; then the list is incomplete, and asked for anew as one types on. */
const mostNames = 300;

function instructionsOf(bits: Bits): CompletionItem[] {
  return mnemonics
    .filter((mnemonic) => rowsOf(mnemonic).some((row) => existsIn(row, bits)))
    .map((label) => ({ label, kind: CompletionItemKind.Keyword, detail: rowsOf(label)[0]!.doc, data: "instruction" }));
}

/** The instructions of a mode are the same for every document. */
const instructions: Readonly<Record<Bits, readonly CompletionItem[]>> = {
  16: instructionsOf(16),
  32: instructionsOf(32),
  64: instructionsOf(64),
};

const registerItem = ({ name, class: kind, width }: RegisterName): CompletionItem => ({
  label: name,
  kind: CompletionItemKind.Variable,
  detail: `${kind === "general" ? "" : `${kind} `}register, ${width} bits`,
  commitCharacters: [",", "]"],
});

const sizeItems: readonly CompletionItem[] = Object.entries(sizeWords).map(([label, bytes]) => ({
  label,
  kind: CompletionItemKind.Keyword,
  detail: `size of the operand: ${bytes === 1 ? "1 byte" : `${bytes} bytes`}`,
}));

const describe = ({ kind, value, isMultiLine }: SymbolDefinition): string => {
  const what = isMultiLine ? "macro" : kind;
  return value === undefined ? what : `${what}, ${value.toString(16).toUpperCase()}h`;
};

const symbolKinds: Record<SymbolDefinition["kind"], CompletionItemKind> = {
  label: CompletionItemKind.Reference,
  equ: CompletionItemKind.Constant,
  define: CompletionItemKind.Constant,
};

const symbolItem = (symbol: SymbolDefinition, label: string): CompletionItem => ({
  label,
  kind: symbol.isMultiLine ? CompletionItemKind.Function : symbolKinds[symbol.kind],
  detail: describe(symbol),
  commitCharacters: [","],
});

/** Symbols that begin as the word typed so far; a dot in front means those of the label above. */
function symbols(assembly: Assembly, typed: string, scope: string): { items: CompletionItem[]; isCut: boolean } {
  const prefix = typed.startsWith(".") ? scope : "";
  const names = assembly.namesWith(prefix + typed, mostNames);
  const items = names.flatMap((name) => {
    const symbol = assembly.symbols.get(name);
    return symbol && !symbol.isMultiLine ? symbolItem(symbol, name.slice(prefix.length)) : [];
  });
  return { items, isCut: names.length >= mostNames };
}

const macroItems = (assembly: Assembly): CompletionItem[] => [
  ...new Map(
    assembly.macros
      .filter(({ isMultiLine }) => isMultiLine)
      .map((macro) => [macro.name, symbolItem(macro, macro.name)]),
  ).values(),
];

/** Paths of sources, from the folder of the document. */
function paths(uri: string, sources: readonly string[]): CompletionItem[] {
  const folder = uri.replace(/[^/]*$/, "");
  return sources
    .filter((source) => source !== uri && source.startsWith(folder))
    .map((source) => ({ label: decodeURI(source.slice(folder.length)), kind: CompletionItemKind.File }));
}

function operands(
  assembly: Assembly,
  { word, written }: NonNullable<ReturnType<typeof typedBefore>>,
  before: string,
  { bits, scope }: LineFacts,
): CompletionList {
  const typed = /[\w.$@?]*$/.exec(before)![0];
  const { items, isCut } = symbols(assembly, typed, scope);
  const current = written.at(-1)!;
  if (current.lastIndexOf("[") > current.lastIndexOf("]"))
    return { isIncomplete: isCut, items: [...addressRegisters(bits).map(registerItem), ...items] };
  if (rowsOf(word).length === 0) return { isIncomplete: isCut, items };
  const fitting = fittingOperands(word, written.slice(0, -1), bits);
  return {
    isIncomplete: isCut,
    items: [
      ...fitting.registers.map(registerItem),
      ...(fitting.memory ? sizeItems : []),
      ...(fitting.values || fitting.memory ? items : []),
    ],
  };
}

const nothing: CompletionList = { isIncomplete: false, items: [] };

/** What can stand at the cursor: what fits the mode, the statement and the operand. */
export function completion(
  assembly: Assembly,
  position: Position,
  text: TextDocument,
  sources: readonly string[] = [],
): CompletionList {
  const before = text.getText({ start: { line: position.line, character: 0 }, end: position });
  if (/^\s*%\s*(include|require)\s+["'`][^"'`]*$/i.test(before))
    return { isIncomplete: false, items: paths(text.uri, sources) };
  if (/^[^'"`]*;/.test(before) || /^[^'"`]*(["'`])[^"'`]*$/.test(before)) return nothing;
  if (/^\s*%\w*$/.test(before)) return { isIncomplete: false, items: [...directiveItems] };
  const facts = assembly.onLine(text.uri, position.line);
  if (/^\s*(?:[\w.$@?~#]+:\s*)?[\w.]*$/.test(before))
    return {
      isIncomplete: false,
      items: [...instructions[facts.bits], ...statementItems, ...statementSnippets, ...macroItems(assembly)],
    };
  const typed = typedBefore(before);
  return typed ? operands(assembly, typed, before, facts) : nothing;
}

/** The documentation of an item, asked for when it is looked at. */
export function resolveCompletion(item: CompletionItem): CompletionItem {
  if (item.data !== "instruction") return item;
  const forms = rowsOf(item.label);
  const value = [forms[0]?.doc ?? "", "", ...forms.map(({ syntax, opcode }) => `- \`${syntax}\` — \`${opcode}\``)];
  return { ...item, documentation: { kind: MarkupKind.Markdown, value: value.join("\n") } };
}
