import { bundleAll } from "../esbuild.ts";
import { writeLabs } from "./labs.ts";
import { writeSamples } from "./samples.ts";

const began = performance.now();
await bundleAll();
writeLabs("dist");
writeSamples("dist");
console.log(`ringside: built dist/ in ${((performance.now() - began) / 1000).toFixed(1)} s`);
