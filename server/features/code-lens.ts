import type { CodeLens, Range as LspRange } from "vscode-languageserver";
import type { Assembly } from "../../assembler/index.ts";
import { toLsp } from "../ranges.ts";

const top: LspRange = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };

/** Above the program how to run it, above each global label how often it is used. */
export function codeLenses(assembly: Assembly, uri: string): CodeLens[] {
  const counts = new Map<string, number>();
  for (const { name } of assembly.references) counts.set(name, (counts.get(name) ?? 0) + 1);
  const run = /\.inc$/i.test(uri)
    ? []
    : [
        { range: top, command: { title: "Run", command: "ringside.runGuest", arguments: [uri] } },
        { range: top, command: { title: "Debug", command: "ringside.debugGuest", arguments: [uri] } },
      ];
  const own = [...assembly.symbols.values()].filter(
    ({ kind, name, range }) => kind === "label" && range.file === uri && !name.includes("."),
  );
  return [
    ...run,
    ...own.map(({ name, range }): CodeLens => {
      const count = counts.get(name) ?? 0;
      const title = count === 1 ? "1 reference" : `${count} references`;
      const at = toLsp(range);
      return { range: at, command: { title, command: "ringside.showReferences", arguments: [uri, at.start] } };
    }),
  ];
}
