import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assemble } from "../../assembler/index.ts";
import type { Bits } from "../../isa/operands.ts";

export const hasNasm = spawnSync("nasm", ["-v"]).status === 0;
if (!hasNasm) console.warn("nasm is not installed: comparisons with it are skipped");

/** What an assembler makes of one line: its bytes in hexadecimal, or the message it refuses it with. */
export type LineResult = { readonly bytes: string } | { readonly error: string };

const slot = 16;

/** Each line at the beginning of a slot of 16 bytes, so that what follows does not depend on what it became. */
const program = (bits: Bits, lines: readonly string[]): string =>
  `bits ${bits}\n${lines.map((line) => `${line}\ntimes ($$-$)&15 db 0`).join("\n")}\n`;

/** The line of the list that a 1-based line of the program is; pads are between them. */
const indexOf = (line: number): number => (line - 2) / 2;

/** What one run says of all lines: refusals by index, else the length of each and the bytes of all. */
interface Run {
  readonly errors: ReadonlyMap<number, string>;
  readonly lengths: readonly number[];
  readonly image: Uint8Array;
}

/** The bytes of each line in a listing: `  12 00000000 0381[00000000]   add …`, continued with a `-` behind the bytes. */
function lengthsIn(listing: string, count: number): number[] {
  const lengths: number[] = new Array(count).fill(0);
  for (const [, line, bytes] of listing.matchAll(/^ *(\d+) [0-9A-F]{8} ([0-9A-F[\]()]+)/gm)) {
    const index = indexOf(Number(line));
    if (Number.isInteger(index)) lengths[index]! += bytes!.replace(/[^0-9A-F]/g, "").length / 2;
  }
  return lengths;
}

function runNasm(directory: string, bits: Bits, lines: readonly string[]): Run {
  const [source, output, listing] = ["lines.asm", "lines.bin", "lines.lst"].map((name) => join(directory, name));
  writeFileSync(source!, program(bits, lines));
  const { stderr } = spawnSync("nasm", ["-f", "bin", "-w-all", "-o", output!, "-l", listing!, source!], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const errors = new Map<number, string>();
  // A line that nasm's own assertions fail on ends the run; it counts as refused.
  for (const [, line, message] of stderr.matchAll(/^.*?:(\d+): (?:error: )?((?<=error: ).*|assertion .*)$/gm)) {
    const index = indexOf(Number(line));
    if (!errors.has(index)) errors.set(index, message!);
  }
  if (errors.size > 0) return { errors, lengths: [], image: new Uint8Array() };
  if (stderr.trim()) throw new Error(stderr);
  return { errors, lengths: lengthsIn(readFileSync(listing!, "utf8"), lines.length), image: readFileSync(output!) };
}

/** Only so many problems are reported of one program, so refusals are looked for in parts. */
const linesPerPart = 300;

function runOwn(bits: Bits, lines: readonly string[]): Run {
  const errors = new Map<number, string>();
  for (let first = 0; first < lines.length; first += linesPerPart) {
    const text = `times ${first * slot} db 0\n${program(bits, lines.slice(first, first + linesPerPart))}`;
    for (const { severity, range, message } of assemble({ file: "lines.asm", text }).problems)
      if (severity === "error") errors.set(first + indexOf(range.line), message);
  }
  if (errors.size > 0) return { errors, lengths: [], image: new Uint8Array() };
  const { bytes, emitted } = assemble({ file: "lines.asm", text: program(bits, lines) });
  const lengths: number[] = new Array(lines.length).fill(0);
  for (const { range, length } of emitted) {
    const index = indexOf(range.line + 1);
    if (Number.isInteger(index)) lengths[index]! += length;
  }
  return { errors, lengths, image: bytes };
}

/** Takes the place of a refused line, so that the others stay where they are. */
const filler = `times ${slot} db 0`;

/** Assembles many lines, each on its own, in as few runs as it takes to sort out what is refused. */
function results(lines: readonly string[], run: (chosen: readonly string[]) => Run): LineResult[] {
  const refused = new Map<number, string>();
  for (;;) {
    const { errors, lengths, image } = run(lines.map((line, n) => (refused.has(n) ? filler : line)));
    for (const [n, error] of errors) refused.set(n, error);
    if (errors.size > 0) continue;
    return lines.map((_, n) => {
      const error = refused.get(n);
      if (error !== undefined) return { error };
      return { bytes: Buffer.from(image.subarray(n * slot, n * slot + lengths[n]!)).toString("hex") };
    });
  }
}

/** What nasm makes of the lines. */
export function assembleLines(bits: Bits, lines: readonly string[]): LineResult[] {
  const directory = mkdtempSync(join(tmpdir(), "ringside-"));
  try {
    return results(lines, (chosen) => runNasm(directory, bits, chosen));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What our assembler makes of them. */
export const ownLines = (bits: Bits, lines: readonly string[]): LineResult[] =>
  results(lines, (chosen) => runOwn(bits, chosen));

/** A line on which the two disagree: other bytes, or one accepts what the other refuses. */
export interface Difference {
  readonly line: string;
  /** Bytes in hexadecimal; none where it is refused. */
  readonly ours: string;
  readonly theirs: string;
  /** Why one of them refuses it. */
  readonly message: string;
}

const bytesOf = (result: LineResult): string => ("bytes" in result ? result.bytes : "");
const messageOf = (result: LineResult): string => ("error" in result ? result.error : "");

export function differences(bits: Bits, lines: readonly string[]): Difference[] {
  const own = ownLines(bits, lines);
  return assembleLines(bits, lines).flatMap((result, n) => {
    const [ours, theirs] = [bytesOf(own[n]!), bytesOf(result)];
    return ours === theirs ? [] : [{ line: lines[n]!, ours, theirs, message: messageOf(own[n]!) || messageOf(result) }];
  });
}
