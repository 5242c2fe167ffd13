import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Machine } from "../../../emulator/index.ts";
import type { TechniqueId } from "../../../isa/technique.ts";
import { hasQemu, runOnQemu } from "./qemu.ts";

const folder = join(import.meta.dirname, "guests");

/** Programs, and how many lines each prints: a program that stops early must not pass. */
const guests = [
  { name: "descriptors", lines: 400 },
  { name: "paging", lines: 390 },
  { name: "pae", lines: 15 },
  { name: "events", lines: 120 },
  { name: "long", lines: 130 },
] as const;

function assembled(name: string): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), "ringside-oracle-"));
  try {
    const image = join(directory, "image.bin");
    execFileSync("nasm", ["-f", "bin", "-i", `${folder}/`, "-o", image, join(folder, `${name}.asm`)]);
    return new Uint8Array(readFileSync(image));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What the program writes to port E9h on our machine, until it writes to port F4h. */
function runOnOurs(image: Uint8Array, technique: TechniqueId, translate: boolean): string {
  const machine = new Machine({
    technique,
    image,
    origin: 0x7c00,
    mode: "real",
    memory: 16,
    translate,
  });
  let output = "";
  let last = 0;
  for (let slice = 0; slice < 1000; slice++) {
    const stop = machine.run({ steps: 50_000 });
    for (const event of machine.events(last, Number.MAX_SAFE_INTEGER, ["output"]))
      if (event.kind === "output") output += event.text;
    last = machine.lastSequence;
    if (stop.kind === "stopped") {
      expect(stop.reason).toBe("debug-exit");
      return output;
    }
  }
  throw new Error(`the guest does not end: ${output.slice(-500)}`);
}

const hasNasm = spawnSync("nasm", ["-v"]).status === 0;
const available = hasNasm && hasQemu();
if (!available)
  console.info(
    "QEMU or NASM is not installed (Debian: qemu-system-x86, nasm): system behaviour is not compared with it",
  );

describe.skipIf(!available)("programs print what they print on QEMU", () => {
  test.each(guests)("$name", ({ name, lines }) => {
    const image = assembled(name);
    const theirs = runOnQemu(image, ["-cpu", "max"]).split("\n");
    expect(theirs.length).toBeGreaterThan(lines);
    expect(runOnOurs(image, "bare-metal", false).split("\n")).toEqual(theirs);
    expect(runOnOurs(image, "bare-metal", true).split("\n")).toEqual(theirs);
    expect(runOnOurs(image, "vtx-ept", true).split("\n")).toEqual(theirs);
  });
});
