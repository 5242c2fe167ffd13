/**
 * Compares the decoder with iced-x86 on random byte strings: `node scripts/check-decoder.ts [strings]`, by default
 * 1,200,000, a third of them in each mode. Prints how often the two agree, and what they differ on; ends with 1 if they do.
 */
import { type Comparison, compare } from "../test/isa/iced-comparison.ts";
import { randomStrings } from "../test/isa/random-strings.ts";
import { modes } from "../test/isa/samples.ts";

const total = Number(process.argv[2] ?? 1_200_000);
if (!Number.isSafeInteger(total) || total < 3) throw new RangeError(`${process.argv[2]} is no number of strings`);

/** Differences of each kind that are shown. */
const mostShown = 20;

const agreements: ReadonlySet<Comparison["kind"]> = new Set<Comparison["kind"]>(["instruction", "none", "unknown"]);
const texts = {
  instruction: "the same instruction",
  none: "no instruction to both",
  unknown: "an instruction that is not in the table",
  "only-ours": "DIFFERENT: an instruction to us only",
  "only-iced": "DIFFERENT: an instruction to iced only",
  length: "DIFFERENT: another length",
  mnemonic: "DIFFERENT: another mnemonic",
  operands: "DIFFERENT: other operands",
} as const satisfies Record<Comparison["kind"], string>;

let different = 0;
const unknown = new Map<string, number>();
for (const bits of modes) {
  const counts = new Map<Comparison["kind"], number>();
  const shown: string[] = [];
  const start = performance.now();
  for (const bytes of randomStrings(bits, Math.ceil(total / modes.length))) {
    const { kind, text } = compare(bytes, bits);
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    if (kind === "unknown") unknown.set(text, (unknown.get(text) ?? 0) + 1);
    if (agreements.has(kind)) continue;
    different++;
    if (count <= mostShown) shown.push(`    ${kind}: ${text}`);
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${bits} bits, ${Math.ceil(total / modes.length)} strings (${seconds} s)`);
  for (const [kind, count] of counts) console.log(`  ${String(count).padStart(8)}  ${texts[kind]}`);
  if (shown.length > 0) console.log(shown.join("\n"));
}
const names = [...unknown].sort(([, a], [, b]) => b - a).map(([name]) => name);
console.log(`Not in the table: ${names.length} mnemonics, the most frequent ${names.slice(0, 40).join(" ")}`);
process.exitCode = different === 0 ? 0 : 1;
