/**
 * Boots a firmware image on the npm package v86, as a process of its own so that its CPU time can be told: `node v86.ts ROM
 * [interpret]`. Prints what the guest writes to its serial port.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { V86 } from "v86";

const [file, engine] = process.argv.slice(2);
const rom = readFileSync(file!);
const emulator = new V86({
  wasm_path: fileURLToPath(import.meta.resolve("v86/build/v86.wasm")),
  bios: { buffer: rom.buffer.slice(rom.byteOffset, rom.byteOffset + rom.byteLength) },
  memory_size: 32 * 2 ** 20,
  vga_memory_size: 2 ** 20,
  disable_jit: engine === "interpret",
  disable_speaker: true,
  autostart: true,
});
emulator.add_listener("serial0-output-byte", (byte: number) => {
  process.stdout.write(String.fromCharCode(byte));
  if (byte === 10) process.exit(0);
});
