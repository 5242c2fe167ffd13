import { describe, expect, it } from "vitest";
import { type Fingerprints, likenesses, winnowed } from "../../grader/similarity.ts";

const words = (from: number, count: number): string[] => Array.from({ length: count }, (_, n) => `word ${from + n}`);
const of = (student: string, list: readonly string[]): Fingerprints => ({ student, hashes: [...winnowed(list)] });

describe("winnowing", () => {
  it("keeps nothing of lists that are too short, and something of each run of nine words", () => {
    expect(winnowed(words(0, 5)).size).toBe(0);
    expect(winnowed(words(0, 6)).size).toBe(1);
    // Schleimer, Wilkerson and Aiken: a match of gram + window - 1 words is never missed.
    const whole = winnowed(words(0, 200));
    for (let from = 0; from + 9 <= 200; from += 7)
      expect([...winnowed(words(from, 9))].some((one) => whole.has(one))).toBe(true);
  });

  it("keeps about two of five: 2 / (window + 1)", () => {
    const { size } = winnowed(words(0, 5000));
    expect(size / 5000).toBeGreaterThan(0.35);
    expect(size / 5000).toBeLessThan(0.45);
  });
});

describe("likeness", () => {
  const a = of("a", words(0, 100));

  it.each<[string, readonly string[], number, number]>([
    ["the same", words(0, 100), 1, 1],
    ["the same within something longer", [...words(900, 300), ...words(0, 100), ...words(1300, 300)], 0.9, 1],
    ["half the same", [...words(0, 50), ...words(500, 50)], 0.4, 0.6],
    ["another", words(500, 100), 0, 0],
  ])("of %s", (_, list, least, most) => {
    const [found] = likenesses([a, of("b", list)], 0.05);
    expect(found?.part ?? 0).toBeGreaterThanOrEqual(least);
    expect(found?.part ?? 0).toBeLessThanOrEqual(most);
  });

  it("lists the most alike first, whoever is named first, and nobody with himself or with too little", () => {
    const all = [of("c", [...words(0, 50), ...words(500, 50)]), of("b", words(0, 100)), a, of("d", words(0, 6))];
    const pairs = likenesses(all, 0.1).map((one) => [one.a, one.b]);
    expect(pairs[0]).toEqual(["a", "b"]);
    expect(pairs).toHaveLength(3);
    expect(likenesses([...all].reverse(), 0.1).map((one) => [one.a, one.b])).toEqual(pairs);
  });
});
