// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are snippets of LSP
import { type CompletionItem, CompletionItemKind, InsertTextFormat } from "vscode-languageserver";
import { conditionNames } from "../../assembler/conditions.ts";
import { directives } from "../../assembler/directives.ts";
import { wordKinds } from "../../assembler/words.ts";

/** Blocks that are more than a word; `$0` is where typing goes on. */
const snippets: Readonly<Record<string, string>> = {
  macro: "macro ${1:name} ${2:0}\n\t$0\n%endmacro",
  imacro: "imacro ${1:name} ${2:0}\n\t$0\n%endmacro",
  rep: "rep ${1:count}\n\t$0\n%endrep",
  if: "if ${1:condition}\n\t$0\n%endif",
  ifdef: "ifdef ${1:NAME}\n\t$0\n%endif",
  ifndef: "ifndef ${1:NAME}\n\t$0\n%endif",
  include: 'include "$1"',
  define: "define ${1:NAME} ${2:value}",
  pragma: "pragma ringside ${1|mode,technique,memory,processors,ends,output|} $0",
};

/** `%` directives, after the percent sign. */
export const directiveItems: readonly CompletionItem[] = [...Object.keys(directives), ...conditionNames]
  .sort()
  .map((name) => {
    const snippet = snippets[name];
    const item = { label: `%${name}`, filterText: name, kind: CompletionItemKind.Keyword };
    if (snippet === undefined) return { ...item, insertText: name };
    return {
      ...item,
      insertText: snippet,
      insertTextFormat: InsertTextFormat.Snippet,
      kind: CompletionItemKind.Snippet,
    };
  });

const heads = new Set([
  "prefix",
  "times",
  "data",
  "reserve",
  "equ",
  "align",
  "value-directive",
  "word-directive",
  "incbin",
]);
const more = ["absolute", "struc", "istruc", "endstruc", "iend", "at", "global", "extern", "common", "cpu"];

/** Words other than instructions that can begin a statement. */
export const statementItems: readonly CompletionItem[] = [
  ...[...wordKinds].filter(([, kind]) => heads.has(kind)).map(([word]) => word),
  ...more,
]
  .sort()
  .map((label) => ({ label, kind: CompletionItemKind.Keyword, detail: "directive" }));

/** Statements with places to fill in. */
export const statementSnippets: readonly CompletionItem[] = [
  ["struc … endstruc", "struc ${1:name}\n.${2:field}: resd 1$0\nendstruc", "A structure: names for offsets"],
  ["times … db", "times ${1:510-(\\$-\\$\\$)} db ${2:0}", "Fills up to a place"],
  ["bits 16 boot sector", "bits 16\norg 7C00h\n\n$0\n\ntimes 510-(\\$-\\$\\$) db 0\ndw 0AA55h", "A boot sector"],
].map(([label, insertText, detail]) => ({
  label: label!,
  insertText: insertText!,
  detail: detail!,
  insertTextFormat: InsertTextFormat.Snippet,
  kind: CompletionItemKind.Snippet,
}));
