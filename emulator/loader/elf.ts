/** ELF executables of the 32-bit and 64-bit x86 ABIs, as far as loading and debugging them needs (System V gABI, chapters 4 and 5). */

import { utf8Text } from "../utf8.ts";

export interface ElfSegment {
  /** PT_LOAD is 1, PT_NOTE 4. */
  readonly type: number;
  /** Place and length in the file, bytes. */
  readonly offset: number;
  readonly fileSize: number;
  /** Length in memory; what the file does not give is zero. */
  readonly memorySize: number;
  readonly virtual: bigint;
  readonly physical: bigint;
  readonly align: number;
}

export interface ElfSection {
  readonly name: string;
  readonly type: number;
  readonly flags: bigint;
  readonly address: bigint;
  readonly offset: number;
  readonly size: number;
  /** Index of the string table that a symbol table uses. */
  readonly link: number;
}

export interface ElfSymbol {
  readonly name: string;
  readonly value: bigint;
  readonly size: bigint;
  readonly kind: "function" | "object" | "untyped";
}

export interface Elf {
  readonly bytes: Uint8Array;
  readonly bits: 32 | 64;
  readonly entry: bigint;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
}

export const segmentType = { load: 1, dynamic: 2, note: 4 } as const;
const sectionType = { symbols: 2, noBits: 8 } as const;
/** SHF_COMPRESSED: the section begins with a compression header. */
const compressed = 0x800n;

const machines: Readonly<Record<number, 32 | 64>> = { 3: 32, 62: 64 };
const executable = 2;
const positionIndependent = 3;

export const isElf = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

/** Little-endian fields of a file; reading beyond its end throws a RangeError, which `readElf` turns into a sentence. */
class Fields {
  readonly #view: DataView;
  readonly #wide: boolean;

  constructor(bytes: Uint8Array, wide: boolean) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#wide = wide;
  }

  half = (at: number): number => this.#view.getUint16(at, true);
  word = (at: number): number => this.#view.getUint32(at, true);
  /** An address: 4 or 8 bytes, by the file's class. */
  address = (at: number): bigint =>
    this.#wide ? this.#view.getBigUint64(at, true) : BigInt(this.#view.getUint32(at, true));
  /** An offset or size of something in the file. */
  extent = (at: number): number => Number(this.address(at));
}

/** The text up to the next zero byte. */
export function stringAt(bytes: Uint8Array, at: number): string {
  const end = bytes.indexOf(0, at);
  return utf8Text(bytes.subarray(at, end < 0 ? bytes.length : end));
}

/** Reads the tables of an ELF executable; a sentence if it is none that this machine can run. */
export function readElf(bytes: Uint8Array): Elf | string {
  if (!isElf(bytes)) return "The file is no ELF file.";
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof RangeError) return "The ELF file is cut short: one of its tables lies beyond its end.";
    throw error;
  }
}

function read(bytes: Uint8Array): Elf | string {
  const [, , , , fileClass, order] = bytes;
  if (order !== 1) return "The ELF file is big-endian; x86 is little-endian.";
  const wide = fileClass === 2;
  const fields = new Fields(bytes, wide);
  const machine = fields.half(18);
  const bits = machines[machine];
  if (bits === undefined || wide !== (bits === 64))
    return `The ELF file is for machine ${machine}; Ringside runs i386 (3) and x86-64 (62).`;
  const type = fields.half(16);
  if (type === 1) return "The ELF file is an object file: link it first, for example with ld -Ttext=0x100000.";
  if (type !== executable && type !== positionIndependent)
    return `The ELF file has type ${type}; a kernel is an executable (2).`;
  const segments = readSegments(fields, wide);
  if (segments.some(({ type }) => type === segmentType.dynamic))
    return "The ELF file is dynamically linked; a kernel is linked with -static and without -pie.";
  for (const { type, offset, fileSize } of segments)
    if (type === segmentType.load && offset + fileSize > bytes.length)
      return `The ELF file is cut short: a segment goes to byte ${offset + fileSize}, the file has ${bytes.length}.`;
  return { bytes, bits, entry: fields.address(24), segments, sections: readSections(bytes, fields, wide) };
}

function readSegments(fields: Fields, wide: boolean): readonly ElfSegment[] {
  const table = fields.extent(wide ? 32 : 28);
  const [size, count] = [fields.half(wide ? 54 : 42), fields.half(wide ? 56 : 44)];
  return Array.from({ length: count }, (_, n) => {
    const at = table + n * size;
    return {
      type: fields.word(at),
      offset: fields.extent(at + (wide ? 8 : 4)),
      virtual: fields.address(at + (wide ? 16 : 8)),
      physical: fields.address(at + (wide ? 24 : 12)),
      fileSize: fields.extent(at + (wide ? 32 : 16)),
      memorySize: fields.extent(at + (wide ? 40 : 20)),
      align: fields.extent(at + (wide ? 48 : 28)),
    };
  });
}

function readSections(bytes: Uint8Array, fields: Fields, wide: boolean): readonly ElfSection[] {
  const table = fields.extent(wide ? 40 : 32);
  const [size, count, names] = [58, 60, 62].map((at) => fields.half(wide ? at : at - 12)) as [number, number, number];
  if (table === 0) return [];
  const raw = Array.from({ length: count }, (_, n) => {
    const at = table + n * size;
    return {
      nameAt: fields.word(at),
      type: fields.word(at + 4),
      flags: fields.address(at + 8),
      address: fields.address(at + (wide ? 16 : 12)),
      offset: fields.extent(at + (wide ? 24 : 16)),
      size: fields.extent(at + (wide ? 32 : 20)),
      link: fields.word(at + (wide ? 40 : 24)),
    };
  });
  const nameTable = raw[names];
  return raw.map(({ nameAt, ...section }) => ({
    ...section,
    name: nameTable ? stringAt(bytes, nameTable.offset + nameAt) : "",
  }));
}

/** Contents of a section; undefined if there is none, or a sentence if they cannot be read. */
export function sectionBytes(elf: Elf, name: string): Uint8Array | string | undefined {
  const section = elf.sections.find((candidate) => candidate.name === name);
  if (!section || section.type === sectionType.noBits) return undefined;
  if (section.flags & compressed)
    return `Section ${name} is compressed; link with -Wl,--compress-debug-sections=none to debug by source lines.`;
  return elf.bytes.subarray(section.offset, section.offset + section.size);
}

const symbolKinds: Readonly<Record<number, ElfSymbol["kind"]>> = { 0: "untyped", 1: "object", 2: "function" };

/** The named symbols that are defined in the file, without section and file symbols. */
export function readSymbols(elf: Elf): readonly ElfSymbol[] {
  const wide = elf.bits === 64;
  const table = elf.sections.find(({ type }) => type === sectionType.symbols);
  const names = table && elf.sections[table.link];
  if (!table || !names) return [];
  const fields = new Fields(elf.bytes, wide);
  const size = wide ? 24 : 16;
  const symbols: ElfSymbol[] = [];
  for (let at = table.offset; at + size <= Math.min(table.offset + table.size, elf.bytes.length); at += size) {
    const kind = symbolKinds[elf.bytes[at + (wide ? 4 : 12)]! & 15];
    const section = fields.half(at + (wide ? 6 : 14));
    const name = stringAt(elf.bytes, names.offset + fields.word(at));
    if (!kind || section === 0 || name === "") continue;
    symbols.push({
      name,
      kind,
      value: fields.address(at + (wide ? 8 : 4)),
      size: fields.address(at + (wide ? 16 : 8)),
    });
  }
  return symbols;
}
