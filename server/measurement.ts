import { fileKey } from "../assembler/location.ts";
import type { MeasuredLine, MeasuredRun } from "../isa/measurement.ts";
import type { LineOf } from "./diagnostics/suppression.ts";

/** Lines up and down in which a line is looked for that is not where it was. */
const reach = 200;

/** Lines of one file as they were when the program ran, by their places now; those that have been changed are left out. */
function placed(
  lines: readonly MeasuredLine[],
  textAt: (line: number) => string | undefined,
): Map<number, MeasuredLine> {
  const found = new Map<number, MeasuredLine>();
  const sorted = [...lines].sort((a, b) => a.line - b.line);
  let shift = 0;
  let last = -1;
  for (const one of sorted) {
    const isThere = (at: number) => at > last && (one.text === undefined || textAt(at) === one.text);
    const expected = one.line + shift;
    let at: number | undefined;
    for (let distance = 0; distance <= reach && at === undefined; distance++)
      at = [expected + distance, expected - distance].find(isThere);
    if (at === undefined) continue;
    found.set(at, one);
    shift = at - one.line;
    last = at;
  }
  return found;
}

/** What the last run of a program measured, by the lines of its text as it is now. */
export class Measurement {
  readonly run: MeasuredRun;
  readonly #lineOf: LineOf;
  readonly #byFile = new Map<string, ReadonlyMap<number, MeasuredLine>>();

  constructor(run: MeasuredRun, lineOf: LineOf) {
    this.run = run;
    this.#lineOf = lineOf;
  }

  at(file: string, line: number): MeasuredLine | undefined {
    const known = this.#byFile.get(file) ?? this.#placedIn(file);
    this.#byFile.set(file, known);
    return known.get(line);
  }

  #placedIn(file: string): ReadonlyMap<number, MeasuredLine> {
    const key = fileKey(file);
    const own = this.run.lines.filter(({ uri }) => fileKey(uri) === key);
    return placed(own, (line) => this.#lineOf(file, line)?.replace(/[\r\n]+$/, ""));
  }
}
