import { type CompletionItem, CompletionItemKind, type Position } from "vscode-languageserver";
import type { TextDocument } from "vscode-languageserver-textdocument";
import type { Assembly, SymbolDefinition } from "../../assembler/index.ts";
import { registers } from "../../isa/registers.ts";
import { mnemonics, rowsOf } from "../../isa/table.ts";

const instructions: readonly CompletionItem[] = mnemonics.map((mnemonic) => ({
  label: mnemonic,
  kind: CompletionItemKind.Keyword,
  detail: rowsOf(mnemonic)[0]?.doc ?? "",
}));

const registerItems: readonly CompletionItem[] = registers.map((register) => ({
  label: register.name,
  kind: CompletionItemKind.Variable,
  detail: `${register.class === "general" ? "" : `${register.class} `}register, ${register.width} bits`,
}));

/** True if what is offered depends on more than the beginning of the statement, so it must be asked for anew. */
export const isCut = (assembly: Assembly): boolean => assembly.symbols.size > mostNames;

/** At the start of a statement instructions, later registers and symbols. */
export function completion(assembly: Assembly, position: Position, text: TextDocument): CompletionItem[] {
  const before = text.getText({ start: { line: position.line, character: 0 }, end: position });
  if (/;/.test(before)) return [];
  if (/^\s*(?:[\w.$@?]+:\s*)?\w*$/.test(before)) return [...instructions];
  const typed = /[\w.$@?]*$/.exec(before)![0].toLowerCase();
  const begins = (name: string) => name.toLowerCase().startsWith(typed);
  const names = [...assembly.symbols.keys()];
  const shown = names.length > mostNames ? names.filter(begins).slice(0, mostNames) : names;
  return [...registerItems, ...shown.flatMap((name) => symbolItem(assembly.symbols.get(name)))];
}

/** With more symbols than this, only those are given that begin as the word typed so far. */
const mostNames = 500;

const symbolItem = (symbol: SymbolDefinition | undefined): CompletionItem[] =>
  symbol
    ? [
        {
          label: symbol.name,
          kind: symbol.kind === "label" ? CompletionItemKind.Reference : CompletionItemKind.Constant,
          detail:
            symbol.value === undefined ? symbol.kind : `${symbol.kind}, ${symbol.value.toString(16).toUpperCase()}h`,
        },
      ]
    : [];
