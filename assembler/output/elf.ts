import type { Section } from "../section.ts";
import type { SymbolEntry } from "../symbols.ts";
import { sectionOf } from "../value.ts";

/** A field whose value the linker makes: address of `base` plus `addend`, less its own place if `relative`. */
export interface Relocation {
  /** Offset of the field in its section. */
  readonly at: number;
  readonly bytes: number;
  readonly base: Section;
  readonly addend: bigint;
  readonly relative: boolean;
  /** Sign-extended where it is used; else zero-extended. */
  readonly signed: boolean;
}

export interface ObjectFile {
  readonly bits: 32 | 64;
  /** Name of the source. */
  readonly file: string;
  readonly sections: readonly Section[];
  readonly contents: ReadonlyMap<Section, Uint8Array>;
  readonly relocations: ReadonlyMap<Section, readonly Relocation[]>;
  /** In the order in which they became known. */
  readonly symbols: readonly SymbolEntry[];
}

/** Numbers by field size in bytes: of absolute and relative relocations (System V ABI, i386 and AMD64 supplements). */
const types64: Readonly<Record<number, readonly [number, number]>> = {
  1: [14, 15],
  2: [12, 13],
  4: [10, 2],
  8: [1, 24],
};
const types32: Readonly<Record<number, readonly [number, number]>> = { 1: [22, 23], 2: [20, 21], 4: [1, 2] };
const signed32 = 11;

/** The number of a relocation, or undefined if the format has none for it. */
export function relocationType(
  { bytes, relative, signed }: Omit<Relocation, "base" | "addend" | "at">,
  bits: 32 | 64,
): number | undefined {
  if (bits === 64 && bytes === 4 && signed && !relative) return signed32;
  return (bits === 64 ? types64 : types32)[bytes]?.[relative ? 1 : 0];
}

interface Kind {
  /** Other than PROGBITS and NOBITS. */
  readonly type?: number;
  readonly alloc: boolean;
  readonly exec: boolean;
  readonly write: boolean;
  readonly align: number;
}

/** What sections are by their names alone. */
const kinds: Readonly<Record<string, Kind>> = {
  ".text": { alloc: true, exec: true, write: false, align: 16 },
  ".rodata": { alloc: true, exec: false, write: false, align: 4 },
  ".data": { alloc: true, exec: false, write: true, align: 4 },
  ".bss": { alloc: true, exec: false, write: true, align: 4 },
  ".note": { type: 7, alloc: false, exec: false, write: false, align: 1 },
  ".comment": { alloc: false, exec: false, write: false, align: 1 },
};
const other: Kind = { alloc: true, exec: false, write: false, align: 1 };

/** Sections whose names mean more than is known here. */
export const specialSections: ReadonlySet<string> = new Set(
  ".lrodata .ldata .lbss .tdata .tbss .preinit_array .init_array .fini_array".split(" "),
);

/** Strings one after the other, each ended by a zero. */
class StringTable {
  private readonly parts: number[] = [0];

  /** Offset of the string. */
  add(text: string): number {
    const start = this.parts.length;
    for (const byte of utf8(text)) this.parts.push(byte);
    this.parts.push(0);
    return start;
  }
  get bytes(): Uint8Array {
    return Uint8Array.from(this.parts);
  }
}

/** UTF-8 by hand: this folder has no TextEncoder. */
function utf8(text: string): number[] {
  return [...encodeURIComponent(text).matchAll(/%([\dA-F]{2})|(.)/g)].map(([, hexadecimal, character]) =>
    hexadecimal ? Number.parseInt(hexadecimal, 16) : character!.charCodeAt(0),
  );
}

/** Little-endian numbers. */
class Writer {
  readonly bytes: number[] = [];

  put(value: number | bigint, size: number): this {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (let n = 0; n < size; n++, rest >>= 8n) this.bytes.push(Number(rest & 255n));
    return this;
  }
}

interface Header {
  readonly name: number;
  readonly type: number;
  readonly flags: number;
  readonly content: Uint8Array;
  /** Of sections without bytes. */
  readonly size?: number;
  readonly link?: number;
  readonly info?: number;
  readonly align: number;
  readonly entry?: number;
}

const alignUp = (value: number, alignment: number): number => Math.ceil(value / alignment) * alignment;

interface SymbolRecord {
  readonly name: number;
  readonly value: bigint | number;
  readonly size: number;
  readonly info: number;
  readonly other: number;
  readonly section: number;
}

const [local, global] = [0, 16];
const symbolTypes: Readonly<Record<string, number>> = { notype: 0, object: 1, data: 1, function: 2 };
const visibilities: Readonly<Record<string, number>> = { default: 0, internal: 1, hidden: 2, protected: 3 };
const [absolute, commonSection] = [0xfff1, 0xfff2];

function symbolRecord(entry: SymbolEntry, name: number, file: ObjectFile): SymbolRecord {
  const { binding, value } = entry;
  const words = (binding?.attributes ?? []).map((word) => word.toLowerCase());
  const type = words.map((word) => symbolTypes[word]).find((known) => known !== undefined) ?? 0;
  const visibility = words.map((word) => visibilities[word]).find((known) => known !== undefined) ?? 0;
  const info = (binding ? global : local) | type;
  if (binding?.kind === "common") {
    const alignment = Number(words.find((word) => /^\d+$/.test(word)) ?? 0);
    return { name, value: alignment, size: binding.size, info, other: visibility, section: commonSection };
  }
  if (binding && !entry.definition) return { name, value: 0, size: 0, info, other: visibility, section: 0 };
  const base = value && sectionOf(value);
  const section = base ? file.sections.indexOf(base) + 1 : absolute;
  return { name, value: value?.constant ?? 0n, size: 0, info, other: visibility, section };
}

/** Symbols as records, and the number of each base that relocations may name. */
function symbolTable(file: ObjectFile): {
  readonly records: readonly SymbolRecord[];
  readonly names: Uint8Array;
  readonly firstGlobal: number;
  readonly numbers: ReadonlyMap<Section, number>;
} {
  const strings = new StringTable();
  const fileName = strings.add(file.file);
  const records: SymbolRecord[] = [
    { name: 0, value: 0, size: 0, info: 0, other: 0, section: 0 },
    { name: fileName, value: 0, size: 0, info: 4, other: 0, section: absolute },
  ];
  const numbers = new Map<Section, number>();
  for (const [n, section] of file.sections.entries()) {
    numbers.set(section, records.length);
    records.push({ name: 0, value: 0, size: 0, info: 3, other: 0, section: n + 1 });
  }
  const named = file.symbols.map((entry) => ({ entry, record: symbolRecord(entry, strings.add(entry.name), file) }));
  for (const { entry, record } of named) if (!entry.binding) records.push(record);
  const firstGlobal = records.length;
  for (const { entry, record } of named) {
    if (!entry.binding) continue;
    const base = entry.value && sectionOf(entry.value);
    if (base !== false && base?.external) numbers.set(base, records.length);
    records.push(record);
  }
  return { records, names: strings.bytes, firstGlobal, numbers };
}

function symbolBytes(records: readonly SymbolRecord[], bits: 32 | 64): Uint8Array {
  const out = new Writer();
  for (const { name, value, size, info, other: visibility, section } of records) {
    out.put(name, 4);
    if (bits === 32) out.put(value, 4).put(size, 4).put(info, 1).put(visibility, 1).put(section, 2);
    else out.put(info, 1).put(visibility, 1).put(section, 2).put(value, 8).put(size, 8);
  }
  return Uint8Array.from(out.bytes);
}

function relocationBytes(
  list: readonly Relocation[],
  bits: 32 | 64,
  numbers: ReadonlyMap<Section, number>,
): Uint8Array {
  const out = new Writer();
  for (const relocation of list) {
    const type = relocationType(relocation, bits) ?? 0;
    const symbol = numbers.get(relocation.base) ?? 0;
    if (bits === 32) out.put(relocation.at, 4).put((symbol << 8) | type, 4);
    else out.put(relocation.at, 8).put(type, 4).put(symbol, 4).put(relocation.addend, 8);
  }
  return Uint8Array.from(out.bytes);
}

const flagsOf = ({ alloc, exec, write }: Omit<Kind, "align">): number =>
  (write ? 1 : 0) | (alloc ? 2 : 0) | (exec ? 4 : 0);

function sectionHeader(section: Section, name: number, contents: ObjectFile["contents"]): Header {
  const kind = kinds[section.name] ?? other;
  return {
    name,
    type: section.nobits ? 8 : (kind.type ?? 1),
    flags: flagsOf({ ...kind, ...section.elf }),
    content: section.nobits ? new Uint8Array() : contents.get(section)!,
    size: section.size,
    align: section.wishes.align ?? kind.align,
  };
}

/** The sections' headers, without the empty one: the program's, three tables, and a list of relocations for each that has some. */
function headersOf(file: ObjectFile): { readonly headers: readonly Header[]; readonly namesAt: number } {
  const { bits, sections, relocations } = file;
  const names = new StringTable();
  const own = sections.map((section) => sectionHeader(section, names.add(section.name), file.contents));
  const tables = [".shstrtab", ".symtab", ".strtab"].map((name) => names.add(name)) as [number, number, number];
  const prefix = bits === 32 ? ".rel" : ".rela";
  const moved = sections.filter((section) => relocations.get(section)?.length);
  const movedNames = moved.map((section) => names.add(prefix + section.name));
  const { records, names: strings, firstGlobal, numbers } = symbolTable(file);
  const symbolsAt = sections.length + 2;
  const wide = bits === 64;
  const headers: Header[] = [
    ...own,
    { name: tables[0], type: 3, flags: 0, content: names.bytes, align: 1 },
    {
      name: tables[1],
      type: 2,
      flags: 0,
      content: symbolBytes(records, bits),
      link: symbolsAt + 1,
      info: firstGlobal,
      align: wide ? 8 : 4,
      entry: wide ? 24 : 16,
    },
    { name: tables[2], type: 3, flags: 0, content: strings, align: 1 },
    ...moved.map((section, n) => ({
      name: movedNames[n]!,
      type: wide ? 4 : 9,
      flags: 0,
      content: relocationBytes(relocations.get(section)!, bits, numbers),
      link: symbolsAt,
      info: sections.indexOf(section) + 1,
      align: wide ? 8 : 4,
      entry: wide ? 24 : 8,
    })),
  ];
  return { headers, namesAt: sections.length + 1 };
}

/** Headers stand right after the place of the larger, 64-bit file header. */
const headersAt = 64;
const contentAlignment = 16;

function fileHeader(bits: 32 | 64, count: number, namesAt: number): number[] {
  const wide = bits === 64;
  const word = wide ? 8 : 4;
  const out = new Writer();
  for (const byte of [0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1, 0]) out.put(byte, 1);
  out
    .put(0, 8)
    .put(1, 2)
    .put(wide ? 62 : 3, 2)
    .put(1, 4);
  out.put(0, word).put(0, word).put(headersAt, word);
  out
    .put(0, 4)
    .put(wide ? 64 : 52, 2)
    .put(0, 2)
    .put(0, 2);
  out
    .put(wide ? 64 : 40, 2)
    .put(count, 2)
    .put(namesAt, 2);
  while (out.bytes.length < headersAt) out.put(0, 1);
  return out.bytes;
}

/** A relocatable ELF object file, laid out as nasm does. */
export function elfObject(file: ObjectFile): Uint8Array {
  const { headers, namesAt } = headersOf(file);
  const word = file.bits === 64 ? 8 : 4;
  const headerSize = file.bits === 64 ? 64 : 40;
  const out = new Writer();
  for (const byte of fileHeader(file.bits, headers.length + 1, namesAt)) out.put(byte, 1);
  for (let n = 0; n < headerSize; n++) out.put(0, 1);
  let at = alignUp(headersAt + headerSize * (headers.length + 1), contentAlignment);
  const places: number[] = [];
  for (const { name, type, flags, content, size, link, info, align, entry } of headers) {
    places.push(at);
    out.put(name, 4).put(type, 4).put(flags, word).put(0, word).put(at, word);
    out
      .put(size ?? content.length, word)
      .put(link ?? 0, 4)
      .put(info ?? 0, 4)
      .put(align, word)
      .put(entry ?? 0, word);
    at = alignUp(at + content.length, contentAlignment);
  }
  const bytes = new Uint8Array(at);
  bytes.set(out.bytes);
  for (const [n, { content }] of headers.entries()) bytes.set(content, places[n]!);
  return bytes;
}
