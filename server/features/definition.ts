import type { Location, Position } from "vscode-languageserver";
import type { Assembly, Range } from "../../assembler/index.ts";
import { contains, toLsp } from "../ranges.ts";
import { definitionsOf, occurrences } from "./occurrences.ts";

export const toLocation = (range: Range): Location => ({ uri: range.file, range: toLsp(range) });

/** The name of the symbol under the cursor, be it defined or used there. */
export function symbolAt(assembly: Assembly, uri: string, position: Position): string | undefined {
  const { references: uses, definitions } = assembly.onLine(uri, position.line);
  return [...uses, ...definitions].find(({ range }) => contains(range, uri, position))?.name;
}

/** Where the symbol is defined: of a macro that is defined several times, the last definition above the cursor. */
export function definition(assembly: Assembly, uri: string, position: Position): Location | null {
  const name = symbolAt(assembly, uri, position);
  if (name === undefined) return null;
  const all = definitionsOf(assembly, name);
  const above = all.findLast(({ range }) => range.file === uri && range.line <= position.line);
  const found = above ?? all.at(-1);
  return found ? toLocation(found.range) : null;
}

const isInclude = (assembly: Assembly, uri: string, position: Position) =>
  assembly.includes.find(({ range }) => contains(range, uri, position));

/** As `definition`; and from an `%include` to its file. */
export function declaration(assembly: Assembly, uri: string, position: Position): Location | null {
  const include = isInclude(assembly, uri, position);
  if (include) return toLocation({ file: include.file, line: 0, start: 0, end: 0 });
  return definition(assembly, uri, position);
}

export function references(assembly: Assembly, uri: string, position: Position, withDefinition: boolean): Location[] {
  const name = symbolAt(assembly, uri, position);
  if (name === undefined) return [];
  return occurrences(assembly, name)
    .filter(({ isDefinition }) => withDefinition || !isDefinition)
    .map(({ range }) => toLocation(range));
}
