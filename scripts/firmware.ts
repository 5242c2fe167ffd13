/** Assembles the built-in BIOS into a table of its bytes: `node scripts/firmware.ts`. A test keeps both alike. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assemble } from "../assembler/index.ts";

const folder = join(import.meta.dirname, "..", "emulator", "firmware");
const bytesOnLine = 48;
/** A gap of so many zero bytes ends a piece. */
const gap = 64;

/** The non-zero pieces of an image: offset, and bytes in hexadecimal. */
function pieces(bytes: Uint8Array): [number, string][] {
  const found: [number, string][] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] === 0) {
      at++;
      continue;
    }
    let end = at;
    for (let zeros = 0, n = at; n < bytes.length && zeros < gap; n++) {
      zeros = bytes[n] === 0 ? zeros + 1 : 0;
      if (zeros === 0) end = n + 1;
    }
    found.push([at, Buffer.from(bytes.subarray(at, end)).toString("hex")]);
    at = end;
  }
  return found;
}

/** The text of `rom-bytes.ts`. @throws Error if the source has errors. */
export function romTable(): string {
  const { bytes, symbols, problems } = assemble({
    file: "rom.asm",
    text: readFileSync(join(folder, "rom.asm"), "utf8"),
  });
  const error = problems.find(({ severity }) => severity === "error");
  if (error) throw new Error(`rom.asm:${error.range.line + 1}: ${error.message}`);
  const labels = [...symbols.values()].filter(({ kind, name }) => kind === "label" && !name.includes("."));
  const text = pieces(bytes)
    .map(([offset, hex]) => {
      const lines = hex.match(new RegExp(`.{1,${2 * bytesOnLine}}`, "g")) ?? [];
      return `  [\n    0x${offset.toString(16)},\n${lines.map((line) => `    "${line}"`).join(" +\n")},\n  ],\n`;
    })
    .join("");
  const names = labels.map(({ name, value }) => `  ${name}: 0x${value!.toString(16)},\n`).join("");
  return `/** Made from rom.asm by scripts/firmware.ts: do not edit. */

/** Bytes of the ROM in hexadecimal, by offset in the segment F000h; the rest is zeros. */
export const romPieces: readonly (readonly [offset: number, hexadecimal: string])[] = [
${text}];

/** Offsets of its labels. */
export const rom = {
${names}} as const;
`;
}

if (import.meta.main) writeFileSync(join(folder, "rom-bytes.ts"), romTable());
