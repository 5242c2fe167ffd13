/**
 * Measures going back in time: `npm run bench:time [guest …]`. Each guest of `bench/guests` named runs 500 million steps,
 * without and with what is kept for going back, then takes one step back as the debugger does, and more in the same place. Each row has
 * a process to itself, as a debugging session has: what other guests left would make memory dearer. What former runs left is collected
 * before each, and a few runs go ahead until the host has compiled all of ours that they use. The ratios within a run count; single
 * figures depend on the machine at this moment.
 */
import { execFileSync } from "node:child_process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { guests, imageOf } from "../bench/guests.ts";
import { previousStart } from "../debug-adapter/history.ts";
import { Machine } from "../emulator/index.ts";
import type { TechniqueId } from "../isa/technique.ts";

const steps = 500_000_000;
const runs = 9;
const runsAhead = 4;
const techniques = ["bare-metal", "vtx-ept"] as const satisfies readonly TechniqueId[];
const endless = 10_000_000;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Milliseconds of CPU time, all threads. */
function time(work: () => void): number {
  const begun = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

interface Measured {
  readonly forwards: number;
  readonly back: number;
  readonly again: number;
}

function stepBack(machine: Machine): void {
  machine.goTo(previousStart(machine, machine.now));
}

function measure(technique: TechniqueId, image: Uint8Array, snapshotBytes?: number): Measured {
  const machine = new Machine({ technique, mode: "real", image, origin: 0x7c00, memory: 16 }, [], snapshotBytes);
  collectGarbage();
  const forwards = time(() => machine.run({ steps }));
  if (snapshotBytes === 0) return { forwards, back: 0, again: 0 };
  const back = time(() => stepBack(machine));
  return { forwards, back, again: median([1, 2, 3, 4, 5].map(() => time(() => stepBack(machine)))) };
}

function printRow(name: string, technique: TechniqueId): void {
  const image = imageOf(name, 64, endless);
  const pair = () => ({ off: measure(technique, image, 0).forwards, on: measure(technique, image) });
  for (let n = 0; n < runsAhead; n++) pair();
  const pairs = Array.from({ length: runs }, pair);
  const forwards = median(pairs.map(({ on }) => on.forwards));
  const cost = forwards / median(pairs.map(({ off }) => off)) - 1;
  const back = median(pairs.map(({ on }) => on.back));
  const again = median(pairs.map(({ on }) => on.again));
  const share = (part: number) => `${part.toFixed(2)} ms = 1/${Math.round(forwards / part)}`.padEnd(21);
  console.log(
    `${name.padEnd(14)}${technique.padEnd(14)}${`${forwards.toFixed(0)} ms`.padEnd(11)}${`${(cost * 100).toFixed(1)} %`.padEnd(12)}${share(back)}${share(again)}`,
  );
}

/** What the script passes to itself for one row. */
const rowFlag = "--row=";
const asked = process.argv.slice(2);
const row = techniques.find((technique) => asked[1] === `${rowFlag}${technique}`);
if (row) printRow(asked[0]!, row);
else {
  const names = asked.length > 0 ? asked : ["alu", "collatz", "interpreter", "sieve"];
  const wrong = names.find((name) => !guests.some((guest) => guest.name === name));
  if (wrong !== undefined) throw new Error(`There is no guest ${wrong}.`);
  console.log("guest         technique     forwards   recording   one step back        another");
  for (const technique of techniques)
    for (const name of names)
      execFileSync(process.execPath, [import.meta.filename, name, `${rowFlag}${technique}`], { stdio: "inherit" });
}
