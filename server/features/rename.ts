import type { Range as LspRange, Position, TextEdit } from "vscode-languageserver";
import type { Assembly, MacroCall, Range } from "../../assembler/index.ts";
import { Name, tokenize } from "../../assembler/tokens.ts";
import { toLsp } from "../ranges.ts";
import { directiveOf, splitLines, wordsOf } from "../words.ts";
import { symbolAt } from "./definition.ts";
import { definitionsOf, type Occurrence, occurrences } from "./occurrences.ts";

/** What a rename is made on: a program and the texts of its files. */
export interface RenameSubject {
  readonly assembly: Assembly;
  /** Text of a file of the program. */
  readonly textOf: (file: string) => string | undefined;
  /** The program with some files' texts replaced. */
  readonly assembled: (texts: ReadonlyMap<string, string>) => Promise<Assembly>;
}

/** Why something cannot be renamed, as a sentence for people. */
export interface Refused {
  readonly refused: string;
}

const refuse = (refused: string): Refused => ({ refused });

/** A name that a person may change, and how it is written. */
interface Renamed {
  readonly full: string;
  /** Of a local label the part from the dot on, else the full name. */
  readonly own: string;
  /** Macros defined for any letter case are found in any. */
  readonly isMacro: boolean;
}

function renamedAt(assembly: Assembly, uri: string, position: Position): Renamed | Refused {
  const full = symbolAt(assembly, uri, position);
  if (full === undefined) return refuse("Only labels, constants and macros have names that can be changed.");
  const [definition] = definitionsOf(assembly, full);
  if (!definition) return refuse(`“${full}” is not defined in this program, so its name cannot be changed here.`);
  const dot = full.indexOf(".", 1);
  const isLocal = definition.kind !== "define" && dot > 0 && !full.startsWith("..");
  return { full, own: isLocal ? full.slice(dot) : full, isMacro: definition.kind === "define" };
}

const lineOf = (subject: RenameSubject, { file, line }: Pick<Range, "file" | "line">): string =>
  splitLines(subject.textOf(file) ?? "")[line] ?? "";

/** The columns of the name in what is written at a place; undefined if something else is written there. */
function spelled(written: string, { full, own, isMacro }: Renamed): { start: number; end: number } | undefined {
  const start = written.startsWith("$") ? 1 : 0;
  const text = written.slice(start);
  if (isMacro ? text.toLowerCase() === full.toLowerCase() : text === own) return { start, end: written.length };
  if (text === full) return { start: written.length - own.length, end: written.length };
  return undefined;
}

const narrowed = (range: Range, { start, end }: { start: number; end: number }): Range => ({
  ...range,
  start: range.start + start,
  end: range.start + end,
});

/** The name under the cursor, as it may be changed. */
export function prepareRename(
  subject: RenameSubject,
  uri: string,
  position: Position,
): { readonly range: LspRange; readonly placeholder: string } | Refused {
  const renamed = renamedAt(subject.assembly, uri, position);
  if ("refused" in renamed) return renamed;
  const here = occurrences(subject.assembly, renamed.full).find(
    ({ range }) =>
      range.file === uri &&
      range.line === position.line &&
      range.start <= position.character &&
      position.character <= range.end,
  );
  const line = here && lineOf(subject, here.range);
  const span = here && spelled(line!.slice(here.range.start, here.range.end), renamed);
  if (!span) return refuse(`A macro puts the name “${renamed.full}” together here. Rename it where it is written.`);
  return { range: toLsp(narrowed(here.range, span)), placeholder: renamed.own };
}

/** Why a name cannot be the new one. */
function wrongName({ full, own }: Renamed, name: string, assembly: Assembly): string | undefined {
  const [token, ...more] = tokenize(name);
  const isLocal = own !== full;
  if (isLocal && !/^\.[^.]/.test(name)) return `A local label begins with a dot: “.${name.replace(/^\.+/, "")}”.`;
  if (!isLocal && name.startsWith(".")) return "A name that begins with a dot is a local label of the one above it.";
  if (!token || more.length > 0 || token.image !== name || /^\d/.test(name))
    return `“${name}” is no name: it has letters, digits and _ $ # @ ~ . ? only, and begins with none of the digits.`;
  if (token.tokenType !== Name) return `“${name}” is a word of the assembler. Choose another name.`;
  const wanted = isLocal ? full.slice(0, full.length - own.length) + name : name;
  if (wanted !== full && assembly.symbols.get(wanted)) return `There is already a symbol “${wanted}”.`;
  return undefined;
}

/** The ranges of the name, and the places where it comes from a macro. */
function places(subject: RenameSubject, renamed: Renamed): { readonly written: Range[]; readonly made: Occurrence[] } {
  const written: Range[] = [];
  const made: Occurrence[] = [];
  for (const occurrence of occurrences(subject.assembly, renamed.full)) {
    const { range } = occurrence;
    const span = spelled(lineOf(subject, range).slice(range.start, range.end), renamed);
    if (span) written.push(narrowed(range, span));
    else made.push(occurrence);
  }
  return { written, made };
}

/** `main.loop` written in full goes with `main`. */
function localsOf({ assembly, ...subject }: RenameSubject, { full, own, isMacro }: Renamed): Range[] {
  if (isMacro || own !== full) return [];
  return assembly.references.flatMap(({ name, range }) => {
    if (!name.startsWith(`${full}.`)) return [];
    const written = lineOf({ assembly, ...subject }, range).slice(range.start, range.end);
    return written === name ? [{ ...range, end: range.start + full.length }] : [];
  });
}

const namesMacros = /^(el)?if|^un|^define|^[ix]*define|^assign|^iassign|^defstr|^deftok|^defalias/;

/** The name on lines that macros are made of or called by: directives, bodies, and the lines of the calls. */
function inMacros(subject: RenameSubject, renamed: Renamed, calls: readonly MacroCall[]): Range[] {
  const called = new Set(calls.map(({ range }) => `${range.line}:${range.file}`));
  const { assembly } = subject;
  const files = new Set([...calls, ...definitionsOf(assembly, renamed.full)].map(({ range }) => range.file));
  for (const { file, range } of assembly.includes) files.add(file).add(range.file);
  return [...files].flatMap((file) => {
    let inBody = false;
    return splitLines(subject.textOf(file) ?? "").flatMap((text, line) => {
      const directive = directiveOf(text);
      const isHeader = directive !== undefined && /^i?r?macro$/.test(directive);
      if (directive !== undefined && /^endm(acro)?$/.test(directive)) inBody = false;
      const looked =
        inBody || called.has(`${line}:${file}`) || (directive !== undefined && namesMacros.test(directive));
      inBody ||= isHeader;
      return looked ? wordsIn(text, { file, line }, renamed) : [];
    });
  });
}

const wordsIn = (text: string, at: { file: string; line: number }, renamed: Renamed): Range[] =>
  wordsOf(text).flatMap((word) => {
    const range = { ...at, start: word.start, end: word.end };
    const span = spelled(word.text, renamed);
    return span ? [narrowed(range, span)] : [];
  });

function* chain(call: MacroCall | undefined): Generator<MacroCall> {
  for (let one = call; one; one = one.outer) yield one;
}

/** The edits of each file; a place is edited once. */
function editsOf(ranges: readonly Range[], newText: string): Map<string, TextEdit[]> {
  const edits = new Map<string, TextEdit[]>();
  const seen = new Set<string>();
  for (const range of ranges) {
    const key = `${range.line}:${range.start}:${range.file}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const own = edits.get(range.file) ?? [];
    edits.set(range.file, own);
    own.push({ range: toLsp(range), newText });
  }
  return edits;
}

function applied(text: string, edits: readonly TextEdit[]): string {
  const lines = text.split(/(?<=\r\n|\n|\r(?!\n))/);
  for (const { range, newText } of edits.toSorted((a, b) => b.range.start.character - a.range.start.character)) {
    const line = lines[range.start.line]!;
    lines[range.start.line] = line.slice(0, range.start.character) + newText + line.slice(range.end.character);
  }
  return lines.join("");
}

const errorsOf = ({ problems }: Assembly): number => problems.filter(({ severity }) => severity === "error").length;

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, n) => byte === b[n]);

/**
 * The edits by which a symbol gets another name in all files of the program. They are tried out: a rename that would
 * change a byte or make an error is refused.
 */
export async function rename(
  subject: RenameSubject,
  uri: string,
  position: Position,
  newName: string,
): Promise<Map<string, TextEdit[]> | Refused> {
  const renamed = renamedAt(subject.assembly, uri, position);
  if ("refused" in renamed) return renamed;
  const wrong = wrongName(renamed, newName, subject.assembly);
  if (wrong !== undefined) return refuse(wrong);
  const { written, made } = places(subject, renamed);
  const calls = made.flatMap(({ expansion }) => [...chain(expansion)]);
  const looksInMacros = renamed.isMacro || (made.length > 0 && renamed.own === renamed.full);
  const more = looksInMacros ? inMacros(subject, renamed, calls) : [];
  const edits = editsOf([...written, ...localsOf(subject, renamed), ...more], newName);
  const texts = new Map([...edits].map(([file, own]) => [file, applied(subject.textOf(file) ?? "", own)]));
  // The assembly is good until the document changes.
  const { bytes } = subject.assembly;
  const errors = errorsOf(subject.assembly);
  const after = await subject.assembled(texts);
  const isSame = sameBytes(after.bytes, bytes) && errorsOf(after) <= errors;
  if (isSame) return edits;
  return refuse(
    `“${renamed.full}” cannot be renamed: a macro makes the name or something of it, so the program would change.`,
  );
}
