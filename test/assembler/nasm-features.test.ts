import { describe, expect, it } from "vitest";
import { hasNasm } from "../isa/nasm.ts";
import { featureCases, featureFiles } from "./feature-cases.ts";
import { nasmOutput, ringsideOutput, shown } from "./nasm-oracle.ts";

/** What nasm refuses, we must refuse; in other words. */
const outcome = (output: Uint8Array | string): string => (typeof output === "string" ? "refused" : shown(output));

describe.skipIf(!hasNasm).each(featureFiles)("%s", (file) => {
  it.each(featureCases(file))("$title", ({ text, format }) => {
    const [ours, theirs] = [ringsideOutput(text, { format }), nasmOutput(text, format)];
    expect(outcome(ours), `ours: ${shown(ours)}\nnasm: ${shown(theirs)}`).toBe(outcome(theirs));
  });
});
