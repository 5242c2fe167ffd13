import { spawnSync } from "node:child_process";

process.exit(spawnSync("npx", ["biome", "check", "--write", "."], { stdio: "inherit", shell: true }).status ?? 1);
