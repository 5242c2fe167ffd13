import { describe, expect, test } from "vitest";
import { hasBochs, runOnBochs } from "./bochs.ts";
import { assembled, hasNasm, runOnOurs } from "./guest-programs.ts";

interface Guest {
  readonly name: string;
  /** How many lines it prints at least: a program that stops early must not pass. */
  readonly lines: number;
  /** Compared with QEMU as well, on both engines and under VT-x. */
  readonly alsoOnQemu?: true;
  /** Needs VMX, which only the bare machine has. */
  readonly usesVmx?: true;
}

const guests: readonly Guest[] = [
  { name: "descriptors", lines: 400, alsoOnQemu: true },
  { name: "paging", lines: 390, alsoOnQemu: true },
  { name: "pae", lines: 15, alsoOnQemu: true },
  { name: "events", lines: 120, alsoOnQemu: true },
  { name: "long", lines: 130, alsoOnQemu: true },
  { name: "tasks", lines: 90 },
  { name: "debug", lines: 220 },
  { name: "vme", lines: 50 },
  { name: "limits", lines: 260 },
  { name: "rights", lines: 3400 },
  { name: "alignment", lines: 180 },
  { name: "sysenter", lines: 25 },
  { name: "vmx", lines: 490, usesVmx: true },
  { name: "vmx32", lines: 16, usesVmx: true },
  { name: "vmx-features", lines: 135, usesVmx: true },
];

const available = hasNasm && hasBochs();
if (!available)
  console.info(
    "Bochs or NASM is not installed (Debian: bochs, bochs-term, nasm): system behaviour is not compared with it",
  );

describe.skipIf(!available)("programs print what they print on Bochs", () => {
  test.each(guests)("$name", ({ name, lines, alsoOnQemu, usesVmx }) => {
    const image = assembled(name);
    const theirs = runOnBochs(image).split("\n");
    expect(theirs.length).toBeGreaterThan(lines);
    if (alsoOnQemu) {
      expect(runOnOurs(image, "bare-metal", true).split("\n")).toEqual(theirs);
      return;
    }
    expect(runOnOurs(image, "bare-metal", false).split("\n")).toEqual(theirs);
    expect(runOnOurs(image, "bare-metal", true).split("\n")).toEqual(theirs);
    if (!usesVmx) expect(runOnOurs(image, "vtx-ept", true).split("\n")).toEqual(theirs);
  });
});
