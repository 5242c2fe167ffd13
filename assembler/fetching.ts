import { Assembler } from "./assembler.ts";
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
  /** Called again and again while a long program is assembled, so that others have their turns. */
  readonly pause?: () => Promise<void>;
}

/**
 * Assembles the versions of a file with everything it includes. The assembler reads files synchronously: those not at
 * hand are fetched, then it runs again. Relative include paths count from the folder of the file.
 */
export class FetchingAssembler {
  private readonly files: Files;
  private readonly options: Omit<AssembleOptions, "text">;
  private readonly missing = new Set<string>();
  private assembler: Assembler;
  /** The latest version. */
  private text = "";
  private running: ReturnType<FetchingAssembler["latest"]> | undefined;

  /** What is at hand must not change; if a file does, a new assembler is needed. */
  constructor(options: Omit<AssembleOptions, "text" | "read" | "readBytes">, files: Files) {
    this.files = files;
    this.options = {
      ...options,
      includePaths: (options.includePaths ?? []).map((folder) => resolve(`${folder}/`, options.file)),
      read: (name, from) => {
        const file = resolve(name, from);
        const text = this.noted(file, files.atHand(file));
        return typeof text === "string" ? { file, text } : (text ?? undefined);
      },
      readBytes: (name, from) => {
        const file = resolve(name, from);
        const bytes = this.noted(file, files.bytesAtHand(file));
        return bytes instanceof Uint8Array ? { file, bytes } : (bytes ?? undefined);
      },
    };
    this.assembler = new Assembler(this.options);
  }

  /** Whether the last version was made from the one before it. */
  get followed(): boolean {
    return this.assembler.followed;
  }

  private noted<T>(file: string, found: T | undefined): T | undefined {
    if (found === undefined) this.missing.add(file);
    return found;
  }

  /** If another version comes while this one is assembled or its files are fetched, the promise is one of that. */
  async assemble(text: string): Promise<Assembly> {
    this.text = text;
    for (;;) {
      this.running ??= this.latest().finally(() => {
        this.running = undefined;
      });
      const made = await this.running;
      if (made.text === this.text) return made.assembly;
    }
  }

  /** A version is given up as soon as there is another. */
  private async latest(): Promise<{ readonly text: string; readonly assembly: Assembly }> {
    for (;;) {
      const { text } = this;
      const assembly = await this.version(text);
      if (!assembly) continue;
      if (this.missing.size === 0) return { text, assembly };
      const missing = [...this.missing];
      this.missing.clear();
      this.assembler = new Assembler(this.options);
      for (const file of missing) await this.files.fetch(file);
    }
  }

  private async version(text: string): Promise<Assembly | undefined> {
    const steps = this.assembler.steps(text);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      await this.files.pause?.();
      if (this.text !== text) return undefined;
    }
  }
}

/** Assembles a file once, with everything it includes. */
export const assembleFetching = (
  { text, ...options }: Omit<AssembleOptions, "read" | "readBytes">,
  files: Files,
): Promise<Assembly> => new FetchingAssembler(options, files).assemble(text);
