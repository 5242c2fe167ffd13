import type { ReadBytes } from "./interface.ts";
import type { FileBytes, Unreadable } from "./text-file.ts";

/** The files that `incbin` reads, each once in an assembly. */
export class BinaryFiles {
  private readonly read: ReadBytes | undefined;
  private readonly includePaths: readonly string[];
  private readonly known = new Map<string, FileBytes>();

  constructor(read: ReadBytes | undefined, includePaths: readonly string[]) {
    this.read = read;
    this.includePaths = includePaths;
  }

  /** False where the host reads no files of bytes at all. */
  get available(): boolean {
    return this.read !== undefined;
  }

  /** Looked for as `%include` does: as named, then in the include folders. */
  find(path: string, from: string): FileBytes {
    const key = `${from}\n${path}`;
    if (!this.known.has(key)) this.known.set(key, this.search(path, from));
    return this.known.get(key);
  }

  private search(path: string, from: string): FileBytes {
    let unreadable: Unreadable | undefined;
    for (const folder of ["", ...this.includePaths]) {
      const name = folder === "" || folder.endsWith("/") ? folder + path : `${folder}/${path}`;
      const found = this.read?.(name, from);
      if (found && "bytes" in found) return found.bytes;
      unreadable ??= found;
    }
    return unreadable;
  }
}
