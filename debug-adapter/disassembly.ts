import type { Emitted } from "../assembler/interface.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import { longestInstruction } from "../isa/cursor.ts";
import { decode } from "../isa/decode.ts";
import { format } from "../isa/format.ts";
import type { Decoded } from "../isa/operands.ts";
import type { Subject } from "./evaluate.ts";
import { itemAt, type Program, placeOf, placeText, toLinear } from "./program.ts";

/** One line of a disassembly. */
export interface DisassembledLine {
  /** Linear. */
  readonly address: bigint;
  readonly bytes: readonly number[];
  readonly text: string;
  /** False for bytes that are no instruction, addresses that are not mapped, and lines beyond the address space. */
  readonly valid: boolean;
  readonly label?: string;
  /** What was assembled there, if memory still holds it. */
  readonly item?: Emitted;
}

/** Data bytes per line. */
const dataBytes = 8;
/** Bytes decoded and thrown away before the first line wanted: x86 code falls into step within a few instructions. */
const leadIn = 32;

const hex = (byte: number): string => {
  const digits = byte.toString(16).toUpperCase().padStart(2, "0");
  return `${/^[A-F]/.test(digits) ? "0" : ""}${digits}h`;
};

/** Reads lines one after the other, keeping to the boundaries that are known. */
class Reader {
  readonly #machine: MachineInterface;
  readonly #program: Program;
  /** An address that certainly starts a line. */
  readonly #anchor: bigint;
  readonly #end: bigint;
  readonly #intact = new Map<Emitted, boolean>();

  constructor({ machine, program }: Subject, anchor: bigint) {
    this.#machine = machine;
    this.#program = program;
    this.#anchor = anchor;
    this.#end = 1n << (machine.bits === 64 ? 64n : 32n);
  }

  /** The assembled item at an address, if memory still holds its bytes. */
  itemAt(address: bigint): Emitted | undefined {
    const item = itemAt(this.#program, address);
    if (!item) return undefined;
    const known = this.#intact.get(item);
    const intact = known ?? this.#holds(item);
    if (known === undefined) this.#intact.set(item, intact);
    return intact ? item : undefined;
  }

  #holds(item: Emitted): boolean {
    const cells = this.#machine.readMemory("linear", this.startOf(item), item.length);
    const loaded = this.#program.loaded(item);
    return cells.every((cell, n) => cell === loaded[n]);
  }

  startOf(item: Emitted): bigint {
    return toLinear(this.#program, item.address);
  }

  /** True if a line must start at `address`. */
  #isBoundary(address: bigint): boolean {
    if (address === this.#anchor) return true;
    const item = this.itemAt(address);
    return item !== undefined && this.startOf(item) === address;
  }

  line(address: bigint): DisassembledLine {
    const item = this.itemAt(address);
    const place = placeOf(this.#program, address);
    const facts = { address, ...(place?.offset === 0n ? { label: place.label } : {}), ...(item ? { item } : {}) };
    const room = Number(this.#end - address < 15n ? this.#end - address : BigInt(longestInstruction));
    const cells = this.#machine.readMemory("linear", address, room);
    if (cells[0] === undefined) return { ...facts, bytes: [], text: "not mapped", valid: false };
    if (item && !item.decoded) return { ...facts, ...this.#data(item, address, cells) };
    const decoded = decode((offset) => cells[offset] ?? -1, 0, item?.bits ?? this.#machine.bits);
    if (typeof decoded === "string" || this.#overlaps(address, decoded))
      return { ...facts, bytes: [cells[0]], text: `db ${hex(cells[0])}`, valid: false };
    const bytes = cells.slice(0, decoded.length).map((cell) => cell ?? 0);
    return { ...facts, bytes, text: this.#text(decoded, address), valid: true };
  }

  #data(item: Emitted, address: bigint, cells: readonly (number | undefined)[]) {
    const left = Number(this.startOf(item) + BigInt(item.length) - address);
    const bytes = cells.slice(0, Math.min(left, dataBytes)).map((cell) => cell ?? 0);
    return { bytes, text: `db ${bytes.map(hex).join(", ")}`, valid: true };
  }

  /** Would the instruction run over the start of something known? */
  #overlaps(address: bigint, { length }: Decoded): boolean {
    if (address === this.#anchor) return false;
    for (let n = 1; n < length; n++) if (this.#isBoundary(address + BigInt(n))) return true;
    return false;
  }

  #text(decoded: Decoded, address: bigint): string {
    const { bias } = this.#program;
    const symbol = (target: bigint) => {
      const place = placeOf(this.#program, target + bias);
      return place && placeText(place);
    };
    return format(decoded, { address: address - bias, symbol });
  }

  /** Lines from `from` until `count` of them or the address `until`. */
  lines(from: bigint, count: number, until: bigint): DisassembledLine[] {
    const lines: DisassembledLine[] = [];
    for (let address = from; lines.length < count && address < until && address < this.#end; ) {
      const line = this.line(address);
      lines.push(line);
      address += BigInt(Math.max(1, line.bytes.length));
    }
    return lines;
  }

  /** The `count` lines before the anchor; fewer where the address space begins. */
  before(count: number): DisassembledLine[] {
    const reach = BigInt(count * longestInstruction + leadIn);
    const rough = this.#anchor > reach ? this.#anchor - reach : 0n;
    const item = this.itemAt(rough);
    const from = item ? this.startOf(item) : rough;
    const lines = this.lines(from, Number.POSITIVE_INFINITY, this.#anchor);
    const settled = from === 0n ? lines : lines.filter(({ address }) => address >= from + BigInt(leadIn));
    return settled.slice(-count);
  }
}

const beyond = (address: bigint): DisassembledLine => ({ address, bytes: [], text: "no memory here", valid: false });

/**
 * Exactly `count` lines, the first of them `offset` lines after (before, if negative) the one at the linear address
 * `anchor`. Where the address space ends, lines that are not valid make up the number.
 */
export function disassemble(subject: Subject, anchor: bigint, offset: number, count: number): DisassembledLine[] {
  const limit = 1n << (subject.machine.bits === 64 ? 64n : 32n);
  if (anchor < 0n || anchor >= limit) return Array.from({ length: count }, () => beyond(anchor < 0n ? 0n : anchor));
  const reader = new Reader(subject, anchor);
  const wantedBefore = Math.max(0, -offset);
  const before = wantedBefore > 0 ? reader.before(wantedBefore) : [];
  const missing = Array.from({ length: wantedBefore - before.length }, () => beyond(0n));
  const after = reader.lines(anchor, Math.max(0, offset + count), 1n << 64n);
  const first = Math.max(0, offset);
  const lines = [...missing, ...before, ...after].slice(first, first + count);
  const last = lines.at(-1)?.address ?? anchor;
  while (lines.length < count) lines.push(beyond(last));
  return lines;
}
