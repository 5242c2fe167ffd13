import type { Item } from "./item.ts";
import type { Program } from "./program.ts";
import type { Span, StatementTree } from "./tree.ts";

/** The bytes that an `incbin` takes from its file, for one repetition. */
export function fileBytes(
  item: Item,
  { word, path, skip, length }: Extract<StatementTree, { kind: "file" }>,
  program: Program,
): Uint8Array {
  const none = new Uint8Array();
  const error = (code: string, message: string, span: Span) => {
    program.problems.error(code, message, item.source, span);
    return none;
  };
  if (!program.files.available)
    return error("no-file-access", "“incbin” reads a file, and here only the text of programs can be read.", word);
  const all = program.files.find(path.text, item.source.file);
  if (!all) return error("missing-file", `The file “${path.text}” cannot be found.`, path);
  if ("unreadable" in all)
    return error("unreadable-file", `The file “${path.text}” cannot be read: ${all.unreadable}.`, path);
  const from = skip ? program.critical(skip, "The second value of incbin") : 0n;
  const most = length ? program.critical(length, "The third value of incbin") : BigInt(all.length);
  if (from === undefined || most === undefined) return none;
  if (from < 0n || most < 0n)
    return error("bad-count", "The values of incbin are a distance and a length, not negative.", path);
  const start = Number(from > BigInt(all.length) ? BigInt(all.length) : from);
  return all.subarray(start, Math.min(all.length, start + Number(most)));
}
