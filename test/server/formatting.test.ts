import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { TextDocument } from "vscode-languageserver-textdocument";
import { assemble } from "../../assembler/index.ts";
import {
  defaultLayout,
  formatDocument,
  formatLines,
  formatOnType,
  type Layout,
} from "../../server/features/formatting.ts";
import { generatedProgram, seeded } from "../assembler/random.ts";

const formatted = (text: string, layout: Layout = defaultLayout) =>
  TextDocument.applyEdits(TextDocument.create("f", "ringside", 1, text), formatDocument(text, layout));

describe("formatting", () => {
  it.each([
    ["mov eax,1", "        mov eax, 1"],
    ["start:mov   eax ,  [ebx+4]   ;load", "start:  mov eax, [ebx+4]                ;load"],
    ["start: ; here", "start:                                  ; here"],
    ["msg db 'a  ,b',0", "msg     db 'a  ,b', 0"],
    ["  size equ 5  ", "size    equ 5"],
    ["a_rather_long_label: nop", "a_rather_long_label: nop"],
    [".x:\tjmp .x", ".x:     jmp .x"],
    ["bits 32", "bits 32"],
    ["  bits 32", "        bits 32"],
    ["section .text", "section .text"],
    ["  put 1,   2", "        put 1,   2"],
    ["put 1,   2", "put 1,   2"],
    ["%define  x   1  ", "%define  x   1"],
    ["  ; a comment  ", "  ; a comment"],
    ["   ", ""],
    ["mov eax, 'open", "mov eax, 'open"],
    ["mov eax, \\\n  1", "mov eax, \\\n  1"],
    ["rep  movsb", "        rep movsb"],
    ["times  3  nop", "times 3 nop"],
  ])("%j", (before, after) => {
    expect(formatted(before)).toBe(after);
    expect(formatted(after)).toBe(after);
  });

  it("changes letter case where that is asked for", () => {
    expect(formatted("Main: MOV EAX, Value", { ...defaultLayout, case: "lower" })).toBe("Main:   mov eax, Value");
    expect(formatted("main: mov eax, value", { ...defaultLayout, case: "upper" })).toBe("main:   MOV EAX, value");
  });

  it("of a range leaves other lines alone", () => {
    expect(
      formatLines("mov ax,1\nmov ax,2\nmov ax,3", 1, 1, defaultLayout).map(({ range }) => range.start.line),
    ).toEqual([1]);
  });

  it("while one types brings the line before into its columns, and indents", () => {
    const text = "a:mov ax,1\n";
    const edits = formatOnType(text, { line: 1, character: 0 }, defaultLayout);
    expect(TextDocument.applyEdits(TextDocument.create("f", "x", 1, text), edits)).toBe("a:      mov ax, 1\n        ");
  });

  const examples = join(import.meta.dirname, "..", "..", "examples");
  const sources = readdirSync(examples, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".asm"));
  const layouts: readonly Layout[] = [
    defaultLayout,
    { statementColumn: 2, commentColumn: 60, case: "upper" },
    { statementColumn: 16, commentColumn: 30, case: "lower" },
  ];
  const same = (text: string) => {
    const { bytes, problems } = assemble({ file: "f", text });
    for (const layout of layouts) {
      const once = formatted(text, layout);
      expect(formatted(once, layout)).toBe(once);
      const after = assemble({ file: "f", text: once });
      expect(after.bytes).toEqual(bytes);
      expect(after.problems.map(({ code }) => code)).toEqual(problems.map(({ code }) => code));
    }
  };
  it.each(sources)("never changes a byte of examples/%s", (name) => same(readFileSync(join(examples, name), "utf8")));
  it("never changes a byte of generated programs", () => {
    for (let seed = 1; seed <= 20; seed++) same(generatedProgram(seeded(seed), 60).join("\n"));
  });
});
