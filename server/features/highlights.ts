import { type DocumentHighlight, DocumentHighlightKind, type Position } from "vscode-languageserver";
import type { Assembly } from "../../assembler/index.ts";
import { toLsp } from "../ranges.ts";
import { symbolAt } from "./definition.ts";
import { occurrences } from "./occurrences.ts";

/** The places of the symbol under the cursor in its file. */
export function highlights(assembly: Assembly, uri: string, position: Position): DocumentHighlight[] {
  const name = symbolAt(assembly, uri, position);
  if (name === undefined) return [];
  return occurrences(assembly, name)
    .filter(({ range }) => range.file === uri)
    .map(({ range, isDefinition }) => ({
      range: toLsp(range),
      kind: isDefinition ? DocumentHighlightKind.Write : DocumentHighlightKind.Read,
    }));
}
