import { describe, expect, test } from "vitest";
import { outcomeOf } from "../../../isa/outcome.ts";
import { type Technique, type TechniqueId, techniques } from "../../../isa/technique.ts";
import { cases, decodedOf } from "./cases.ts";
import { type Executed, execute } from "./executed.ts";

/** All that run a guest which was not written for them. */
const built = (techniques as readonly (Technique & { readonly id: TechniqueId })[]).filter(
  (technique) => technique.kernel !== "hypercalls",
);

const observed = ({ exits, rewritten, differs }: Executed) => {
  if (rewritten) return differs ? "rewritten, and differs" : "rewritten";
  if (exits.length > 0) return differs ? "traps, and differs" : "traps";
  return differs ? "silently wrong" : "runs";
};

describe.each(built)("$id does with each sensitive instruction what the table says", (technique) => {
  test.each(cases)("$name", (given) => {
    expect(observed(execute(given, technique.id))).toBe(outcomeOf(decodedOf(given), technique));
  });
});
