import { bundleAll } from "../esbuild.ts";
import { writeLabs } from "./labs.ts";

const began = performance.now();
await bundleAll();
writeLabs("dist");
console.log(`ringside: built dist/ in ${((performance.now() - began) / 1000).toFixed(1)} s`);
