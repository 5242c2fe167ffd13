import type { Program } from "../../debug-adapter/program.ts";
import { toLinear } from "../../debug-adapter/program.ts";
import type { CoveragePredicate } from "../assignment.ts";
import { comparison, comparisonText, holds } from "../comparison.ts";
import { listed } from "../shown.ts";
import { undecided, type Verdict, verdict } from "../verdict.ts";
import { labelled, momentOf, type Subject, type Watcher } from "../watcher.ts";

/** Stops at each place once, so that a loop costs no more than its first round. */
export class Reached {
  readonly stops: Set<bigint>;

  constructor(addresses: Iterable<bigint>) {
    this.stops = new Set(addresses);
  }

  look(address: bigint): void {
    this.stops.delete(address);
  }
}

/** A check of what was reached. */
function reaching(addresses: Iterable<bigint>, judge: (reached: (address: bigint) => boolean) => Verdict): Watcher {
  const reached = new Reached(addresses);
  return {
    stops: reached.stops,
    look: (address) => reached.look(address),
    verdict: () => judge((address) => !reached.stops.has(address)),
  };
}

async function labelsWatcher(subject: Subject, labels: readonly string[]): Promise<Watcher | Verdict> {
  const expected = `${labels.join(", ")} ${labels.length === 1 ? "is" : "are"} reached`;
  const addresses = new Map<string, bigint>();
  for (const label of labels) {
    const address = await labelled(subject, label, expected);
    if (typeof address !== "bigint") return address;
    addresses.set(label, address);
  }
  return reaching(addresses.values(), (reached) => {
    const missed = labels.filter((label) => !reached(addresses.get(label)!));
    const happened =
      missed.length === 0 ? "all were" : `${missed.join(", ")} ${missed.length === 1 ? "was" : "were"} not`;
    return verdict(
      missed.length === 0,
      { expected, happened },
      missed.length === 0 ? {} : { moment: momentOf(subject) },
    );
  });
}

/** The lines of a file that have instructions, from 0, with their addresses. */
export function linesOf(program: Program, file: string): Map<number, readonly bigint[]> {
  const isCode = (address: number): boolean => program.lines.at(address)?.decoded !== undefined;
  const lines = new Map<number, readonly bigint[]>();
  for (let line = program.lines.nextLineWithCode(file, 0); line !== undefined; ) {
    const addresses = program.lines.addresses(file, line).filter(isCode);
    if (addresses.length > 0)
      lines.set(
        line,
        addresses.map((address) => toLinear(program, address)),
      );
    line = program.lines.nextLineWithCode(file, line + 1);
  }
  return lines;
}

function linesWatcher(subject: Subject, file: string, percent: string): Watcher | Verdict {
  const { program } = subject;
  const bound = comparison(percent);
  const expected = `${comparisonText(bound)} % of the lines of ${file} run`;
  const lines = linesOf(program, file);
  if (lines.size === 0)
    return subject.files.includes(file)
      ? verdict(false, { expected, happened: `no line of ${file} has an instruction in the program` })
      : undecided(expected, `no line of ${file} has an instruction in the program`);
  return reaching([...lines.values()].flat(), (reached) => {
    const missed = [...lines].filter(([, addresses]) => !addresses.some(reached)).map(([line]) => line);
    const part = (100 * (lines.size - missed.length)) / lines.size;
    const met = holds(part, bound);
    const places = missed.map((line) => String(line + 1));
    const without = missed.length === 0 ? "" : `, all but ${missed.length === 1 ? "line" : "lines"} ${listed(places)}`;
    const place = { file, line: (missed[0] ?? 0) + 1 };
    const happened = `${part.toFixed(1)} % ran${without}`;
    return verdict(met, { expected, happened }, met ? {} : { moment: momentOf(subject), place });
  });
}

/** For checks of what code was reached. */
export const coverageWatcher = async (
  subject: Subject,
  { labels, lines, percent = "== 100" }: CoveragePredicate,
): Promise<Watcher | Verdict> => (labels ? labelsWatcher(subject, labels) : linesWatcher(subject, lines!, percent));
