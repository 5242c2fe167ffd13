import { type Call, type Directive, type Fault, restText } from "./directive.ts";
import type { LinePlace, SourceLine } from "./source.ts";

/** `%line`: what a program wants its lines to be called. Problems are still shown where they really are. */
export interface Numbering {
  /** Where the directive is in the file being read. */
  readonly at: LinePlace;
  /** Number of its own line. */
  readonly number: number;
  /** Added from line to line. */
  readonly step: number;
  /** Undefined: the file keeps its name. */
  readonly file: string | undefined;
}

/** Name and 1-based number of a line for `__FILE__` and `__LINE__`. */
export function placeOf(
  { file, place: { line } }: SourceLine,
  numbering: Numbering | undefined,
): { readonly file: string; readonly line: number } {
  if (!numbering || line <= numbering.at.line) return { file, line: line + 1 };
  return { file: numbering.file ?? file, line: numbering.number + numbering.step * (line - numbering.at.line) };
}

/** `%line NUMBER[+STEP] [FILE]`. */
const setNumber: Directive["run"] = (p, call: Call): Fault => {
  const found = /^(\d+)(?:\+(\d+))?(?:\s+(.*))?$/.exec(restText(call));
  if (!found) return "“%line” needs the number of the next line: %line 100, or %line 100+1 name.";
  const [, number, step = "1", name] = found;
  const file = name === undefined ? p.numbering?.file : name.replace(/^(["'`])(.*)\1$/, "$2");
  p.numbering = { at: call.source.place, number: Number(number), step: Number(step), file };
  return undefined;
};

export const lineDirectives: Readonly<Record<string, Directive>> = { line: { run: setNumber } };
