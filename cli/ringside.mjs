#!/usr/bin/env node
// The `ringside` command. Depends on nothing and runs on any Node from 20.19, so that it can say what is missing; the
// work is done by main.ts on a Node that runs TypeScript, which the package brings along.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..");
const [major, minor] = process.versions.node.split(".").map(Number);
const modern = major > 22 || (major === 22 && minor >= 18);

function fail(text) {
  process.stderr.write(`ringside: ${text}\n`);
  process.exit(2);
}

if (!existsSync(join(root, "node_modules", "chevrotain")))
  fail(`the packages it needs are not installed. Run "npm install" in ${root} once.`);

if (modern) {
  const { main } = await import("./main.ts");
  await main();
} else {
  const bundled = join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
  if (!existsSync(bundled))
    fail(
      `Node ${process.versions.node} is too old, and the newer one that npm should have installed is missing. Run "npm rebuild node" in ${root}, or install Node 22.18 or later.`,
    );
  const { status, signal, error } = spawnSync(bundled, [join(here, "ringside.mjs"), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  if (error) fail(`the newer Node could not be started: ${error.message}`);
  if (signal) process.kill(process.pid, signal);
  process.exit(status ?? 2);
}
