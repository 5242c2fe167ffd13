import type { FloatMode } from "./float.ts";
import { bytesOf, quoted } from "./quote.ts";

/** What nasm's own macros say of the place reached. */
export interface Place {
  /** 1-based; in a macro, the line of its body. */
  readonly line: number;
  readonly file: string;
  readonly bits: number;
  readonly floatMode: FloatMode;
  /** The output format. */
  readonly format: string;
  /** The directive that returns to the section of the last `section` line. */
  readonly section: string;
}

const zeroWord = ({ daz }: FloatMode): string => (daz ? "daz" : "nodaz");

const pointers: Readonly<Record<number, string>> = { 16: "word", 32: "dword", 64: "qword" };

/** The macros that nasm 2.16.01 defines; undefined for what depends on when the program is assembled. */
const values: Readonly<Record<string, (place: Place) => string | undefined>> = {
  LINE: ({ line }) => String(line),
  FILE: ({ file }) => quoted(bytesOf(file)),
  BITS: ({ bits }) => String(bits),
  PTR: ({ bits }) => pointers[bits],
  SECT: ({ section }) => section,
  OUTPUT_FORMAT: ({ format }) => format,
  FLOAT: ({ floatMode }) => `${zeroWord(floatMode)},${floatMode.round}`,
  FLOAT_DAZ: ({ floatMode }) => zeroWord(floatMode),
  FLOAT_ROUND: ({ floatMode }) => floatMode.round,
  // That of the pass that makes the bytes.
  PASS: () => "2",
  NASM_MAJOR: () => "2",
  NASM_MINOR: () => "16",
  NASM_SUBMINOR: () => "1",
  NASM_PATCHLEVEL: () => "0",
  NASM_VERSION_ID: () => "002100100h",
  NASM_VER: () => '"2.16.01"',
  ...Object.fromEntries(
    "DATE TIME DATE_NUM TIME_NUM UTC_DATE UTC_TIME UTC_DATE_NUM UTC_TIME_NUM POSIX_TIME"
      .split(" ")
      .map((name) => [name, () => undefined]),
  ),
};

/** `LINE` for `__LINE__` and `__?LINE?__`. */
export function builtin(word: string): string | undefined {
  if (!word.startsWith("__")) return undefined;
  const [, question, name = "", end] = /^__(\??)([A-Z_]+?)(\??)__$/.exec(word) ?? [];
  return question === end && name in values ? name : undefined;
}

export const builtinText = (name: string, place: Place): string | undefined => values[name]!(place);

const operators =
  /^__\??(?:infinity|[qs]?nan|b?float16|float(?:8|32|64|80[me]|128[lh])|utf(?:16|32)(?:le|be)?|ilog2[efwc])\??__$/i;

/** Whether nasm has a macro of its own by that name, or an operator that looks like one. */
export function isPredefined(word: string, used: ReadonlySet<string>): boolean {
  if (builtin(word) !== undefined || operators.test(word)) return true;
  const name = /^__\?USE_([A-Z]+)\?__$/.exec(word)?.[1];
  return name !== undefined && used.has(name.toLowerCase());
}
