import type { WorkspaceSymbol } from "vscode-languageserver";
import type { Assembly, SymbolDefinition } from "../../assembler/index.ts";
import { toLocation } from "./definition.ts";
import { kindOf } from "./symbols.ts";

/** What is sent at most; a person narrows the search by typing more. */
const mostSymbols = 1000;

/** The letters of the query occur in the name in this order, in any letter case. */
function matches(name: string, query: string): boolean {
  let at = 0;
  for (const letter of name.toLowerCase()) if (letter === query[at]) at++;
  return at === query.length;
}

/** The labels, constants and macros of several programs whose names fit a query, each place once. */
export function workspaceSymbols(programs: readonly Assembly[], query: string): WorkspaceSymbol[] {
  const wanted = query.toLowerCase().replaceAll(/\s/g, "");
  const found = new Map<string, WorkspaceSymbol>();
  const add = (symbol: SymbolDefinition) => {
    const { file, line, start } = symbol.range;
    if (!matches(symbol.name, wanted)) return;
    const location = toLocation(symbol.range);
    found.set(`${line}:${start}:${file}`, { name: symbol.name, kind: kindOf(symbol), location });
  };
  for (const { symbols, macros } of programs) {
    for (const symbol of symbols.values()) if (found.size < mostSymbols) add(symbol);
    for (const macro of macros) if (found.size < mostSymbols) add(macro);
  }
  return [...found.values()];
}
