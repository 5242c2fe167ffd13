import type { FileBytes } from "../assembler/index.ts";

/** How the server reaches what is not open in the editor. */
export interface Host {
  readonly readBytes: (uri: string) => Promise<FileBytes>;
  /** Lets messages come in while something long is under way. */
  readonly turn: () => Promise<void>;
  /** Where the pages of docs/ are, if the client does not say: a URI that ends with a slash. */
  readonly documentation?: string | undefined;
  /** The assembly sources and machine files in some folders and the folders in them, as URIs. */
  readonly listSources: (folders: readonly string[]) => Promise<readonly string[]>;
}

/** At most so many files are looked through for symbols and for who includes whom. */
export const mostSources = 2000;

export const isSource = (name: string): boolean => /\.(asm|nasm|inc)$/i.test(name);
export const isMachineFile = (name: string): boolean => /\.ringside\.json$/i.test(name);

/** Both as a pattern of paths. */
export const sourcePattern = "**/*.{asm,nasm,inc,ringside.json}";
