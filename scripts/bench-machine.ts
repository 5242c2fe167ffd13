/**
 * Measures what a machine costs besides executing: `node scripts/bench-machine.ts`. Prints milliseconds of CPU time to make
 * one of 16 MiB (the first of the process, and the median of later ones), MiB of memory that a run of a guest takes
 * beyond the guest's own (in use after a garbage collection, and resident), and how much slower a loop runs with breakpoints set:
 * in another page, in a block of the same page that it does not reach, and with data watched.
 */
import { spawnSync } from "node:child_process";
import { imageOf } from "../bench/guests.ts";
import { createMachine, type Machine } from "../emulator/index.ts";

const mebibyte = 2 ** 20;
const memory = 16;

const machine = (image: Uint8Array, megabytes = memory): Machine =>
  createMachine({ technique: "bare-metal", mode: "real", image, origin: 0x7c00, memory: megabytes });

function milliseconds(act: () => void): number {
  const start = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

function measureStart(): void {
  const image = imageOf("empty", 32, 1);
  const first = milliseconds(() => machine(image).run({ steps: 1 }));
  const later = Array.from({ length: 21 }, () => milliseconds(() => machine(image).run({ steps: 1 })));
  console.log(`start of a machine of ${memory} MiB: first ${first.toFixed(1)} ms, then ${median(later).toFixed(1)} ms`);
}

/** MiB that are in use after a collection (which needs `--expose-gc`), and that the process has got from its host. */
function memoryNow(): { readonly used: number; readonly resident: number } {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { used: (heapUsed + external) / mebibyte, resident: rss / mebibyte };
}

/** In a process of its own, as memory that was used once is not given back at once. */
function measureMemory(name: string): void {
  const image = imageOf(name, 32, 10_000);
  machine(imageOf("empty", 32, 1)).run({ steps: 1000 });
  const before = memoryNow();
  const made = machine(image);
  for (let slice = 0; slice < 20; slice++) made.run({ steps: 5e6 });
  const after = memoryNow();
  const used = after.used - before.used - memory;
  const resident = after.resident - before.resident - memory;
  console.log(
    `memory of ${name}32 after ${Math.round(made.now / 1e6)} million steps, beyond the guest's: ` +
      `${used.toFixed(0)} MiB in use, ${resident.toFixed(0)} MiB resident`,
  );
}

function measureBreakpoints(): void {
  const image = imageOf("alu", 32, 1e6);
  const measure = (breakpoints?: ReadonlySet<bigint>): number => {
    const made = machine(image);
    made.run({ steps: 2e7 });
    return median(
      Array.from({ length: 7 }, () =>
        milliseconds(() => made.run(breakpoints ? { steps: 1e8, breakpoints } : { steps: 1e8 })),
      ),
    );
  };
  const plain = measure();
  const settings = [
    ["in another page", 0x2_0000n],
    ["in the same page, in a block that the loop does not reach", 0x8800n],
  ] as const;
  for (const [where, address] of settings)
    console.log(`with a breakpoint ${where}: ${(measure(new Set([address])) / plain).toFixed(2)} of the time without`);
}

const [guest] = process.argv.slice(2);
if (guest !== undefined) measureMemory(guest);
else {
  measureStart();
  measureBreakpoints();
  for (const name of ["sieve", "ports", "cold"])
    spawnSync(process.execPath, ["--expose-gc", import.meta.filename, name], { stdio: "inherit" });
}
