import { readFileSync, writeFileSync } from "node:fs";
import { UsageError } from "./exit-code.ts";

/** What a command touches of the world. */
export interface Io {
  out(text: string): void;
  error(text: string): void;
  /** Undefined: there is no such file. */
  readBytes(path: string): Uint8Array | undefined;
  writeBytes(path: string, bytes: Uint8Array): void;
}

const missing = new Set(["ENOENT", "ENOTDIR"]);
const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "";
const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const nodeIo: Io = {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  readBytes: (path) => {
    try {
      return readFileSync(path);
    } catch (error) {
      if (missing.has(codeOf(error))) return undefined;
      throw new UsageError(`${path} cannot be read: ${reason(error)}`);
    }
  },
  writeBytes: (path, bytes) => {
    try {
      writeFileSync(path, bytes);
    } catch (error) {
      throw new UsageError(`${path} cannot be written: ${reason(error)}`);
    }
  },
};

/** The text of a file, or undefined if there is none. */
export function readText(io: Io, path: string): string | undefined {
  const bytes = io.readBytes(path);
  return bytes && new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
