import { bundleAll } from "../esbuild.ts";

const began = performance.now();
await bundleAll();
console.log(`ringside: built dist/ in ${((performance.now() - began) / 1000).toFixed(1)} s`);
