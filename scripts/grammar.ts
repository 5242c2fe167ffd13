import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isVirtualizationHole } from "../isa/instruction.ts";
import { registers } from "../isa/registers.ts";
import { mnemonics, rowsOf } from "../isa/table.ts";

const words = (list: readonly string[]) => `\\b(?i:${[...list].sort().join("|")})\\b`;

const sensitive = mnemonics.filter((m) =>
  rowsOf(m).some((row) => isVirtualizationHole(row) && "robinIrvine" in row.sensitivity),
);
const always = sensitive.filter((m) => rowsOf(m).every(isVirtualizationHole));
const privileged = mnemonics.filter((m) => rowsOf(m).every((row) => ["cpl0", "iopl", "io"].includes(row.privilege)));
const rest = mnemonics.filter((m) => !always.includes(m) && !privileged.includes(m));

/** The TextMate grammar; its lists of instructions and registers come from the table. */
export const grammar = {
  $schema: "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
  name: "Ringside guest assembly (NASM)",
  scopeName: "source.asm.ringside",
  patterns: [
    { match: ";.*$", name: "comment.line.semicolon.asm" },
    {
      match: "^\\s*(%pragma)\\s+(ringside)\\b([^;]*)",
      captures: {
        1: { name: "keyword.control.preprocessor.asm" },
        2: { name: "entity.name.type.asm" },
        3: { name: "string.unquoted.asm" },
      },
    },
    { match: "%[+?]|%\\{?[\\w$%]+\\}?", name: "keyword.control.preprocessor.asm" },
    { match: "^\\s*([A-Za-z_.?@$][\\w.?@$#~]*)\\s*:", captures: { 1: { name: "entity.name.function.asm" } } },
    {
      match: "^\\s*([A-Za-z_.?@$][\\w.?@$#~]*)\\s+(?i:(equ))\\b",
      captures: { 1: { name: "variable.other.constant.asm" }, 2: { name: "keyword.other.directive.asm" } },
    },
    { match: "\"[^\"\\n]*\"|'[^'\\n]*'|`(?:\\\\.|[^`\\n\\\\])*`", name: "string.quoted.asm" },
    {
      match:
        "(?i)\\b(0x[\\da-f_]+|\\$\\d[\\da-f_]*|\\d[\\da-f_]*h|0h[\\da-f_]+|[01_]+b|0[by][01_]+|[0-7_]+[oq]|0[oq][0-7_]+|\\d[\\d_]*[dt]?)\\b",
      name: "constant.numeric.asm",
    },
    {
      match: words([
        "bits",
        "use16",
        "use32",
        "use64",
        "org",
        "section",
        "segment",
        "absolute",
        "global",
        "extern",
        "common",
        "align",
        "alignb",
        "struc",
        "endstruc",
        "istruc",
        "iend",
        "at",
        "cpu",
        "default",
        "times",
        "equ",
        "incbin",
      ]),
      name: "keyword.other.directive.asm",
    },
    { match: "\\b(?i:d[bwdqtoyz]|res[bwdqtoyz])\\b", name: "storage.type.asm" },
    {
      match: words([
        "byte",
        "word",
        "dword",
        "qword",
        "tword",
        "short",
        "near",
        "far",
        "strict",
        "rel",
        "abs",
        "nosplit",
      ]),
      name: "storage.modifier.asm",
    },
    {
      match: words(["rep", "repe", "repz", "repne", "repnz", "lock", "a16", "a32", "a64", "o16", "o32", "o64"]),
      name: "keyword.control.asm",
    },
    { match: words(registers.map((r) => r.name)), name: "variable.language.register.asm" },
    { match: words(always), name: "keyword.control.sensitive.asm" },
    { match: words(privileged), name: "keyword.other.privileged.asm" },
    { match: words(rest), name: "support.function.instruction.asm" },
    { match: "\\$\\$?", name: "variable.language.asm" },
  ],
};

export const grammarText = `${JSON.stringify(grammar, null, 2)}\n`;

if (import.meta.main) {
  writeFileSync(join(import.meta.dirname, "..", "syntaxes", "asm.tmLanguage.json"), grammarText);
  console.log("wrote syntaxes/asm.tmLanguage.json");
}
