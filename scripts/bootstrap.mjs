// Runs one of the project's scripts on a machine that has nothing but Node: installs what is missing, then hands over
// to the Node that the project brings along. Depends on nothing, so that it works before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const say = (text) => console.log(`ringside: ${text}`);

function fail(text) {
  console.error(`ringside: ${text}`);
  process.exit(1);
}

function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    fail(
      `Node ${process.versions.node} is too old: 20.19 or later is needed. Install a current Node from https://nodejs.org and run this again.`,
    );
}

/** The installed packages are right if they were installed from this very lock file. */
function install() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const mark = join(root, "node_modules", ".ringside-lock");
  if (existsSync(mark) && readFileSync(mark, "utf8") === lock) return;
  say("installing packages from npm (about 500 MB on disk; a minute or two the first time) …");
  // Not "npm ci": it insists on lock entries for the optional binaries of every platform, which not every registry has.
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const result = spawnSync(npm, ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (result.error)
    fail(`npm could not be started (${result.error.message}). It comes with Node: check that it is on the PATH.`);
  if (result.status !== 0)
    fail("npm install failed; its message is above. Check the network and the registry setting.");
  writeFileSync(mark, lock);
  say("packages installed.");
}

/** Chevrotain, vitest and type stripping need Node 22.18 or later; the `node` package brings it. */
function modernNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  const bundled = join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
  if (!existsSync(bundled))
    fail(
      `the Node that npm should have installed is missing (${bundled}). Run "npm rebuild node", or install Node 22.18 or later.`,
    );
  return bundled;
}

requireNode();
const [script, ...args] = process.argv.slice(2);
if (!script) fail("name a script: node scripts/bootstrap.mjs start.ts");
install();
const node = modernNode();
const result = spawnSync(node, [join(root, "scripts", script), ...args], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PATH: `${dirname(node)}${process.platform === "win32" ? ";" : ":"}${process.env.PATH}` },
});
process.exit(result.status ?? 1);
