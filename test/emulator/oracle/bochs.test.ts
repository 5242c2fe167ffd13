import { describe, expect, test } from "vitest";
import { hasBochs, runOnBochs } from "./bochs.ts";
import { assembled, hasNasm, runOnOurs } from "./guest-programs.ts";

/** Programs, and how many lines each prints: a program that stops early must not pass. */
const guests = [
  { name: "descriptors", lines: 400 },
  { name: "paging", lines: 390 },
  { name: "pae", lines: 15 },
  { name: "events", lines: 120 },
  { name: "long", lines: 130 },
  { name: "tasks", lines: 90 },
  { name: "debug", lines: 220 },
  { name: "vme", lines: 50 },
] as const;

const available = hasNasm && hasBochs();
if (!available)
  console.info(
    "Bochs or NASM is not installed (Debian: bochs, bochs-term, nasm): system behaviour is not compared with it",
  );

describe.skipIf(!available)("programs print what they print on Bochs", () => {
  test.each(guests)("$name", ({ name, lines }) => {
    const image = assembled(name);
    const theirs = runOnBochs(image).split("\n");
    expect(theirs.length).toBeGreaterThan(lines);
    expect(runOnOurs(image, "bare-metal", false).split("\n")).toEqual(theirs);
    expect(runOnOurs(image, "bare-metal", true).split("\n")).toEqual(theirs);
    expect(runOnOurs(image, "vtx-ept", true).split("\n")).toEqual(theirs);
  });
});
