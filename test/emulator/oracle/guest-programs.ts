import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { Machine } from "../../../emulator/index.ts";
import type { TechniqueId } from "../../../isa/technique.ts";

const folder = join(import.meta.dirname, "guests");

export const hasNasm = spawnSync("nasm", ["-v"]).status === 0;

/** A program of `guests`, as NASM assembles it. */
export function assembled(name: string): Uint8Array {
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
export function runOnOurs(image: Uint8Array, technique: TechniqueId, translate: boolean): string {
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
