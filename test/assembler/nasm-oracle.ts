import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AssembleOptions, assemble } from "../../assembler/index.ts";

/** Files that programs may read with `incbin`. */
const binaries: Readonly<Record<string, Uint8Array>> = {
  "bytes.bin": Uint8Array.from({ length: 20 }, (_, n) => n * 7),
  "empty.bin": new Uint8Array(),
};

/** Files that programs may include. */
const texts: Readonly<Record<string, string>> = { "inc.inc": "db 77\n" };

/** nasm's output, or what it says against the program. */
export function nasmOutput(text: string, format = "bin"): Uint8Array | string {
  const directory = mkdtempSync(join(tmpdir(), "ringside-"));
  try {
    for (const [name, bytes] of Object.entries(binaries)) writeFileSync(join(directory, name), bytes);
    for (const [name, included] of Object.entries(texts)) writeFileSync(join(directory, name), included);
    writeFileSync(join(directory, "program.asm"), text);
    const options = { encoding: "utf8", cwd: directory } as const;
    const { status, stderr } = spawnSync("nasm", ["-f", format, "-o", "program.out", "program.asm"], options);
    return status === 0 ? Uint8Array.from(readFileSync(join(directory, "program.out"))) : stderr;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The same of ours. */
export function ringsideOutput(text: string, options: Partial<AssembleOptions> = {}): Uint8Array | string {
  const read = (name: string) => (name in texts ? { file: name, text: texts[name]! } : undefined);
  const readBytes = (name: string) => (binaries[name] ? { file: name, bytes: binaries[name] } : undefined);
  const { problems, bytes } = assemble({ file: "program.asm", text, read, readBytes, ...options });
  const errors = problems.filter(({ severity }) => severity === "error");
  return errors.length === 0 ? bytes : errors.map(({ range, message }) => `${range.line + 1}: ${message}`).join("\n");
}

/** Readable when they differ. */
export const shown = (output: Uint8Array | string): string =>
  typeof output === "string" ? output : Buffer.from(output).toString("hex");
