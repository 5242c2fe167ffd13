import type { Location, Position } from "vscode-languageserver";
import type { Assembly, Range } from "../../assembler/index.ts";
import { contains, toLsp } from "../ranges.ts";

const toLocation = (range: Range): Location => ({ uri: range.file, range: toLsp(range) });

/** The name of the symbol under the cursor, be it defined or used there. */
export function symbolAt(assembly: Assembly, uri: string, position: Position): string | undefined {
  const { references: uses, definitions } = assembly.onLine(uri, position.line);
  return [...uses, ...definitions].find(({ range }) => contains(range, uri, position))?.name;
}

export function definition(assembly: Assembly, uri: string, position: Position): Location | null {
  const name = symbolAt(assembly, uri, position);
  const symbol = name === undefined ? undefined : assembly.symbols.get(name);
  return symbol ? toLocation(symbol.range) : null;
}

export function references(assembly: Assembly, uri: string, position: Position, withDefinition: boolean): Location[] {
  const name = symbolAt(assembly, uri, position);
  if (name === undefined) return [];
  const symbol = assembly.symbols.get(name);
  const uses = assembly.references.filter((reference) => reference.name === name).map((r) => toLocation(r.range));
  return withDefinition && symbol ? [toLocation(symbol.range), ...uses] : uses;
}
