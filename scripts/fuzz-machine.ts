/**
 * Executes random bytes in every mode, on both engines: `npm run fuzz:machine [instructions] [seed]`, by default 10 million
 * steps. Nothing may be thrown out of the machine, and the engines must agree on all state. Ends with 1 if they do not.
 */
import { type Finding, fuzz } from "../test/emulator/fuzz/compare.ts";
import { worlds } from "../test/emulator/fuzz/worlds.ts";

const [steps = 10_000_000, seed = 1] = process.argv.slice(2).map(Number);
const started = performance.now();
const byWorld = new Map<string, number>();
const findings: Finding[] = [];
const mostFindings = 20;

for (const { world, steps: taken, finding } of fuzz(worlds, { seed, steps, perWorld: 3000 })) {
  byWorld.set(world.name, (byWorld.get(world.name) ?? 0) + taken);
  if (!finding) continue;
  findings.push(finding);
  console.log(`${finding.world}, seed ${finding.seed}, after ${finding.steps} steps: ${finding.what}`);
  if (findings.length === mostFindings) break;
}

for (const [name, taken] of byWorld) console.log(`${String(taken).padStart(10)}  ${name}`);
const total = [...byWorld.values()].reduce((sum, taken) => sum + taken, 0);
console.log(`${total} steps in ${Math.round((performance.now() - started) / 1000)} s, ${findings.length} findings`);
process.exitCode = findings.length > 0 ? 1 : 0;
