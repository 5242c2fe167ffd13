/**
 * Measures the engines on the guests of `bench/guests`: `npm run bench:engine [-- name …]`. Each guest is booted, in 32-bit
 * and in 64-bit code, on Ringside with its translator and without, on the npm package v86 (32-bit code) with its JIT and without,
 * and on Debian's QEMU (TCG) and Bochs where they are installed. All must print the same checksum.
 *
 * Time is CPU time, user's and system's, of the emulator's process from its start to its end; what the same process takes
 * for a guest that ends at once is taken from it. So compiling is in it, and starting is not. Interpreting emulators do fewer rounds.
 * Printed are millions of guest instructions a second, as our processor counts them, and ratios of times.
 */
import { type Emulator, emulators, type Outcome, run } from "../bench/emulators.ts";
import { type Guest, guests, imageOf } from "../bench/guests.ts";

type Name = keyof typeof emulators;
const names = Object.keys(emulators) as Name[];
const slow: ReadonlySet<Name> = new Set(["interpreter", "v86Interpreter", "bochs"]);
const runs = 2;
/** Times below this are told from nothing by luck: the shell counts in hundredths of a second. */
const leastSeconds = 0.02;

const installed = names.filter((name) => emulators[name].isInstalled());

/** The least CPU time of some runs. */
function best(emulator: Emulator, image: Uint8Array): Outcome {
  const outcomes = Array.from({ length: runs }, () => run(emulator, image));
  return outcomes.reduce((least, outcome) => (outcome.seconds < least.seconds ? outcome : least));
}

const starts = new Map<string, number>();

/** What an emulator takes for a guest that ends at once. */
function startOf(name: Name, bits: 32 | 64): number {
  const key = `${name} ${bits}`;
  const known = starts.get(key);
  if (known !== undefined) return known;
  const { seconds } = best(emulators[name], imageOf("empty", bits, 1));
  starts.set(key, seconds);
  return seconds;
}

const stepsOf = ({ output }: Outcome): number => Number(/(\d+) steps/.exec(output)![1]);

/** Nanoseconds a round by emulator, and how many instructions a round has. */
interface Measured {
  readonly name: string;
  readonly bits: 32 | 64;
  readonly instructions: number;
  readonly times: Partial<Record<Name, number>>;
}

function measure(guest: Guest, bits: 32 | 64): Measured {
  const times: Partial<Record<Name, number>> = {};
  const checksums = new Map<number, string>();
  let instructions = 0;
  for (const name of installed) {
    const emulator: Emulator = emulators[name];
    if (!emulator.bits.includes(bits)) continue;
    const rounds = slow.has(name) ? guest.few : guest.rounds;
    const outcome = best(emulator, imageOf(guest.name, bits, rounds));
    const expected = checksums.get(rounds) ?? outcome.checksum;
    checksums.set(rounds, expected);
    if (outcome.checksum !== expected)
      throw new Error(`${guest.name}${bits}: ${emulator.name} prints ${outcome.checksum}, others ${expected}`);
    times[name] = (Math.max(outcome.seconds - startOf(name, bits), leastSeconds) / rounds) * 1e9;
    if (name === "translator") instructions = stepsOf(outcome) / rounds;
  }
  return { name: guest.name, bits, instructions, times };
}

const ratio = ({ times }: Measured, ours: Name, theirs: Name): number | undefined =>
  times[ours] !== undefined && times[theirs] !== undefined ? times[theirs] / times[ours] : undefined;

const text = (value: number | undefined, digits: number, width: number): string =>
  (value === undefined ? "–" : value.toFixed(digits)).padStart(width);

function geometricMean(all: readonly Measured[], ours: Name, theirs: Name): number | undefined {
  const ratios = all.map((measured) => ratio(measured, ours, theirs)).filter((value) => value !== undefined);
  if (ratios.length === 0) return undefined;
  return Math.exp(ratios.reduce((sum, value) => sum + Math.log(value), 0) / ratios.length);
}

const wanted = process.argv.slice(2);
const chosen = guests.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
for (const name of names)
  if (!installed.includes(name)) console.log(`${emulators[name].name} is not installed here and is left out.`);
console.log("Million instructions a CPU second, and how many times as quick Ringside is.");
console.log(
  "guest            translator interpreter       v86 v86 no JIT  QEMU TCG     Bochs | v86   QEMU  interpreter: v86  v86 no JIT",
);
const results: Measured[] = [];
for (const guest of chosen)
  for (const bits of [32, 64] as const) {
    const measured = measure(guest, bits);
    results.push(measured);
    const speed = (name: Name, width: number): string => {
      const time = measured.times[name];
      return text(time === undefined ? undefined : (measured.instructions / time) * 1000, 0, width);
    };
    console.log(
      `${`${guest.name}${bits}`.padEnd(16)}${speed("translator", 11)}${speed("interpreter", 12)}${speed("v86", 10)}` +
        `${speed("v86Interpreter", 11)}${speed("qemu", 10)}${speed("bochs", 10)} |` +
        `${text(ratio(measured, "translator", "v86"), 2, 5)}${text(ratio(measured, "translator", "qemu"), 2, 7)}` +
        `${text(ratio(measured, "interpreter", "v86"), 2, 18)}${text(ratio(measured, "interpreter", "v86Interpreter"), 2, 12)}`,
    );
  }

/** Guests whose code is hot: the others say what happens before it is translated. */
const hot = results.filter(({ name }) => !guests.find((guest) => guest.name === name)!.once);
const rows: readonly (readonly [what: string, ours: Name, theirs: Name, target: number])[] = [
  ["translator to v86, 32-bit guests", "translator", "v86", 1.5],
  ["translator to QEMU TCG", "translator", "qemu", 0.7],
  ["interpreter to v86", "interpreter", "v86", 1 / 7],
  ["interpreter to v86 without its JIT", "interpreter", "v86Interpreter", 1.3],
];
console.log("\nGeometric means over the hot guests, and their targets:");
for (const [what, ours, theirs, target] of rows)
  console.log(`${what.padEnd(40)}${text(geometricMean(hot, ours, theirs), 2, 6)}  (${target.toFixed(2)})`);
const least = results.flatMap((measured) => ratio(measured, "translator", "v86") ?? []);
if (least.length > 0)
  console.log(`${"the least ratio of any guest to v86".padEnd(40)}${text(Math.min(...least), 2, 6)}  (0.80)`);
