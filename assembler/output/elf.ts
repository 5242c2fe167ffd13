import type { Section } from "../section.ts";
import { type SymbolEntry, symbolTypes, visibilities } from "../symbols.ts";
import { sectionOf } from "../value.ts";
import { type RelocationShape, relocationType } from "./relocation-types.ts";

/** A field whose value the linker makes: address of `base` plus `addend`, less its own place if `relative`. */
export interface Relocation extends RelocationShape {
  /** Offset of the field in its section. */
  readonly at: number;
  /** Bytes after the field that are zero. */
  readonly cleared?: number;
  /** Undefined for a fixed address. */
  readonly base: Section | undefined;
  /** The symbol of this file that is named, where it is not the base that is. */
  readonly symbol: SymbolEntry | undefined;
  readonly addend: bigint;
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
  /** Size of a symbol in bytes. */
  readonly extent: (entry: SymbolEntry) => bigint;
  /** Byte 7 of the file. */
  readonly abi: number;
}

interface Kind {
  readonly type: keyof typeof sectionTypes;
  readonly alloc: boolean;
  readonly exec: boolean;
  readonly write: boolean;
  readonly tls?: boolean;
  /** Bytes; "pointer" is the width of the format. */
  readonly align: number | "pointer";
  readonly entry?: "pointer";
}

const sectionTypes = {
  progbits: 1,
  note: 7,
  nobits: 8,
  init_array: 14,
  fini_array: 15,
  preinit_array: 16,
} as const;

const code: Kind = { type: "progbits", alloc: true, exec: true, write: false, align: 16 };
const constants: Kind = { type: "progbits", alloc: true, exec: false, write: false, align: 4 };
const data: Kind = { ...constants, write: true };
const zeros: Kind = { ...data, type: "nobits" };
const other: Kind = { ...constants, align: 1 };
const pointers: Kind = { ...constants, align: "pointer", entry: "pointer" };

/** What sections are by their names alone. */
const kinds: Readonly<Record<string, Kind>> = {
  ".text": code,
  ".rodata": constants,
  ".lrodata": constants,
  ".data": data,
  ".ldata": data,
  ".bss": zeros,
  ".lbss": zeros,
  ".tdata": { ...data, tls: true },
  ".tbss": { ...zeros, tls: true },
  ".preinit_array": { ...pointers, type: "preinit_array" },
  ".init_array": { ...pointers, type: "init_array" },
  ".fini_array": { ...pointers, type: "fini_array" },
  ".note": { ...constants, type: "note", alloc: false },
  ".comment": { ...other, alloc: false },
};

/** Whether a section has no bytes, by its name alone. */
export const hasNoBytes = (name: string): boolean => kinds[name]?.type === "nobits";

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
  readonly size: bigint | number;
  readonly info: number;
  readonly other: number;
  readonly section: number;
}

const bindings = { local: 0, global: 16, weak: 32 } as const;
const [absolute, commonSection] = [0xfff1, 0xfff2];

/** Type of symbols in sections that each thread has its own of. */
const threadLocal = 6;
const isTls = (section: Section): boolean => section.elf.tls ?? kinds[section.name]?.tls ?? false;

const isLocal = ({ binding }: SymbolEntry): boolean => !binding || binding.kind === "static";

function symbolRecord(entry: SymbolEntry, name: number, file: ObjectFile): SymbolRecord {
  const { binding, value } = entry;
  const scope = isLocal(entry) ? "local" : binding?.weak ? "weak" : "global";
  const base = (value && sectionOf(value)) || undefined;
  const type = base && isTls(base) ? threadLocal : symbolTypes[binding?.type ?? "notype"];
  const info = bindings[scope] | type;
  const record = { name, info, other: visibilities[binding?.visibility ?? "default"] };
  if (binding?.kind === "common")
    return { ...record, value: binding.boundary, size: binding.size, section: commonSection };
  const size = file.extent(entry);
  if (binding && !entry.definition) return { ...record, value: 0, size, section: 0 };
  if (base?.external) return { ...record, value: 0, size, section: 0 };
  const section = base ? file.sections.indexOf(base) + 1 : absolute;
  return { ...record, value: value?.constant ?? 0n, size, section };
}

/** Symbols as records, and the number of each base that relocations may name. */
function symbolTable(file: ObjectFile): {
  readonly records: readonly SymbolRecord[];
  readonly names: Uint8Array;
  readonly firstGlobal: number;
  readonly numbers: ReadonlyMap<Section | SymbolEntry, number>;
} {
  const strings = new StringTable();
  const fileName = strings.add(file.file);
  const records: SymbolRecord[] = [
    { name: 0, value: 0, size: 0, info: 0, other: 0, section: 0 },
    { name: fileName, value: 0, size: 0, info: 4, other: 0, section: absolute },
  ];
  const numbers = new Map<Section | SymbolEntry, number>();
  for (const [n, section] of file.sections.entries()) {
    numbers.set(section, records.length);
    records.push({ name: 0, value: 0, size: 0, info: 3, other: 0, section: n + 1 });
  }
  const named = file.symbols.map((entry) => ({ entry, record: symbolRecord(entry, strings.add(entry.name), file) }));
  for (const { entry, record } of named) if (isLocal(entry)) records.push(record);
  const firstGlobal = records.length;
  for (const { entry, record } of named) {
    if (isLocal(entry)) continue;
    numbers.set(entry, records.length);
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
  numbers: ReadonlyMap<Section | SymbolEntry, number>,
): Uint8Array {
  const out = new Writer();
  for (const relocation of list) {
    const type = relocationType(relocation, bits) ?? 0;
    const named = relocation.symbol ?? relocation.base;
    const symbol = (named && numbers.get(named)) ?? 0;
    if (bits === 32) out.put(relocation.at, 4).put((symbol << 8) | type, 4);
    else out.put(relocation.at, 8).put(type, 4).put(symbol, 4).put(relocation.addend, 8);
  }
  return Uint8Array.from(out.bytes);
}

function flagsOf(section: Section, kind: Kind): number {
  const { alloc, exec, write, tls, merge, strings } = { ...kind, ...section.elf };
  const bits = [write, alloc, exec, false, merge, strings];
  return bits.reduce((sum, bit, n) => (bit ? sum | (1 << n) : sum), tls ? 0x400 : 0);
}

function sectionHeader(section: Section, name: number, contents: ObjectFile["contents"], word: number): Header {
  const kind = kinds[section.name] ?? other;
  const { elf, wishes } = section;
  const array = /_array$/.test(elf.type ?? "");
  const entry = elf.entry ?? (array || kind.entry ? word : elf.strings ? 1 : 0);
  const entryAlign = elf.entryAlign ?? (array ? word : 1);
  const byName = kind.align === "pointer" ? word : kind.align;
  const least = !elf.isDescribed ? byName : wishes.align === undefined ? entryAlign : 1;
  return {
    name,
    type: sectionTypes[section.nobits ? "nobits" : (elf.type ?? kind.type)],
    flags: flagsOf(section, kind),
    content: section.nobits ? new Uint8Array() : contents.get(section)!,
    size: section.size,
    align: Math.max(least, wishes.align ?? 0),
    entry,
  };
}

/** The sections' headers, without the empty one: the program's, three tables, and a list of relocations for each that has some. */
function headersOf(file: ObjectFile): { readonly headers: readonly Header[]; readonly namesAt: number } {
  const { bits, sections, relocations } = file;
  const names = new StringTable();
  const own = sections.map((section) => sectionHeader(section, names.add(section.name), file.contents, bits / 8));
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

function fileHeader({ bits, abi }: ObjectFile, count: number, namesAt: number): number[] {
  const wide = bits === 64;
  const word = wide ? 8 : 4;
  const out = new Writer();
  for (const byte of [0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1, abi]) out.put(byte, 1);
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

/** A relocatable ELF object file, laid out as nasm does. Tells the sections where their bytes are in it. */
export function elfObject(file: ObjectFile): Uint8Array {
  const { headers, namesAt } = headersOf(file);
  const word = file.bits === 64 ? 8 : 4;
  const headerSize = file.bits === 64 ? 64 : 40;
  const out = new Writer();
  for (const byte of fileHeader(file, headers.length + 1, namesAt)) out.put(byte, 1);
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
  for (const [n, section] of file.sections.entries()) section.position = section.nobits ? undefined : places[n]!;
  return bytes;
}
