/** Line numbers of an ELF file, from its DWARF sections. */
import { type Elf, sectionBytes } from "../../emulator/loader/elf.ts";
import { type LineRange, readLines } from "./line-program.ts";
import { readDirectories } from "./units.ts";

export type { LineRange };

/** The line ranges of a file; a sentence if they cannot be read; none if it has no line numbers. */
export function sourceLines(elf: Elf): readonly LineRange[] | string {
  const sections = new Map<string, Uint8Array>();
  for (const name of [".debug_line", ".debug_info", ".debug_abbrev", ".debug_str", ".debug_line_str"]) {
    const bytes = sectionBytes(elf, name);
    if (typeof bytes === "string") return bytes;
    if (bytes) sections.set(name, bytes);
  }
  const lines = sections.get(".debug_line");
  if (!lines) return [];
  const strings = { strings: sections.get(".debug_str"), lineStrings: sections.get(".debug_line_str") };
  const [info, abbreviations] = [sections.get(".debug_info"), sections.get(".debug_abbrev")];
  try {
    const directories = info && abbreviations ? readDirectories(info, abbreviations, strings) : undefined;
    return readLines(lines, strings, (offset) => directories?.get(offset));
  } catch (error) {
    if (error instanceof RangeError) return `The line numbers in its DWARF sections cannot be read: ${error.message}`;
    throw error;
  }
}
