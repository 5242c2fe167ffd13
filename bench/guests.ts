/** The guests of `guests/`, and how often each repeats itself. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assemble } from "../assembler/index.ts";

export interface Guest {
  readonly name: string;
  /** Rounds that a quick emulator does in about a second. */
  readonly rounds: number;
  /** The same of one that interprets. */
  readonly few: number;
  /** It runs code only a few times, or does little but what no emulator translates: the interpreters do as many rounds. */
  readonly once?: boolean;
}

export const guests: readonly Guest[] = [
  { name: "alu", rounds: 5000, few: 150 },
  { name: "collatz", rounds: 4_000_000, few: 120_000 },
  { name: "sieve", rounds: 32, few: 1 },
  { name: "memcpy", rounds: 5000, few: 150 },
  { name: "repmovs", rounds: 10_000, few: 300 },
  { name: "interpreter", rounds: 20_000, few: 1000 },
  { name: "call", rounds: 80_000, few: 4000 },
  { name: "pages", rounds: 12_000, few: 600 },
  { name: "invlpg", rounds: 20_000, few: 4000 },
  { name: "cr3", rounds: 12_000, few: 2000 },
  { name: "ports", rounds: 10_000, few: 2000 },
  { name: "cpuid", rounds: 150_000, few: 4000 },
  { name: "cold", rounds: 1200, few: 1200, once: true },
];

const folder = join(import.meta.dirname, "guests");

/** The image of a guest, to be loaded at 7C00h. */
export function imageOf(name: string, bits: 32 | 64, rounds: number): Uint8Array {
  const file = join(folder, `${name}.asm`);
  const { bytes, problems } = assemble({
    file,
    text: readFileSync(file, "utf8"),
    defines: { BITS: String(bits), ROUNDS: String(rounds) },
    read: (path) => ({ file: join(folder, path), text: readFileSync(join(folder, path), "utf8") }),
  });
  const problem = problems.find(({ severity }) => severity === "error");
  if (problem) throw new Error(`${problem.range.file}:${problem.range.line + 1}: ${problem.message}`);
  return bytes;
}
