import { describe, expect, it } from "vitest";
import { prepareRename, type RenameSubject, rename } from "../../server/features/rename.ts";
import { analyse, type Marked, uri } from "../support/marked-source.ts";

const subjectOf = ({ analysis, documents }: Marked): RenameSubject => ({
  assembly: analysis.assembly,
  textOf: (file) => documents.textOf(file),
  assembled: (texts) => documents.assembled(uri, texts),
});

/** The files after the rename, by their names; or why it was refused. */
async function renamed(source: string, name: string, files: Record<string, string> = {}) {
  const marked = await analyse(source, { files });
  const edits = await rename(subjectOf(marked), uri, marked.cursor!, name);
  if ("refused" in edits) return edits.refused;
  return Object.fromEntries(
    [...edits].map(([file, own]) => {
      const lines = marked.documents.textOf(file)!.split("\n");
      for (const { range, newText } of own.toSorted((a, b) => b.range.start.character - a.range.start.character)) {
        const { start, end } = range;
        lines[start.line] =
          lines[start.line]!.slice(0, start.character) + newText + lines[start.line]!.slice(end.character);
      }
      return [file.replace("file:///guest/", ""), lines.join("\n")];
    }),
  );
}

describe("rename", () => {
  it.each([
    ["a label", "st$0art: jmp start\ndw start+2", "begin", "begin: jmp begin\ndw begin+2"],
    ["a label, from a use", "start: jmp st$0art", "begin", "begin: jmp begin"],
    ["a label with its locals written in full", "m$0ain:\n.a: jmp .a\njmp main.a", "m2", "m2:\n.a: jmp .a\njmp m2.a"],
    ["a local label", "a:\n.x: jmp .x$0\njmp a.x\nb:\n.x: jmp .x", ".y", "a:\n.y: jmp .y\njmp a.y\nb:\n.x: jmp .x"],
    ["a constant", "size equ 5\nmov al, si$0ze", "count", "count equ 5\nmov al, count"],
    [
      "a define",
      "%define si$0ze 5\nmov al, size\n%undef size",
      "count",
      "%define count 5\nmov al, count\n%undef count",
    ],
    [
      "a define used by another",
      "%define a 5\n%define b (a+1)\nmov al, b\nmov ah, $0a",
      "c",
      "%define c 5\n%define b (c+1)\nmov al, b\nmov ah, c",
    ],
    ["a guard", "%ifndef GUARD\n%define GU$0ARD\nnop\n%endif", "DONE", "%ifndef DONE\n%define DONE\nnop\n%endif"],
    [
      "a macro",
      "%macro pu$0t 1\nmov al, %1\n%endmacro\nput 5\nput 6",
      "set",
      "%macro set 1\nmov al, %1\n%endmacro\nset 5\nset 6",
    ],
    [
      "a label in the argument of a macro",
      "%macro go 1\njmp %1\n%endmacro\nhe$0re: go here",
      "there",
      "%macro go 1\njmp %1\n%endmacro\nthere: go there",
    ],
    [
      "a label in the body of a macro",
      "%macro go 0\njmp here\n%endmacro\nhe$0re: go\ngo",
      "there",
      "%macro go 0\njmp there\n%endmacro\nthere: go\ngo",
    ],
  ])("%s", async (_, before, name, after) => expect(await renamed(before, name)).toEqual({ "main.asm": after }));

  it("goes through included files", async () => {
    const files = { "lib.inc": "print: ret\nagain: jmp print\n" };
    expect(await renamed('call pri$0nt\n%include "lib.inc"', "show", files)).toEqual({
      "main.asm": 'call show\n%include "lib.inc"',
      "lib.inc": "show: ret\nagain: jmp show\n",
    });
  });

  it.each([
    ["mov e$0ax, 1", "x", "Only labels, constants and macros"],
    ["jmp nowh$0ere", "x", "is not defined in this program"],
    ["st$0art: nop", "eax", "is a word of the assembler"],
    ["st$0art: nop", "mov", "is a word of the assembler"],
    ["st$0art: nop", "two words", "is no name"],
    ["st$0art: nop", "1st", "is no name"],
    ["st$0art: nop\nend: nop", "end", "There is already a symbol “end”"],
    ["a:\n.x: jmp .$0x", "y", "A local label begins with a dot: “.y”"],
    ["st$0art: nop", ".x", "is a local label"],
    ["%macro m 1\n%1_end: nop\n%endmacro\nm x\njmp x_e$0nd", "y", "a macro makes the name"],
    ["f$0oo: nop\n%macro m 1\n%defstr s %1\ndb s\njmp %1\n%endmacro\nm foo", "other", "so the program would change"],
  ])("%j to %s is refused: %s", async (source, name, why) => expect(await renamed(source, name)).toContain(why));

  it("says what it will rename", async () => {
    const prepared = async (source: string) => {
      const marked = await analyse(source);
      return prepareRename(subjectOf(marked), uri, marked.cursor!);
    };
    expect(await prepared("main:\n.a: jmp main.$0a")).toMatchObject({
      placeholder: ".a",
      range: { start: { line: 1, character: 12 }, end: { line: 1, character: 14 } },
    });
    expect(await prepared("mov a$0x, 1")).toHaveProperty("refused");
  });
});
