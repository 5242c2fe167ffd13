import type { DocumentLink } from "vscode-languageserver";
import type { Assembly } from "../../assembler/index.ts";
import { resolve } from "../../assembler/location.ts";
import { toLsp } from "../ranges.ts";
import { splitLines } from "../words.ts";

const binary = /^\s*(?:[\w.$@?~#]+:?\s+)?(?:times\s+\S+\s+)?incbin\s+(["'`])(.*?)\1/i;

/** The files that the document includes, and those of which it takes the bytes. */
export function documentLinks(
  assembly: Assembly,
  uri: string,
  text: string,
  includePaths: readonly string[],
  isThere: (file: string) => boolean,
): DocumentLink[] {
  const included = assembly.includes
    .filter(({ range }) => range.file === uri)
    .map(({ range, file }) => ({ range: toLsp(range), target: file }));
  const bytes = splitLines(text).flatMap((line, number) => {
    const found = binary.exec(line);
    if (!found) return [];
    const name = found[2]!;
    const end = found[0].length;
    const folders = ["", ...includePaths.map((path) => resolve(`${path}/`, uri))];
    const target = folders.map((folder) => resolve(folder + name, uri)).find(isThere);
    const range = { start: { line: number, character: end - name.length - 2 }, end: { line: number, character: end } };
    return target === undefined ? [] : [{ range, target }];
  });
  return [...included, ...bytes];
}
