import { type DocumentSymbol, SymbolKind } from "vscode-languageserver";
import type { Assembly, SymbolDefinition } from "../../assembler/index.ts";
import { toLsp } from "../ranges.ts";

const kinds: Record<SymbolDefinition["kind"], SymbolKind> = {
  label: SymbolKind.Function,
  equ: SymbolKind.Constant,
  define: SymbolKind.Constant,
};

/** How an editor shows a symbol. */
export const kindOf = ({ kind, isMultiLine }: SymbolDefinition): SymbolKind =>
  isMultiLine ? SymbolKind.Method : kinds[kind];

/** Labels, constants and macros of a document, local labels below their global one. */
export function documentSymbols(assembly: Assembly, uri: string): DocumentSymbol[] {
  const roots: DocumentSymbol[] = [];
  const globals = new Map<string, DocumentSymbol>();
  const own = [...assembly.symbols.values()].filter((symbol) => symbol.range.file === uri);
  for (const symbol of own.sort((a, b) => a.range.line - b.range.line)) {
    const range = toLsp(symbol.range);
    const dot = symbol.name.indexOf(".", 1);
    const parent = dot > 0 ? globals.get(symbol.name.slice(0, dot)) : undefined;
    const item: DocumentSymbol = {
      name: parent ? symbol.name.slice(dot) : symbol.name,
      detail: symbol.value === undefined ? "" : `${symbol.value.toString(16).toUpperCase()}h`,
      kind: kindOf(symbol),
      range,
      selectionRange: range,
      children: [],
    };
    (parent?.children ?? roots).push(item);
    if (!parent) globals.set(symbol.name, item);
  }
  return roots;
}
