import { describe, expect, it } from "vitest";
import { all, any, baseless, not, undecided, type Verdict, verdict } from "../../grader/verdict.ts";

const sentences = { expected: "e", happened: "h" };
const verdicts: Readonly<Record<string, Verdict>> = {
  true: verdict(true, sentences),
  false: verdict(false, sentences),
  baseless: baseless("e", "h"),
  undecided: undecided("e", "h"),
};
const name = ({ status, baseless }: Verdict): string =>
  baseless ? "baseless" : { passed: "true", failed: "false", error: "undecided" }[status];
const of = (...names: string[]): Verdict[] => names.map((one) => verdicts[one]!);

/** What never came to be is neither true nor false; what cannot be decided makes the whole undecided. */
describe("parts of a check", () => {
  it.each<[string, string, string, string]>([
    ["true", "true", "true", "true"],
    ["true", "false", "false", "true"],
    ["true", "baseless", "baseless", "true"],
    ["false", "false", "false", "false"],
    ["false", "baseless", "false", "baseless"],
    ["baseless", "baseless", "baseless", "baseless"],
    ["true", "undecided", "undecided", "undecided"],
    ["false", "undecided", "undecided", "undecided"],
    ["baseless", "undecided", "undecided", "undecided"],
  ])("%s with %s: all %s, any %s", (a, b, both, either) => {
    for (const parts of [of(a, b), of(b, a)]) expect([name(all(parts)), name(any(parts))]).toEqual([both, either]);
  });

  it.each([
    ["true", "false"],
    ["false", "true"],
    ["baseless", "baseless"],
    ["undecided", "undecided"],
  ])("not %s is %s", (a, opposite) => expect(name(not(verdicts[a]!))).toBe(opposite));

  it("are denied as De Morgan says", () => {
    const names = Object.keys(verdicts);
    for (const a of names)
      for (const b of names) {
        expect(name(not(all(of(a, b))))).toBe(name(any(of(a, b).map(not))));
        expect(name(not(any(of(a, b))))).toBe(name(all(of(a, b).map(not))));
      }
  });
});
