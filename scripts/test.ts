import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const results = join(root, "build", "tests.json");

/** A tool of the project, found through the package that brings it. */
const run = (tool: string, ...args: string[]) =>
  spawnSync(process.execPath, [join(root, "node_modules", tool), ...args], { cwd: root, stdio: "inherit" }).status ===
  0;

/** Everything that must hold: each either passes or is one failure in the count at the end. */
const checks: readonly (readonly [string, () => boolean])[] = [
  ["types and import directions", () => run("typescript/bin/tsc", "-b")],
  ["lint and format", () => run("@biomejs/biome/bin/biome", "ci", ".")],
  ["unused code", () => run("knip/bin/knip.js", "--no-progress")],
];

let passed = 0;
let failed = 0;
for (const [name, check] of checks) {
  console.log(`ringside: checking ${name} …`);
  if (check()) passed++;
  else {
    failed++;
    console.error(`ringside: ${name}: failed; npm run fix mends lint and format where it can`);
  }
}

console.log("ringside: running the tests …");
rmSync(results, { force: true });
const ok = run(
  "vitest/vitest.mjs",
  "run",
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${results}`,
  ...process.argv.slice(2),
);
let skipped = 0;
if (existsSync(results)) {
  const summary = JSON.parse(readFileSync(results, "utf8"));
  passed += summary.numPassedTests;
  failed += summary.numFailedTests;
  skipped = summary.numPendingTests;
  // A file that cannot even be loaded counts no test of its own.
  if (!ok && summary.numFailedTests === 0) failed++;
} else failed++;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exit(failed === 0 && ok ? 0 : 1);
