import { baseless, type Verdict } from "../verdict.ts";
import { labelled, momentOf, type Subject, type Watcher } from "../watcher.ts";

interface MomentFields {
  readonly at?: string;
  readonly visit?: number | "last" | "every";
}

/** In words: "at done", "at the end". */
export const momentText = ({ at, visit = 1 }: MomentFields): string => {
  if (at === undefined) return "at the end";
  if (visit === "every") return `whenever ${at} is reached`;
  return `${visit === "last" ? "the last time at" : visit === 1 ? "at" : `the time number ${visit} at`} ${at}`;
};

/** Judges the machine when a label is reached. */
class AtLabel implements Watcher {
  readonly stops: Set<bigint>;
  readonly #judge: () => Verdict;
  readonly #expected: string;
  readonly #fields: Required<MomentFields>;
  readonly #subject: Subject;
  #visits = 0;
  #verdict: Verdict | undefined;

  constructor(
    subject: Subject,
    fields: Required<MomentFields>,
    address: bigint,
    expected: string,
    judge: () => Verdict,
  ) {
    this.stops = new Set([address]);
    this.#subject = subject;
    this.#fields = fields;
    this.#expected = expected;
    this.#judge = judge;
  }

  look(address: bigint): void {
    this.#visits++;
    const { visit } = this.#fields;
    if (typeof visit === "number" && this.#visits < visit) return;
    this.#verdict = this.#judge();
    if (visit !== "last" && (visit !== "every" || this.#verdict.status !== "passed")) this.stops.delete(address);
  }

  verdict(): Verdict {
    if (this.#verdict) return this.#verdict;
    const { at, visit } = this.#fields;
    const times = this.#visits === 0 ? "was never reached" : `was reached ${this.#visits} of ${visit} times`;
    return baseless(this.#expected, `${at} ${times}`, { moment: momentOf(this.#subject) });
  }
}

/** For checks of a moment: `judge` is called then. */
export async function atMoment(
  subject: Subject,
  { at, visit = 1 }: MomentFields,
  expected: string,
  judge: () => Verdict,
): Promise<Watcher | Verdict> {
  if (at === undefined) return { verdict: judge };
  const address = await labelled(subject, at, expected);
  return typeof address === "bigint" ? new AtLabel(subject, { at, visit }, address, expected, judge) : address;
}
