import { parseText } from "./literals.ts";
import { quoted } from "./quote.ts";

/** What nasm's own macros say of the place reached. */
export interface Place {
  /** 1-based; in a macro, the line of its body. */
  readonly line: number;
  readonly file: string;
  readonly bits: number;
  /** The directive that returns to the section of the last `section` line. */
  readonly section: string;
}

/** The macros that nasm 2.16.01 defines, as far as a program assembled by Ringside has them. */
const values: Readonly<Record<string, (place: Place) => string>> = {
  LINE: ({ line }) => String(line),
  FILE: ({ file }) => quoted([...parseText(`"${file}"`)]),
  BITS: ({ bits }) => String(bits),
  SECT: ({ section }) => section,
  OUTPUT_FORMAT: () => "bin",
  NASM_MAJOR: () => "2",
  NASM_MINOR: () => "16",
  NASM_SUBMINOR: () => "1",
  NASM_PATCHLEVEL: () => "0",
  NASM_VERSION_ID: () => "0x02100100",
  NASM_VER: () => '"2.16.01"',
};

/** `LINE` for `__LINE__` and `__?LINE?__`. */
export function builtin(word: string): string | undefined {
  if (!word.startsWith("__")) return undefined;
  const name = /^__\??([A-Z_]+?)\??__$/.exec(word)?.[1];
  return name !== undefined && name in values ? name : undefined;
}

export const builtinText = (name: string, place: Place): string => values[name]!(place);
