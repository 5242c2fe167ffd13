import { longestInstruction } from "../../isa/cursor.ts";
import { type DecodeFailure, decode } from "../../isa/decode.ts";
import type { Decoded } from "../../isa/operands.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { guard } from "../mmu/physical.ts";
import { CachedInstruction, flow } from "./cached-instruction.ts";
import { CodeExtent } from "./code-extent.ts";
import type { Handlers } from "./handlers.ts";
import { KnownInstructions } from "./known-instructions.ts";
import { pageBytes } from "./page.ts";
import type { Region } from "./translator/region.ts";

export type Instructions = (CachedInstruction | undefined)[];
export type StackBits = 16 | 32 | 64;

/** Pages kept at most: then all is forgotten. Few guests have so much code; a guest that runs through its data has. */
const mostPages = 400;

/** Code depends on the width of code and stack: at most five combinations. */
export const modeIndex = (bits: 16 | 32 | 64, stackBits: StackBits): number =>
  bits === 64 ? 4 : (bits >> 4) - 1 + (stackBits === 32 ? 2 : 0);

/** Translated code that a block can enter, and whether that is worth while. */
export interface Entry {
  region: Region;
  /** Times it was entered here, and instructions executed by that. */
  times: number;
  gained: number;
}

/** What is known of the code of a page in one mode, by offset in the page. */
export class ModeCode {
  readonly instructions: Instructions = new Array<CachedInstruction | undefined>(pageBytes).fill(undefined);
  /** Times a block began there, until a region is made. */
  readonly heat = new Int32Array(pageBytes);
  /** Where regions are entered; undefined as long as there are none. */
  entries: (Entry | undefined)[] | undefined;

  enter(offset: number, region: Region): Entry {
    this.entries ??= new Array<Entry | undefined>(pageBytes).fill(undefined);
    const entry = { region, times: 0, gained: 0 };
    this.entries[offset] = entry;
    return entry;
  }

  /** Forgets everything, to be used for another page: making one takes longer. */
  clear(): void {
    this.instructions.fill(undefined);
    this.heat.fill(0);
    this.entries = undefined;
  }

  /** Forgets what is known of where an instruction began. */
  forget(offset: number): void {
    this.instructions[offset] = undefined;
    this.heat[offset] = 0;
    if (this.entries) this.entries[offset] = undefined;
  }
}

/** The code of a page as it was when it was decoded, by the byte; `notDecoded` elsewhere. */
type DecodedBytes = Int16Array;
const notDecoded = -1;

/** What pages that were forgotten consisted of, cleared, for others: making it takes longer, and gives the host much to collect. */
interface Spare {
  readonly codes: ModeCode[];
  readonly bytes: DecodedBytes[];
}

/** Decoded code of one page of host-physical memory. */
export class CodePage {
  readonly number: number;
  readonly modes: (ModeCode | undefined)[] = [];
  readonly regions = new Set<Region>();
  readonly #decoded: DecodedBytes;
  #extent: CodeExtent | undefined;
  /** The page itself, once asked for. */
  memory: Uint8Array | undefined;
  /** False once the cache has forgotten it and is no longer told of writes to it. */
  current = true;
  /** Times a region was made from code that was then overwritten. */
  rewrites = 0;

  readonly #spare: Spare;

  constructor(number: number, spare: Spare) {
    this.number = number;
    this.#spare = spare;
    this.#decoded = spare.bytes.pop() ?? new Int16Array(pageBytes).fill(notDecoded);
  }

  code(mode: number): ModeCode {
    this.modes[mode] ??= this.#spare.codes.pop() ?? new ModeCode();
    return this.modes[mode];
  }

  /** Gives away what it consists of. It must not be used any more. */
  giveUp(): void {
    for (const code of this.modes) {
      code?.clear();
      if (code) this.#spare.codes.push(code);
    }
    this.#decoded.fill(notDecoded);
    this.#spare.bytes.push(this.#decoded);
  }

  /** Remembers that these bytes of the page have been decoded. */
  note(memory: Uint8Array, offset: number, bytes: number): void {
    const end = Math.min(offset + bytes, pageBytes);
    const decoded = this.#decoded;
    for (let at = offset; at < end; at++) decoded[at] = memory[at]!;
    this.#extent?.add(offset, end);
  }

  /** Remembers a byte as code. */
  noteByte(at: number, byte: number): void {
    // Its bytes may be another page's by now.
    if (!this.current || this.#decoded[at] !== notDecoded) return;
    this.#decoded[at] = byte;
    this.#extent?.add(at, at + 1);
  }

  /** Where the page has code, kept up to date from the first time this is asked for. */
  get extent(): CodeExtent {
    if (this.#extent) return this.#extent;
    const extent = new CodeExtent();
    for (const [at, decoded] of this.#decoded.entries()) if (decoded !== notDecoded) extent.add(at, at + 1);
    this.#extent = extent;
    return extent;
  }

  /** Whether the page, now `memory`, still holds the code that was decoded. */
  isUnchanged(memory: Uint8Array): boolean {
    const decoded = this.#decoded;
    for (let at = 0; at < pageBytes; at++) if (decoded[at] !== notDecoded && decoded[at] !== memory[at]) return false;
    return true;
  }

  /** Drops what was decoded from `bytes` bytes at `offset`. True if there was anything. */
  drop(offset: number, bytes: number): boolean {
    let dropped = false;
    for (const code of this.modes) {
      if (!code) continue;
      for (let at = Math.max(0, offset - longestInstruction + 1); at < offset + bytes; at++) {
        const found = code.instructions[at];
        if (found === undefined || at + found.length <= offset) continue;
        code.forget(at);
        dropped = true;
      }
    }
    return dropped;
  }
}

/** All decoded code, by page of host-physical memory. Told of every write to those pages. */
export class CodeCache {
  readonly #cpu: Cpu;
  readonly #handlers: Handlers;
  readonly #known: KnownInstructions;
  readonly #spare: Spare = { codes: [], bytes: [] };
  readonly #pages = new Map<number, CodePage>();

  constructor(cpu: Cpu, handlers: Handlers) {
    this.#cpu = cpu;
    this.#handlers = handlers;
    this.#known = new KnownInstructions(cpu.view.buffer as ArrayBuffer);
  }

  /** The page of host-physical memory that holds an address in RAM. Pages obtained before may no longer be told of writes. */
  page(physical: number): CodePage {
    const number = Math.floor(physical / pageBytes);
    const known = this.#pages.get(number);
    if (known) return known;
    if (this.#pages.size >= mostPages) this.#clear();
    const made = new CodePage(number, this.#spare);
    this.#pages.set(number, made);
    this.#cpu.guardPage(number, guard.code);
    return made;
  }

  /** The page that holds an address in RAM, if code of it has been decoded. */
  known(physical: number): CodePage | undefined {
    return this.#pages.get(Math.floor(physical / pageBytes));
  }

  #clear(): void {
    for (const page of this.#pages.values()) {
      this.#cpu.physical.guards[page.number]! &= ~guard.code;
      this.#retire(page);
      page.giveUp();
    }
    this.#pages.clear();
    // Once for all of them: it looks through the whole TLB.
    this.#cpu.tlb.reviewAll();
  }

  #retire(page: CodePage): void {
    page.current = false;
    for (const region of page.regions) region.drop();
  }

  /** Bytes of RAM are about to be overwritten. */
  written(physical: number, bytes: number): void {
    const page = this.#pages.get(Math.floor(physical / pageBytes));
    if (!page) return;
    const offset = physical % pageBytes;
    page.drop(offset, bytes);
    for (const region of page.regions)
      if (region.covers(page, offset, bytes)) {
        page.rewrites++;
        region.drop();
      }
  }

  /**
   * The page of RAM with a number was replaced, or by default any: forgets what is no longer there. `Cpu.reload` must follow, which
   * gives the TLB the guards as they are then.
   */
  review(number?: number): void {
    const one = number === undefined ? undefined : this.#pages.get(number);
    for (const page of number === undefined ? this.#pages.values() : one ? [one] : []) {
      if (page.isUnchanged(this.#memoryOf(page))) continue;
      this.#retire(page);
      this.#pages.delete(page.number);
      this.#cpu.physical.guards[page.number]! &= ~guard.code;
    }
  }

  #memoryOf(page: CodePage): Uint8Array {
    if (page.memory === undefined) {
      const { bytes, physical } = this.#cpu;
      const at = physical.ramBase + page.number * pageBytes;
      page.memory = bytes.subarray(at, at + pageBytes);
    }
    return page.memory;
  }

  /**
   * The instruction at RIP, which is at `offset` in the page, for that place. May raise a fault of the fetch. `mode`: as
   * `modeIndex`.
   */
  decode(page: CodePage, offset: number, mode: number, stackBits: StackBits): CachedInstruction | DecodeFailure {
    const memory = this.#memoryOf(page);
    const made =
      this.#known.find(memory.byteOffset + offset, pageBytes - offset, mode) ??
      this.#decode(memory, offset, mode, stackBits);
    if (typeof made === "string") return made;
    page.note(memory, offset, made.length);
    const counters = this.#cpu.monitor?.countersAt?.(page.number * pageBytes + offset);
    return counters !== undefined && counters.length > 0 ? this.#counted(made, counters) : made;
  }

  /**
   * Places the instructions that follow the one at `offset`, up to one that is not known by its bytes or not straight. They are
   * executed next unless an event comes between, and decoding them then would give the same.
   */
  decodeAhead(page: CodePage, instructions: Instructions, offset: number, mode: number): void {
    // What is counted differs from place to place.
    if (this.#cpu.monitor?.countersAt !== undefined) return;
    const memory = this.#memoryOf(page);
    let last = instructions[offset]!;
    const start = offset + last.length;
    let end = start;
    while (last.flow === flow.straight && end < pageBytes && instructions[end] === undefined) {
      const found = this.#known.find(memory.byteOffset + end, pageBytes - end, mode);
      if (found === undefined) break;
      instructions[end] = found;
      end += found.length;
      last = found;
    }
    if (end > start) page.note(memory, start, end - start);
  }

  /** The same, and its executions are counted. */
  #counted(made: CachedInstruction, counters: readonly number[]): CachedInstruction {
    const { view } = this.#cpu;
    return made.executedBy((operands) => {
      made.execute(operands);
      for (const cell of counters) view.setFloat64(cell, view.getFloat64(cell, true) + 1, true);
    });
  }

  #decode(memory: Uint8Array, offset: number, mode: number, stackBits: StackBits): CachedInstruction | DecodeFailure {
    const { rip, bits } = this.#cpu;
    const source = (at: number): number => (at < pageBytes ? memory[at]! : this.#cpu.fetch8(rip + at - offset));
    const made = this.#make(decode(source, offset, bits), stackBits);
    if (typeof made !== "string") this.#known.add(memory.byteOffset + offset, pageBytes - offset, mode, made);
    return made;
  }

  /** Decodes the instruction at RIP byte by byte, from memory that cannot be cached. */
  decodeUncached(stackBits: StackBits): CachedInstruction | DecodeFailure {
    const { rip, bits } = this.#cpu;
    return this.#make(
      decode((at) => this.#cpu.fetch8(rip + at), 0, bits),
      stackBits,
    );
  }

  #make(decoded: Decoded | DecodeFailure, stackBits: StackBits): CachedInstruction | DecodeFailure {
    if (typeof decoded === "string") return decoded;
    return new CachedInstruction(decoded, this.#handlers.of(decoded, stackBits));
  }
}
