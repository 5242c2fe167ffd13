import { type CodeAction, CodeActionKind, type Diagnostic, type TextEdit } from "vscode-languageserver";
import type { Fix as GivenFix } from "../../assembler/index.ts";
import type { Bits } from "../../isa/operands.ts";
import { toLsp } from "../ranges.ts";
import { splitLines } from "../words.ts";

/** A change that solves a problem. */
interface Fix {
  readonly title: string;
  readonly edit: TextEdit;
  readonly others?: readonly TextEdit[];
}

interface Place {
  readonly diagnostic: Diagnostic;
  /** What the problem is about, as written. */
  readonly written: string;
  /** Its line. */
  readonly line: string;
  readonly lines: readonly string[];
  readonly bits: Bits;
}

/** The mode of the code on a line. */
type BitsAt = (line: number) => Bits;

const messageOf = ({ diagnostic: { message } }: Place): string =>
  typeof message === "string" ? message : message.value;

const replaced = ({ diagnostic }: Place, title: string, newText: string): Fix => ({
  title,
  edit: { range: diagnostic.range, newText },
});

function inserted({ diagnostic }: Place, title: string, character: number, newText: string): Fix {
  const at = { line: diagnostic.range.start.line, character };
  return { title, edit: { range: { start: at, end: at }, newText } };
}

function appended({ lines }: Place, title: string, newText: string): Fix {
  const end = { line: lines.length - 1, character: lines.at(-1)!.length };
  const newLine = lines.at(-1) === "" ? "" : "\n";
  return { title, edit: { range: { start: end, end }, newText: `${newLine}${newText}\n` } };
}

/** The name that the message asks about, in the place of the one written. */
function didYouMean(place: Place): Fix[] {
  const meant = /Did you mean “([^”]+)”\?/.exec(messageOf(place))?.[1];
  if (meant === undefined || /\s/.test(place.written)) return [];
  const text = /^%/.test(place.written) ? `%${meant.replace(/^%/, "")}` : meant;
  return [replaced(place, `Change to “${text}”`, text)];
}

/** The size words before the memory operand. */
function operandSize(place: Place): Fix[] {
  const { start, end } = place.diagnostic.range;
  const bracket = place.line.indexOf("[", start.character);
  if (bracket < 0 || bracket > end.character) return [];
  const words = ["byte", "word", "dword", ...(place.bits === 64 ? ["qword"] : [])];
  return words.map((word) => inserted(place, `Insert “${word}”`, bracket, `${word} `));
}

function withoutShort(place: Place): Fix[] {
  const { start } = place.diagnostic.range;
  const found = /\bshort\s+/i.exec(place.line.slice(start.character)) ?? /\bshort\s+/i.exec(place.line);
  if (!found) return [];
  const from = place.line.indexOf(found[0]);
  const range = {
    start: { line: start.line, character: from },
    end: { line: start.line, character: from + found[0].length },
  };
  return [{ title: "Leave “short” out", edit: { range, newText: "" } }];
}

function closedString(place: Place): Fix[] {
  const quote = place.written[0] ?? place.line[place.diagnostic.range.start.character];
  return quote ? [inserted(place, `Close the string with ${quote}`, place.line.length, quote)] : [];
}

const closingWord = (place: Place): string | undefined => /has no %(\w+)/.exec(messageOf(place))?.[1];

/** For each problem that has one, how it is solved. */
const fixes: Readonly<Record<string, (place: Place) => Fix[]>> = {
  "operand-size-unknown": operandSize,
  "label-alone": (place) => [inserted(place, "Insert a colon", place.diagnostic.range.end.character, ":")],
  "reserved-word": (place) =>
    /write \$/.test(messageOf(place))
      ? [inserted(place, `Change to “$${place.written}”`, place.diagnostic.range.start.character, "$")]
      : [],
  "jump-out-of-range": withoutShort,
  "unterminated-string": closedString,
  "unclosed-if": (place) => [appended(place, "Add %endif at the end", "%endif")],
  "unclosed-block": (place) => {
    const word = closingWord(place);
    return word === undefined ? [] : [appended(place, `Add %${word} at the end`, `%${word}`)];
  },
};

/** Fixes that the diagnostic brings along; those with several edits have the first one's place. */
function givenFixes({ data }: Diagnostic): Fix[] {
  const fixes = (data as { readonly fixes?: readonly GivenFix[] } | undefined)?.fixes ?? [];
  return fixes.flatMap(({ title, edits }): Fix[] => {
    const [edit, ...others] = edits.map(({ range, text }) => ({ range: toLsp(range), newText: text }));
    return edit ? [{ title, edit, others }] : [];
  });
}

function fixesOf(diagnostic: Diagnostic, lines: readonly string[], bitsAt: BitsAt): Fix[] {
  const { start, end } = diagnostic.range;
  const line = lines[start.line] ?? "";
  const place = {
    diagnostic,
    line,
    lines,
    bits: bitsAt(start.line),
    written: line.slice(start.character, end.character),
  };
  const given = givenFixes(diagnostic);
  if (given.length > 0) return given;
  const known = typeof diagnostic.code === "string" ? fixes[diagnostic.code]?.(place) : undefined;
  return known && known.length > 0 ? known : didYouMean(place);
}

const overlaps = (a: Diagnostic["range"], b: Diagnostic["range"]): boolean =>
  a.start.line <= b.end.line && b.start.line <= a.end.line;

/** What solves the problems in a range. Where there is one way only it is the preferred one. */
export function quickFixes(
  uri: string,
  text: string,
  found: readonly Diagnostic[],
  range: Diagnostic["range"],
  bitsAt: BitsAt,
): CodeAction[] {
  const lines = splitLines(text);
  return found
    .filter((diagnostic) => overlaps(diagnostic.range, range))
    .flatMap((diagnostic) => {
      const all = fixesOf(diagnostic, lines, bitsAt);
      return all.map(({ title, edit, others: more = [] }) => ({
        title,
        kind: CodeActionKind.QuickFix,
        diagnostics: [diagnostic],
        isPreferred: all.length === 1,
        edit: { changes: { [uri]: [edit, ...more] } },
      }));
    });
}

/** All problems with one way out, solved at once; no two edits at the same place. */
export function fixAll(uri: string, text: string, found: readonly Diagnostic[], bitsAt: BitsAt): CodeAction[] {
  const lines = splitLines(text);
  const edits = new Map<string, TextEdit>();
  for (const diagnostic of found) {
    const [only, ...others] = fixesOf(diagnostic, lines, bitsAt);
    const at = only?.edit.range.start;
    if (only && at && !only.others?.length && others.length === 0 && !edits.has(`${at.line}:${at.character}`))
      edits.set(`${at.line}:${at.character}`, only.edit);
  }
  if (edits.size === 0) return [];
  return [
    {
      title: "Solve all problems with one way out",
      kind: `${CodeActionKind.SourceFixAll}.ringside`,
      edit: { changes: { [uri]: [...edits.values()] } },
    },
  ];
}
