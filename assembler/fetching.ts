import { assemble } from "./assemble.ts";
import type { AssembleOptions, Assembly } from "./interface.ts";
import { resolve } from "./location.ts";
import type { FileBytes, FileText } from "./text-file.ts";

/** Files that are read asynchronously. */
export interface Files {
  /** The text of a file, why it cannot be read, or `null` if there is none; undefined while it has not been fetched. */
  readonly atHand: (file: string) => Exclude<FileText, undefined> | null | undefined;
  /** The same, of its bytes. */
  readonly bytesAtHand: (file: string) => Exclude<FileBytes, undefined> | null | undefined;
  /** Afterwards the file is at hand. */
  readonly fetch: (file: string) => Promise<void>;
}

/**
 * Assembles a file with everything it includes. The assembler reads files synchronously: those not at hand are
 * fetched, then it runs again. Relative include paths count from the folder of the file.
 */
export async function assembleFetching(
  options: Omit<AssembleOptions, "read" | "readBytes">,
  files: Files,
): Promise<Assembly> {
  const includePaths = (options.includePaths ?? []).map((folder) => resolve(`${folder}/`, options.file));
  for (;;) {
    const missing = new Set<string>();
    const read = (name: string, from: string) => {
      const file = resolve(name, from);
      const text = files.atHand(file);
      if (text === undefined) missing.add(file);
      return typeof text === "string" ? { file, text } : (text ?? undefined);
    };
    const readBytes = (name: string, from: string) => {
      const file = resolve(name, from);
      const bytes = files.bytesAtHand(file);
      if (bytes === undefined) missing.add(file);
      return bytes instanceof Uint8Array ? { file, bytes } : (bytes ?? undefined);
    };
    const assembly = assemble({ ...options, includePaths, read, readBytes });
    if (missing.size === 0) return assembly;
    for (const file of missing) await files.fetch(file);
  }
}
