/** What a check came to, in one run. */

/** A moment of a scenario's run. */
export interface Moment {
  readonly scenario: string;
  readonly step: number;
  readonly cycle: number;
  /** The event that decided it, if one did. */
  readonly sequence?: number;
}

/** A line of a source, from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

export interface Verdict {
  /** `error`: it cannot be decided, which is a fault of the assignment. */
  readonly status: "passed" | "failed" | "error";
  /** What must hold, and what is so instead; parts of sentences. */
  readonly expected: string;
  readonly happened: string;
  /** Where in time it was decided, and where in the source. */
  readonly moment?: Moment;
  readonly place?: Place;
  /** It failed because what it asks for never came to be: then its opposite has failed, too. */
  readonly baseless?: true;
  readonly parts?: readonly Verdict[];
}

type Sentences = Pick<Verdict, "expected" | "happened">;
type Where = Pick<Verdict, "moment" | "place">;

export const verdict = (holds: boolean, sentences: Sentences, where: Where = {}): Verdict => ({
  status: holds ? "passed" : "failed",
  ...sentences,
  ...where,
});

export const baseless = (expected: string, happened: string, where: Where = {}): Verdict => ({
  status: "failed",
  expected,
  happened,
  ...where,
  baseless: true,
});

export const undecided = (expected: string, why: string): Verdict => ({ status: "error", expected, happened: why });

/** What decided: the first part that did not go as it should. */
const decisive = (parts: readonly Verdict[], status: Verdict["status"]): Where => {
  const { moment, place } = parts.find((part) => part.status === status) ?? {};
  return { ...(moment && { moment }), ...(place && { place }) };
};

const joined = (texts: readonly string[], word: string): string => [...new Set(texts)].join(word);

const expectedOf = (parts: readonly Verdict[]): string =>
  joined(
    parts.map((part) => part.expected),
    "; and ",
  );
const happenedOf = (parts: readonly Verdict[]): string =>
  joined(
    parts.map((part) => part.happened),
    "; ",
  );

/** Of those that failed, what was expected and what happened; if none did, of all. */
export function all(parts: readonly Verdict[]): Verdict {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const expected = expectedOf(parts);
  const wrong = parts.find(({ status }) => status === "error");
  if (wrong) return { ...undecided(expected, wrong.happened), parts };
  const failed = parts.filter(({ status }) => status === "failed");
  if (failed.length === 0) return { ...verdict(true, { expected, happened: happenedOf(parts) }), parts };
  const told = { expected: expectedOf(failed), happened: happenedOf(failed) };
  // One part that is really false makes the whole false, and its opposite true.
  const unfounded = failed.every((part) => part.baseless) && { baseless: true as const };
  return { ...verdict(false, told, decisive(parts, "failed")), ...unfounded, parts };
}

export function any(parts: readonly Verdict[]): Verdict {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const expected = joined(
    parts.map((part) => part.expected),
    "; or ",
  );
  const wrong = parts.find(({ status }) => status === "error");
  if (wrong) return { ...undecided(expected, wrong.happened), parts };
  const passed = parts.find(({ status }) => status === "passed");
  const happened =
    passed?.happened ??
    joined(
      parts.map((part) => part.happened),
      "; ",
    );
  if (passed) return { ...verdict(true, { expected, happened }), parts };
  // The opposite is true only if each part is really false.
  const unfounded = parts.some((part) => part.baseless) && { baseless: true as const };
  return { ...verdict(false, { expected, happened }, decisive(parts, "failed")), ...unfounded, parts };
}

export function not(part: Verdict): Verdict {
  const { status, happened, moment, place } = part;
  const expected = `not: ${part.expected}`;
  if (status === "error" || part.baseless) return { ...part, expected };
  return verdict(status === "failed", { expected, happened }, { ...(moment && { moment }), ...(place && { place }) });
}
