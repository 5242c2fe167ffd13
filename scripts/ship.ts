import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { bundleAll } from "../esbuild.ts";
import { writeLabs } from "./labs.ts";
import { writeSamples } from "./samples.ts";

const dist = join(import.meta.dirname, "..", "dist");

/** Makes all of dist/: what the extension is, and what it brings along. */
export async function makeDist(): Promise<void> {
  mkdirSync(dist, { recursive: true });
  writeLabs(dist);
  writeSamples(dist);
  await bundleAll();
}
