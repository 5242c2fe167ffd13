import type { AddressWord } from "./tree.ts";

/** What the words of the dialect are, apart from instructions and registers, which the instruction table knows. */
export type WordKind =
  | "prefix"
  | "times"
  | "data"
  | "reserve"
  | "equ"
  | "align"
  | "value-directive"
  | "word-directive"
  | "operand"
  | "address"
  | "wrt"
  | "incbin";

/** Bytes per item of data and reserve words. */
export const units: Readonly<Record<string, number>> = {
  db: 1,
  dw: 2,
  dd: 4,
  dq: 8,
  dt: 10,
  do: 16,
  dy: 32,
  dz: 64,
  resb: 1,
  resw: 2,
  resd: 4,
  resq: 8,
  rest: 10,
  reso: 16,
  resdq: 16,
  resy: 32,
  resz: 64,
};

const prefixes = "wait rep repe repz repne repnz lock a16 a32 a64 o16 o32 o64".split(" ");
const operandWords = "byte word dword qword tword oword yword zword strict near far short to".split(" ");
const addressWords: readonly AddressWord[] = ["rel", "abs", "nosplit"];

/** Bytes of the size words, which are also between the items of data. */
export const sizeWords: Readonly<Record<string, number>> = {
  byte: 1,
  word: 2,
  dword: 4,
  qword: 8,
  tword: 10,
  oword: 16,
  yword: 32,
  zword: 64,
};

/** Directives that take a number, and those that take words. */
const valueDirectives = ["bits", "org"];
const wordDirectives = "use16 use32 use64 userel useabs default section segment".split(" ");

function kinds(): Map<string, WordKind> {
  const map = new Map<string, WordKind>();
  const add = (kind: WordKind, words: readonly string[]) => {
    for (const word of words) map.set(word, kind);
  };
  add("prefix", prefixes);
  add("times", ["times"]);
  add("incbin", ["incbin"]);
  add("equ", ["equ"]);
  add("align", ["align", "alignb"]);
  add("value-directive", valueDirectives);
  add("word-directive", wordDirectives);
  add("operand", operandWords);
  add("address", addressWords);
  add("wrt", ["wrt"]);
  for (const word of Object.keys(units)) map.set(word, word.startsWith("d") ? "data" : "reserve");
  return map;
}

export const wordKinds: ReadonlyMap<string, WordKind> = kinds();

/** Words that nasm knows and Ringside does not. They are named in the problem instead of being taken for labels. */
export const unsupportedWords: ReadonlyMap<string, string> = new Map([
  ["seg", "Neither flat binaries nor ELF have segment bases; “seg” cannot be used."],
]);
