/**
 * Executes random bytes: `npm run fuzz:machine [steps] [seed]`, by default 10 million steps in every mode of the processor on
 * both engines, and a hundredth of that on whole machines under every technique. Nothing may be thrown out of the machine, and
 * the engines must agree on all state and events. Ends with 1 if they do not.
 */
import { isDeepStrictEqual } from "node:util";
import { fuzz } from "../test/emulator/fuzz/compare.ts";
import { runBoth, settings } from "../test/emulator/fuzz/machines.ts";
import { worlds } from "../test/emulator/fuzz/worlds.ts";

const [steps = 10_000_000, seed = 1] = process.argv.slice(2).map(Number);
const started = performance.now();
const taken = new Map<string, number>();
const mostFindings = 20;
let findings = 0;

function count(name: string, some: number, finding: string | undefined): void {
  taken.set(name, (taken.get(name) ?? 0) + some);
  if (finding === undefined) return;
  findings++;
  console.log(`${name}: ${finding}`);
}

for (const { world, steps: some, finding } of fuzz(worlds, { seed, steps, perWorld: 3000 })) {
  count(world.name, some, finding && `seed ${finding.seed}, after ${finding.steps} steps: ${finding.what}`);
  if (findings >= mostFindings) break;
}

let wholeSteps = 0;
for (let n = seed; wholeSteps < steps / 100 && findings < mostFindings; n++)
  for (const setting of settings) {
    const name = `${setting.technique}, ${setting.mode}`;
    try {
      const { translated, interpreted, steps: some } = runBoth(setting, n, 3000);
      wholeSteps += some;
      const same = isDeepStrictEqual(translated, interpreted);
      count(name, some, same ? undefined : `seed ${n}: the engines' traces differ`);
    } catch (thrown) {
      count(name, 0, `seed ${n}: threw ${thrown instanceof Error ? thrown.stack : thrown}`);
    }
  }

for (const [name, some] of taken) console.log(`${String(some).padStart(10)}  ${name}`);
const total = [...taken.values()].reduce((sum, some) => sum + some, 0);
console.log(`${total} steps in ${Math.round((performance.now() - started) / 1000)} s, ${findings} findings`);
process.exitCode = findings > 0 ? 1 : 0;
