import { decode } from "../isa/decode.ts";
import { format, type Spelling } from "../isa/format.ts";
import type { Bits, Decoded } from "../isa/operands.ts";
import { formOf } from "../isa/table.ts";
import { assemble } from "./assemble.ts";

/** An instruction, or bytes that are none, as source text. */
export interface DisassembledLine {
  readonly address: number;
  readonly length: number;
  /** Assembled at the same address it gives the same bytes. */
  readonly text: string;
  /** What `db` lines do, where they are an instruction that an assembler writes in other bytes. */
  readonly comment: string | undefined;
}

/** What stands at one place: an instruction or one byte. */
interface Unit {
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly decoded: Decoded | undefined;
}

function* unitsOf(bytes: Uint8Array, bits: Bits, origin: number): Generator<Unit> {
  for (let at = 0; at < bytes.length; ) {
    const decoded = decode(bytes, at, bits);
    const length = typeof decoded === "string" ? 1 : decoded.length;
    const place = { address: origin + at, bytes: bytes.subarray(at, at + length) };
    yield { ...place, decoded: typeof decoded === "string" ? undefined : decoded };
    at += length;
  }
}

const segmentWords: Readonly<Record<number, string>> = {
  38: "es",
  46: "cs",
  54: "ss",
  62: "ds",
  100: "fs",
  101: "gs",
};

/** Every prefix that stands before an instruction, as words; undefined where there are more than can be written. */
function prefixWords({ bytes, decoded }: Unit): string[] | undefined {
  if (!decoded) return undefined;
  const { bits, row } = decoded;
  const words: string[] = [];
  for (const byte of bytes) {
    const segment = segmentWords[byte];
    if (byte === row.pattern.prefix) continue;
    if (byte === 0xf0) words.push("lock");
    else if (byte === 0xf2) words.push("repne");
    else if (byte === 0xf3) words.push("rep");
    else if (byte === 0x66) words.push(bits === 16 ? "o32" : "o16");
    else if (byte === 0x67) words.push(bits === 32 ? "a16" : "a32");
    else if (segment) words.push(segment);
    else break;
  }
  return new Set(words).size === words.length ? words : undefined;
}

/** The spellings that may give the bytes; the simplest first. */
function spellings(unit: Unit): Spelling[] {
  const { decoded } = unit;
  if (!decoded) return [];
  const prefixes = prefixWords(unit);
  const hasMemory = decoded.operands.some((operand) => operand.kind === "memory");
  const hasNumber = formOf(decoded.row).operands.some(({ place }) => place === "immediate");
  const list: Spelling[] = [];
  for (const words of prefixes ? [undefined, prefixes] : [undefined])
    for (const strict of hasNumber ? [false, true] : [false])
      for (const displacement of hasMemory ? ([undefined, "byte", "full"] as const) : [undefined])
        for (const index of hasMemory ? [false, true] : [false])
          list.push({ index, strict, ...(words && { prefixes: words }), ...(displacement && { displacement }) });
  return list;
}

const slot = 16;

/** Which of the lines, each by itself, give the bytes that belong to them. They must not depend on their place. */
function fitting(bits: Bits, lines: readonly { readonly text: string; readonly bytes: Uint8Array }[]): boolean[] {
  const refused = new Set<number>();
  for (;;) {
    const texts = lines.map(({ text }, n) => (refused.has(n) ? `times ${slot} db 0` : `${text}\ntimes ($$-$)&15 db 0`));
    const numbers = texts.flatMap((text, n) => text.split("\n").map(() => n));
    const { bytes, problems, emitted } = assemble({ file: "", text: `bits ${bits}\n${texts.join("\n")}\n` });
    const wrong = problems.filter(({ severity }) => severity === "error").map(({ range }) => numbers[range.line - 1]!);
    if (wrong.length > 0) {
      for (const n of wrong) refused.add(n);
      continue;
    }
    const lengths = new Map(emitted.map(({ address, length }) => [address, length]));
    return lines.map(
      (line, n) =>
        lengths.get(n * slot) === line.bytes.length &&
        line.bytes.every((byte, at) => bytes[n * slot + at] === byte) &&
        !refused.has(n),
    );
  }
}

/** A unit with the texts that may give its bytes. */
interface Trial {
  readonly unit: Unit;
  readonly texts: ReadonlyMap<string, Spelling>;
}

/** Lines that are tried in one program. */
const linesPerProgram = 4000;

/** The first spelling of each trial whose text gives the bytes. */
function findSpellings(bits: Bits, trials: readonly Trial[]): Map<Unit, Spelling> {
  const found = new Map<Unit, Spelling>();
  const lines = trials.flatMap(({ unit, texts }) =>
    [...texts].map(([text, spelling]) => ({ unit, text, spelling, bytes: unit.bytes })),
  );
  for (let first = 0; first < lines.length; first += linesPerProgram) {
    const part = lines.slice(first, first + linesPerProgram);
    for (const [n, fits] of fitting(bits, part).entries()) {
      const { unit, spelling } = part[n]!;
      if (fits && !found.has(unit)) found.set(unit, spelling);
    }
  }
  return found;
}

function trialOf(unit: Unit, choices: readonly Spelling[]): Trial {
  const texts = new Map<string, Spelling>();
  for (const spelling of choices) {
    const text = unit.decoded ? format(unit.decoded, { spelling }) : "";
    if (!texts.has(text)) texts.set(text, spelling);
  }
  return { unit, texts };
}

/** Whether a number can stand for the target: it would not if the address wrapped around, nor behind REL. */
function hasPlainTarget({ decoded, address }: Unit): boolean {
  return !decoded?.operands.some((operand) => {
    if (operand.kind === "memory") return operand.ripRelative;
    if (operand.kind !== "relative") return false;
    const target = address + decoded.length + operand.distance;
    return target < 0 || target >= 2 ** (decoded.operandSize === 16 ? 16 : 32);
  });
}

const hexadecimal = (byte: number): string => `0x${byte.toString(16).padStart(2, "0")}`;

function lineOf(unit: Unit, spelling: Spelling | undefined): DisassembledLine {
  const { address, bytes, decoded } = unit;
  const place = { address, length: bytes.length };
  const absolute = { address: BigInt(address) };
  if (decoded && spelling) {
    if (hasPlainTarget(unit)) return { ...place, text: format(decoded, { ...absolute, spelling }), comment: undefined };
    return { ...place, text: format(decoded, { spelling }), comment: undefined };
  }
  const text = `db ${[...bytes].map(hexadecimal).join(", ")}`;
  return { ...place, text, comment: decoded && format(decoded, absolute) };
}

/** WAIT behind a prefix cannot be written: nasm puts WAIT first. */
const isWritable = ({ decoded }: Unit): boolean =>
  decoded !== undefined && (decoded.row.mnemonic !== "fwait" || decoded.length === 1);

/**
 * The instructions of a flat binary, one after the other, as source that assembles to the same bytes: redundant
 * prefixes, and displacements and numbers that are longer than need be, are spelled out; encodings that cannot be
 * written, and bytes that are no instruction, are `db`.
 */
export function disassemble(bytes: Uint8Array, bits: Bits, origin: number): DisassembledLine[] {
  const units = [...unitsOf(bytes, bits, origin)];
  // The same bytes have the same spelling wherever they stand.
  const keyOf = (unit: Unit): string => unit.bytes.join();
  const different = [...new Map(units.map((unit) => [keyOf(unit), unit])).values()].filter(isWritable);
  const usual = findSpellings(
    bits,
    different.map((unit) => trialOf(unit, [{}])),
  );
  const unusual = findSpellings(
    bits,
    different.filter((unit) => !usual.has(unit)).map((unit) => trialOf(unit, spellings(unit))),
  );
  const known = new Map(different.map((unit) => [keyOf(unit), usual.get(unit) ?? unusual.get(unit)]));
  return units.map((unit) => lineOf(unit, known.get(keyOf(unit))));
}
