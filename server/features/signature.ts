import type { ParameterInformation, SignatureHelp, SignatureInformation } from "vscode-languageserver";
import type { Assembly, SymbolDefinition } from "../../assembler/index.ts";
import { Comma, endOf, Mnemonic, Prefix, tokenize } from "../../assembler/tokens.ts";
import type { Bits } from "../../isa/operands.ts";
import { rowsOf } from "../../isa/table.ts";
import { splitLines } from "../words.ts";
import { existsIn } from "./operand-fit.ts";

/** What is being typed: a word with arguments after it. */
export interface Typed {
  readonly word: string;
  /** The arguments before the cursor as far as they are written; the last is the one at the cursor. */
  readonly written: readonly string[];
}

/** The statement before a column, without label and prefixes; undefined in a comment, or before the first blank after the word. */
export function typedBefore(before: string): Typed | undefined {
  const tokens = tokenize(before);
  const end = tokens.at(-1);
  if (before.indexOf(";", end ? endOf(end) : 0) >= 0) return undefined;
  let at = tokens[1]?.image === ":" ? 2 : 0;
  // A name before an instruction is a label without a colon.
  if (at === 0 && tokens[0] && tokens[1]?.tokenType === Mnemonic && tokens[0].tokenType !== Mnemonic) at = 1;
  while (tokens[at]?.tokenType === Prefix) at++;
  const word = tokens[at];
  if (!word || endOf(word) >= before.length) return undefined;
  const written: string[] = [];
  let start = endOf(word);
  let depth = 0;
  for (const one of tokens.slice(at + 1)) {
    if (/^[[({]$/.test(one.image)) depth++;
    else if (/^[\])}]$/.test(one.image)) depth--;
    else if (one.tokenType === Comma && depth <= 0) {
      written.push(before.slice(start, one.startOffset).trim());
      start = endOf(one);
    }
  }
  return { word: word.image, written: [...written, before.slice(start).trim()] };
}

/** A signature whose parameters are parts of its label. */
function signature(word: string, parameters: readonly string[], separator: string, doc: string): SignatureInformation {
  let label = word;
  const found: ParameterInformation[] = [];
  for (const [n, parameter] of parameters.entries()) {
    label += n === 0 ? " " : separator;
    found.push({ label: [label.length, label.length + parameter.length] });
    label += parameter;
  }
  return { label, documentation: doc, parameters: found };
}

function instruction({ word, written }: Typed, bits: Bits): SignatureHelp | null {
  const forms = rowsOf(word).filter((row) => row.operands.length > 0 && existsIn(row, bits));
  if (forms.length === 0) return null;
  const signatures = forms.map((row) =>
    signature(
      row.mnemonic.toUpperCase(),
      row.operands.map(({ text }) => text),
      ", ",
      row.doc,
    ),
  );
  const active = written.length - 1;
  const fits = forms.findIndex((row) => row.operands.length > active);
  return { signatures, activeSignature: Math.max(0, fits), activeParameter: active };
}

/** `name 1-3+` as the parameters a person may give. */
function parametersOf(header: string): string[] {
  const [, least = "0", most, greedy] = /^(\d+)(?:-(\d+|\*))?(\+)?/.exec(header) ?? [];
  const count = most === "*" ? Number(least) + 1 : Number(most ?? least);
  return Array.from({ length: count }, (_, n) => {
    const rest = (greedy && n === count - 1) || (most === "*" && n === count - 1);
    return n < Number(least) ? `%${n + 1}${rest ? "…" : ""}` : `[%${n + 1}${rest ? "…" : ""}]`;
  });
}

/** The comment lines right above a definition. */
export function commentAbove(lines: readonly string[], line: number): string {
  const comments: string[] = [];
  for (let n = line - 1; n >= 0 && /^\s*;/.test(lines[n]!); n--) comments.unshift(lines[n]!.replace(/^\s*;+\s?/, ""));
  return comments.join("\n");
}

function macro({ name, range }: SymbolDefinition, textOf: (file: string) => string | undefined): SignatureInformation {
  const lines = splitLines(textOf(range.file) ?? "");
  const header = (lines[range.line] ?? "").slice(range.end).trim();
  const doc = commentAbove(lines, range.line);
  const inParentheses = /^\(([^)]*)\)/.exec(header);
  if (inParentheses)
    return signature(
      name,
      inParentheses[1]!.split(",").map((text) => text.trim()),
      ", ",
      doc,
    );
  return signature(name, parametersOf(header), ", ", doc);
}

/** `name(a, b` where the name is a macro with parameters. */
function callBefore(before: string): Typed | undefined {
  const found = /([A-Za-z_.?@][\w$#@~.?]*)\(([^()]*)$/.exec(before);
  return found ? { word: found[1]!, written: found[2]!.split(",") } : undefined;
}

/** The operands that the instruction at the cursor can have in this mode, or the parameters of the macro. */
export function signatureHelp(
  assembly: Assembly,
  bits: Bits,
  before: string,
  textOf: (file: string) => string | undefined,
): SignatureHelp | null {
  for (const typed of [callBefore(before), typedBefore(before)]) {
    if (!typed) continue;
    const wanted = typed.word.toLowerCase();
    const macros = assembly.macros.filter(({ name }) => name === typed.word || name.toLowerCase() === wanted);
    if (macros.length > 0) {
      const signatures = macros.map((one) => macro(one, textOf)).filter(({ parameters }) => parameters!.length > 0);
      const activeParameter = typed.written.length - 1;
      if (signatures.length === 0) return null;
      return { signatures, activeSignature: signatures.length - 1, activeParameter };
    }
    const found = instruction(typed, bits);
    if (found) return found;
  }
  return null;
}
