import { readFileSync } from "node:fs";
import { ringside } from "../../cli/commands.ts";
import type { Io } from "../../cli/io.ts";

/** What a command line printed, wrote and ended with. Files are given, or are those of the repository. */
export async function terminal(args: readonly string[], files: Readonly<Record<string, string | Uint8Array>> = {}) {
  let out = "";
  let error = "";
  const written = new Map<string, Uint8Array>();
  const io: Io = {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
    readInput: () => new TextEncoder().encode("typed in"),
    readBytes: (path) => {
      const given = files[path];
      if (given !== undefined) return typeof given === "string" ? new TextEncoder().encode(given) : given;
      return path.startsWith("examples/") ? readFileSync(path) : undefined;
    },
    writeBytes: (path, bytes) => void written.set(path, bytes),
  };
  const code = await ringside(args, io);
  return { code, out, error, written };
}
