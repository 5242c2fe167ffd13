import { expect, test } from "vitest";
import { type Loop, loopsOf } from "../../../emulator/engine/translator/loops.ts";
import type { Block } from "../../../emulator/engine/translator/plan.ts";

/** Blocks by where they jump to; "?" is an address known only then. */
const blocks = (...targets: readonly (number | "?")[][]): Block[] =>
  targets.map((some, offset) => ({
    offset,
    bytes: 1,
    instructions: [],
    byHost: false,
    targets: some.filter((target) => target !== "?"),
    indirect: some.includes("?"),
  }));

const written = ({ children }: Pick<Loop, "children">): unknown[] =>
  children.map((child) => (typeof child === "number" ? child : written(child)));

test.each([
  ["straight code has no loop", blocks([1], [2], []), [0, 1, 2]],
  ["a block that jumps to itself is one", blocks([1], [1, 2], []), [0, [1], 2]],
  ["a jump back takes in what lies between", blocks([1], [2], [3, 1], []), [0, [1, 2], 3]],
  ["loops lie within loops", blocks([1], [1, 2], [0, 3], []), [[0, [1], 2], 3]],
  ["of two that overlap the outer one is extended", blocks([1], [2], [0, 3], [1, 4], []), [[0, [1, 2, 3]], 4]],
  ["what jumps anywhere is in no loop", blocks([1], [2, "?"], [0, 3], []), [0, 1, 2, 3]],
  ["a loop beside such a jump stays one", blocks([0, 1], ["?"], [2]), [[0], 1, [2]]],
] as const)("%s", (_, given, expected) => {
  expect(written(loopsOf(given))).toEqual(expected);
});
