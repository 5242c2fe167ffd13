/**
 * Boots an image on Ringside, as a process of its own so that its CPU time can be told: `node ringside.ts IMAGE
 * [interpret]`. Prints what the guest writes to its console.
 */
import { readFileSync } from "node:fs";
import { createMachine } from "../emulator/index.ts";

const [file, engine] = process.argv.slice(2);
const machine = createMachine({
  technique: "bare-metal",
  mode: "real",
  image: readFileSync(file!),
  origin: 0x7c00,
  memory: 32,
  translate: engine !== "interpret",
});
const stop = machine.run({ steps: Number.MAX_SAFE_INTEGER });
if (stop.kind !== "stopped" || stop.reason !== "debug-exit") throw new Error(JSON.stringify(stop));
for (const event of machine.events(0, Number.MAX_SAFE_INTEGER, ["output"]))
  if (event.kind === "output" && event.device === "UART") process.stdout.write(event.text);
process.stderr.write(`${machine.now} steps\n`);
