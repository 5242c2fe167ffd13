/** A kernel that was built elsewhere, as the debugger knows it: ELF symbols, DWARF lines, and instructions decoded when asked for. */

import type { Emitted, LineMap } from "../assembler/interface.ts";
import { lastAtOrBelow } from "../assembler/last-at-or-below.ts";
import { fileKey } from "../assembler/location.ts";
import { type Elf, type ElfSegment, readSymbols, segmentType } from "../emulator/loader/elf.ts";
import type { LoadedKernel } from "../emulator/loader/kernel.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import { decode } from "../isa/decode.ts";
import type { Bits } from "../isa/operands.ts";
import { isInterruptReturn, isReturn } from "./code.ts";
import { type LineRange, sourceLines } from "./dwarf/index.ts";
import type { Program, ProgramSymbol } from "./program.ts";

/** Addresses are signed: the upper half of 64-bit space lies below 0, so that a number holds every canonical address. */
const signed = (address: bigint): number => Number(BigInt.asIntN(64, address));

interface Span {
  readonly start: number;
  readonly end: number;
}

const spanAt = <S extends Span>(spans: readonly S[], address: number): S | undefined => {
  const found = spans[lastAtOrBelow(spans.length, (index) => spans[index]!.start, address)];
  return found && address < found.end ? found : undefined;
};

/** A segment's virtual addresses; before paging is on, it runs at its physical ones, `shift` below. */
interface Loaded extends Span {
  readonly shift: number;
  readonly segment: ElfSegment;
}

interface Line extends Span {
  readonly file: string;
  readonly line: number;
  readonly statement: boolean;
}

const byStart = (a: Span, b: Span): number => a.start - b.start;

class KernelCode {
  readonly #elf: Elf;
  readonly #bits: () => Bits;
  readonly #segments: readonly Loaded[];
  readonly #lines: readonly Line[];
  readonly #byLine = new Map<string, Map<number, number[]>>();
  readonly #sorted: ReadonlyMap<string, readonly number[]>;
  /** Decoded instructions of a range, by its start and the code size. */
  readonly #decoded = new Map<string, readonly Emitted[]>();

  constructor(elf: Elf, ranges: readonly LineRange[], bits: () => Bits) {
    this.#elf = elf;
    this.#bits = bits;
    this.#segments = elf.segments
      .filter(({ type, memorySize }) => type === segmentType.load && memorySize > 0)
      .map((segment) => {
        const start = signed(segment.virtual);
        return { start, end: start + segment.memorySize, shift: start - Number(segment.physical), segment };
      })
      .sort(byStart);
    this.#lines = ranges
      .map(({ start, end, ...rest }) => ({ start: signed(start), end: signed(end), ...rest }))
      .sort(byStart);
    this.#collectLines();
    this.#sorted = new Map([...this.#byLine].map(([file, lines]) => [file, [...lines.keys()].sort((a, b) => a - b)]));
  }

  /** Where execution enters each line: of ranges that adjoin, the first. */
  #collectLines(): void {
    for (const [n, { start, file, line, statement }] of this.#lines.entries()) {
      const before = this.#lines[n - 1];
      if (!statement || (before?.end === start && before.line === line && before.file === file)) continue;
      const lines = this.#byLine.get(file) ?? new Map<number, number[]>();
      this.#byLine.set(file, lines);
      const addresses = lines.get(line) ?? [];
      lines.set(line, addresses);
      const { shift = 0 } = spanAt(this.#segments, start) ?? {};
      // Code that runs before paging is on is met at its physical address.
      addresses.push(start, ...(shift === 0 ? [] : [start - shift]));
    }
  }

  get files(): readonly string[] {
    return [...this.#byLine.keys()];
  }

  /** The linked (virtual) address of an address at which the program is met, and how far apart they are. */
  linked(address: number): { readonly address: number; readonly shift: number } | undefined {
    if (spanAt(this.#segments, address)) return { address, shift: 0 };
    const physical = this.#segments.find(({ start, end, shift }) => address >= start - shift && address < end - shift);
    return physical && { address: address + physical.shift, shift: physical.shift };
  }

  /** Bytes of the file from a linked address on; undefined where it has none. */
  bytes(address: number, length: number): Uint8Array {
    const found = spanAt(this.#segments, address);
    if (!found) return new Uint8Array();
    const { offset, fileSize } = found.segment;
    const at = offset + address - found.start;
    return this.#elf.bytes.subarray(at, Math.max(at, Math.min(at + length, offset + fileSize)));
  }

  #instructions(line: Line): readonly Emitted[] {
    const bits = this.#bits();
    const key = `${bits} ${line.start}`;
    const known = this.#decoded.get(key);
    if (known) return known;
    const bytes = this.bytes(line.start, line.end - line.start);
    const items: Emitted[] = [];
    for (let at = 0; at < bytes.length; ) {
      const decoded = decode((offset) => bytes[offset] ?? -1, at, bits);
      const length = typeof decoded === "string" ? 1 : decoded.length;
      const range = { file: line.file, line: line.line, start: 0, end: 0 };
      const item = { address: line.start + at, position: undefined, length, range, bits };
      items.push(typeof decoded === "string" ? item : { ...item, decoded });
      at += length;
    }
    this.#decoded.set(key, items);
    return items;
  }

  #itemAt(address: number): Emitted | undefined {
    const place = this.linked(address);
    const line = place && spanAt(this.#lines, place.address);
    const item = line && this.#instructions(line).findLast((candidate) => candidate.address <= place.address);
    return item && (place.shift === 0 ? item : { ...item, address: item.address - place.shift });
  }

  readonly lines: LineMap = {
    at: (address) => this.#itemAt(address),
    addresses: (file, line) => this.#byLine.get(file)?.get(line) ?? [],
    nextLineWithCode: (file, line) => this.#sorted.get(file)?.find((candidate) => candidate >= line),
  };

  returns(): readonly number[] {
    return this.#lines.flatMap((line) =>
      this.#instructions(line)
        .filter(({ decoded }) => decoded && (isReturn(decoded) || isInterruptReturn(decoded)))
        .map(({ address }) => address),
    );
  }
}

function symbolsOf(elf: Elf): ReadonlyMap<string, ProgramSymbol> {
  const symbols = new Map<string, ProgramSymbol>();
  for (const { name, value } of readSymbols(elf))
    if (!symbols.has(name)) symbols.set(name, { name, kind: "label", value: BigInt.asIntN(64, value) });
  return symbols;
}

/** A line range whose source is looked for under `root` instead of the folder it was compiled in. */
const relocated = (range: LineRange, root: string | undefined): LineRange =>
  root !== undefined && range.file.startsWith(`${range.directory}/`)
    ? { ...range, file: `${root.replace(/\/$/, "")}${range.file.slice(range.directory.length)}` }
    : range;

/** A kernel's program, and what is not known of it, as a sentence. */
export function kernelProgram(
  { file, sourceRoot }: { readonly file: string; readonly sourceRoot: string | undefined },
  { elf }: LoadedKernel,
): { readonly programIn: (machine: MachineInterface) => Program; readonly warning: string } {
  const lines = elf ? sourceLines(elf) : "The kernel is no ELF file, so that it brings no symbols and line numbers.";
  const ranges = typeof lines === "string" ? [] : lines.map((range) => relocated(range, sourceRoot));
  const unknown =
    lines.length === 0 ? "The kernel has no line numbers: build it with -g to step through its source." : "";
  return {
    programIn: (machine) => programOf(file, elf, elf && new KernelCode(elf, ranges, () => machine.bits)),
    warning: typeof lines === "string" ? lines : unknown,
  };
}

function programOf(file: string, elf: Elf | undefined, code: KernelCode | undefined): Program {
  const files = code?.files ?? [];
  return {
    file,
    files: [...new Map(files.map((name) => [fileKey(name), name])).values()],
    lines: code?.lines ?? { at: () => undefined, addresses: () => [], nextLineWithCode: () => undefined },
    symbols: elf ? symbolsOf(elf) : new Map(),
    bias: 0n,
    symbolic: (address) => {
      const place = code?.linked(Number(address));
      return place && BigInt(place.address);
    },
    loaded: ({ address, length }) => code?.bytes(code.linked(address)?.address ?? address, length) ?? new Uint8Array(),
    returns: () => code?.returns() ?? [],
    stepsBy: "line",
  };
}
