import { describe, expect, it } from "vitest";
import { declaration, references } from "../../server/features/definition.ts";
import { foldingRanges } from "../../server/features/folding.ts";
import { highlights } from "../../server/features/highlights.ts";
import { documentLinks } from "../../server/features/links.ts";
import { selectionRanges } from "../../server/features/selection.ts";
import { workspaceSymbols } from "../../server/features/workspace-symbols.ts";
import { analyse, uri } from "../support/marked-source.ts";

describe("references and highlights", () => {
  it.each([
    ["%define si$0ze 5\nmov al, size\n%ifdef size\nnop\n%endif\n%undef size", [0, 1, 2, 5]],
    ["%macro pu$0t 1\nmov al, %1\n%endmacro\nput 1\nput 2\n%unmacro put 1", [0, 3, 4, 5]],
    ["here: jmp he$0re", [0, 0]],
    ["%macro m 0\njmp here\n%endmacro\nhe$0re: m\nm", [3, 1]],
  ])("%j", async (source, lines) => {
    const { analysis, cursor } = await analyse(source);
    expect(references(analysis.assembly, uri, cursor!, true).map(({ range }) => range.start.line)).toEqual(lines);
    expect(highlights(analysis.assembly, uri, cursor!)).toHaveLength(lines.length);
  });

  it("tells definitions from uses", async () => {
    const { analysis, cursor } = await analyse("here: jmp he$0re");
    expect(highlights(analysis.assembly, uri, cursor!).map(({ kind }) => kind)).toEqual([3, 2]);
  });

  it("goes from an %include to its file", async () => {
    const { analysis, cursor } = await analyse('%include "l$0ib.inc"', { files: { "lib.inc": "nop" } });
    expect(declaration(analysis.assembly, uri, cursor!)?.uri).toBe("file:///guest/lib.inc");
  });
});

it("links go to included files and to those of incbin", async () => {
  const source = '%include "lib.inc"\ndata: incbin "a.bin", 1\nincbin "none.bin"';
  const { analysis, documents } = await analyse(source, { files: { "lib.inc": "", "a.bin": "xy" } });
  const links = documentLinks(analysis.assembly, uri, source, [], (file) => documents.isThere(file));
  expect(
    links.map(({ target, range }) => [target, range.start.line, range.start.character, range.end.character]),
  ).toEqual([
    ["file:///guest/lib.inc", 0, 9, 18],
    ["file:///guest/a.bin", 1, 13, 20],
  ]);
});

it.each([
  ["%macro m 0\nnop\nnop\n%endmacro", [[0, 2]]],
  [
    "%if 1\nnop\nnop\n%else\nnop\nnop\n%endif",
    [
      [0, 2],
      [3, 5],
    ],
  ],
  [
    "%ifdef A\n%rep 2\nnop\nnop\n%endrep\n%endif",
    [
      [0, 4],
      [1, 3],
    ],
  ],
  [
    "a: nop\nnop\n.x: nop\n\n; next\nb: nop\nret\n",
    [
      [0, 2],
      [5, 6],
    ],
  ],
  ["; one\n; two\nnop", [[0, 1]]],
  ["struc point\n.x: resd 1\n.y: resd 1\nendstruc", [[0, 2]]],
  ["%endif\n%endmacro\nendstruc", []],
])("folds %j", (source, ranges) =>
  expect(foldingRanges(source).map(({ startLine, endLine }) => [startLine, endLine])).toEqual(ranges),
);

it("selection grows from the word to the document", () => {
  const text = "start:\n  mov eax, [ebx + esi*4] ; load\n  ret";
  const [first] = selectionRanges(text, [{ line: 1, character: 13 }]);
  const texts: string[] = [];
  const lines = text.split("\n");
  for (let at = first; at; at = at.parent) {
    const { start, end } = at.range;
    texts.push(
      start.line === end.line ? lines[start.line]!.slice(start.character, end.character) : `${start.line}-${end.line}`,
    );
  }
  expect(texts).toEqual([
    "ebx",
    "ebx + esi*4",
    "[ebx + esi*4]",
    "mov eax, [ebx + esi*4]",
    "mov eax, [ebx + esi*4] ; load",
    "  mov eax, [ebx + esi*4] ; load",
    "0-2",
  ]);
});

it("workspace symbols are found by the letters of their names", async () => {
  const source = "page_table: nop\nsize equ 5\n%define PORT 80h\n%macro put 1\n%endmacro";
  const { analysis } = await analyse(source);
  const names = (query: string) => workspaceSymbols([analysis.assembly], query).map(({ name }) => name);
  expect(names("pgt")).toEqual(["page_table"]);
  expect(names("p")).toEqual(["page_table", "PORT", "put"]);
  expect(names("")).toHaveLength(4);
});
