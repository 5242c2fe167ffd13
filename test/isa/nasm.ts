import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bits } from "../../isa/operands.ts";

export const hasNasm = spawnSync("nasm", ["-v"]).status === 0;
if (!hasNasm) console.warn("nasm is not installed: comparisons with it are skipped");

/** What nasm makes of one line: its bytes in hexadecimal, or the message it refuses it with. */
export type NasmResult = { readonly bytes: string } | { readonly error: string };

const slot = 16;

/** Each line in a slot of 16 bytes, of which the last is the length of the instruction. */
const program = (bits: Bits, lines: readonly string[]): string =>
  [
    `bits ${bits}`,
    ...lines.map((line, n) => `b${n}: ${line}\ne${n}: times 15-(e${n}-b${n}) db 0\ndb e${n}-b${n}`),
  ].join("\n");

function run(
  directory: string,
  bits: Bits,
  lines: readonly string[],
): { errors: Map<number, string>; image: Uint8Array } {
  const source = join(directory, "lines.asm");
  const output = join(directory, "lines.bin");
  writeFileSync(source, program(bits, lines));
  const { stderr } = spawnSync("nasm", ["-f", "bin", "-w-all", "-o", output, source], { encoding: "utf8" });
  const errors = new Map<number, string>();
  for (const [, line, message] of stderr.matchAll(/^.*?:(\d+): error: (.*)$/gm)) {
    const index = Math.floor((Number(line) - 2) / 3);
    if (!errors.has(index)) errors.set(index, message!);
  }
  if (errors.size === 0 && stderr.trim()) throw new Error(stderr);
  return { errors, image: errors.size === 0 ? readFileSync(output) : new Uint8Array() };
}

/** Assembles many lines, each on its own, in as few runs of nasm as it takes to sort out what it refuses. */
export function assembleLines(bits: Bits, lines: readonly string[]): NasmResult[] {
  const directory = mkdtempSync(join(tmpdir(), "ringside-"));
  const results: NasmResult[] = new Array(lines.length);
  let open = lines.map((_, n) => n);
  try {
    for (;;) {
      const { errors, image } = run(
        directory,
        bits,
        open.map((n) => lines[n]!),
      );
      for (const [at, error] of errors) results[open[at]!] = { error };
      if (errors.size > 0) {
        open = open.filter((_, at) => !errors.has(at));
        continue;
      }
      open.forEach((n, at) => {
        const bytes = image.subarray(at * slot, at * slot + image[at * slot + slot - 1]!);
        results[n] = { bytes: Buffer.from(bytes).toString("hex") };
      });
      return results;
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}
