/**
 * Measures the engines on small loops: `node scripts/bench-engine.ts [name …]`. Prints millions of guest instructions per
 * CPU second of the interpreter, of translated code, and of QEMU's translator (Debian: qemu-system-x86) on the same loops,
 * best of several runs after a warm-up. Figures are of this machine at this moment; only ratios mean something elsewhere.
 *
 * CPU time is ours by `process.cpuUsage` around the run, and QEMU's by the shell's `times`, as its process ends; both are
 * user and system time of all threads. From QEMU's is taken what the same boot takes with an empty loop; its translation
 * is in it, and is small against the run. QEMU does a number of rounds, whose instructions are counted by our processor.
 */
import { layout } from "../emulator/cpu/layout.ts";
import { cpuTimeOnQemu, hasQemu, type QemuProgram } from "../test/emulator/oracle/qemu.ts";
import { codeAt, createProcessor, type Processor } from "../test/support/processor.ts";
import { bootImage, codeOf, endAt, type Guest, guests } from "./bench-engine-guests.ts";

const qemuOf: Readonly<Record<Guest["bits"], QemuProgram>> = { 32: "qemu-system-i386", 64: "qemu-system-x86_64" };
const qemuRuns = 3;

function processorFor(guest: Guest, threshold: number | undefined): Processor {
  const options = { bits: guest.bits, code: codeOf(guest), ramBytes: 0x20_0000 + 0x10_0000 };
  return createProcessor(threshold === undefined ? options : { ...options, threshold });
}

/** Millions of instructions per second over a run; EBP begins as 0, which makes 2³² rounds. */
function measure(guest: Guest, threshold: number | undefined, steps: number): number {
  const { cpu, engine } = processorFor(guest, threshold);
  let best = 0;
  for (let run = 0; run < 6; run++) {
    const before = cpu.f64[layout.steps >> 3]!;
    const start = process.cpuUsage();
    const stop = engine.run({ steps });
    const { user, system } = process.cpuUsage(start);
    const executed = cpu.f64[layout.steps >> 3]! - before;
    if (stop.kind !== "limit" || executed !== steps || cpu.rip < codeAt || cpu.rip > codeAt + 100)
      throw new Error(`${guest.name}: ${stop.kind} after ${executed} steps at ${cpu.rip.toString(16)}`);
    best = Math.max(best, executed / (user + system));
  }
  return best;
}

/** Instructions in the rounds that QEMU does. */
function countInstructions(guest: Guest): number {
  const { cpu, engine } = processorFor(guest, 1000);
  cpu.r64[5] = BigInt(guest.rounds);
  const stop = engine.run({ steps: 1e10, breakpoints: new Set([BigInt(endAt)]) });
  if (stop.kind !== "breakpoint") throw new Error(`${guest.name}: ${stop.kind} at ${cpu.rip.toString(16)}`);
  return cpu.f64[layout.steps >> 3]!;
}

/** Seconds of CPU time, the least of several runs. */
function leastTime(image: Uint8Array, program: QemuProgram): number {
  return Math.min(...Array.from({ length: qemuRuns }, () => cpuTimeOnQemu(image, program)));
}

const startUp = new Map<Guest["bits"], number>();

/** Millions of instructions per second that QEMU does beyond its start; undefined where it is not installed. */
function measureQemu(guest: Guest): number | undefined {
  const { bits } = guest;
  const program = qemuOf[bits];
  if (!hasQemu(program)) return undefined;
  if (!startUp.has(bits)) startUp.set(bits, leastTime(bootImage({ name: "empty", bits, round: "" }, 1), program));
  const seconds = leastTime(bootImage(guest, guest.rounds), program) - startUp.get(bits)!;
  return countInstructions(guest) / seconds / 1e6;
}

const wanted = process.argv.slice(2);
console.log("Million instructions a CPU second; the ratios are translator to interpreter and translator to QEMU.");
console.log("guest       interpreter   translator   ratio     QEMU TCG   ratio");
for (const guest of guests) {
  if (wanted.length > 0 && !wanted.includes(guest.name)) continue;
  const interpreted = measure(guest, undefined, 4e6);
  const translated = measure(guest, 1000, 4e7);
  const columns = [guest.name.padEnd(11), interpreted.toFixed(0).padStart(11), translated.toFixed(0).padStart(12)];
  columns.push((translated / interpreted).toFixed(1).padStart(7));
  const theirs = measureQemu(guest);
  if (theirs === undefined) columns.push(`  ${qemuOf[guest.bits]} is not installed`);
  else columns.push(theirs.toFixed(0).padStart(12), (translated / theirs).toFixed(2).padStart(7));
  console.log(columns.join(" "));
}
