import { makeDist } from "./ship.ts";

const began = performance.now();
await makeDist();
console.log(`ringside: built dist/ in ${((performance.now() - began) / 1000).toFixed(1)} s`);
