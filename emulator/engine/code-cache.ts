import { longestInstruction } from "../../isa/cursor.ts";
import { type DecodeFailure, decode } from "../../isa/decode.ts";
import type { Decoded } from "../../isa/operands.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { guard } from "../mmu/physical.ts";
import { CodeExtent } from "./code-extent.ts";
import type { Handler, Handlers } from "./handlers.ts";
import { pageBytes } from "./page.ts";
import { type DynamicOperands, dynamicOperands } from "./shape.ts";
import type { Region } from "./translator/region.ts";

/**
 * What may follow an instruction: only the next one; another block; anything, in another mode or under another translation;
 * itself, if it is repeated.
 */
export const flow = { straight: 0, branch: 1, system: 2, repeated: 3 } as const;
type Flow = (typeof flow)[keyof typeof flow];

/** An instruction in the cache, ready to execute. */
export class CachedInstruction implements DynamicOperands {
  readonly decoded: Decoded;
  readonly execute: Handler["execute"];
  readonly flow: Flow;
  readonly length: number;
  readonly value0: number;
  readonly value1: number;
  readonly value2: number;
  readonly wide: bigint;
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  readonly displacement: number;
  /** Times a block began here, until a region is made. */
  heat = 0;
  /** Translated code that a block beginning here can enter. */
  region: Region | undefined;
  /** Times it was entered here, and instructions executed by that, to see whether it is worth while. */
  entries = 0;
  gained = 0;
  /** Of an instruction that goes on in the next page: the bytes there. */
  tail: Uint8Array | undefined;

  constructor(decoded: Decoded, handler: Handler) {
    const operands = dynamicOperands(decoded);
    this.decoded = decoded;
    this.execute = handler.execute;
    this.flow = flowOf(decoded, handler);
    this.length = operands.length;
    this.value0 = operands.value0;
    this.value1 = operands.value1;
    this.value2 = operands.value2;
    this.wide = operands.wide;
    this.base = operands.base;
    this.index = operands.index;
    this.scale = operands.scale;
    this.displacement = operands.displacement;
    this.region = undefined;
    this.tail = undefined;
  }
}

function flowOf({ row, repeat }: Decoded, { system }: Handler): Flow {
  if (system) return flow.system;
  if (repeat !== "none") return flow.repeated;
  return row.family === "control-flow" ? flow.branch : flow.straight;
}

export type Instructions = (CachedInstruction | undefined)[];
export type StackBits = 16 | 32 | 64;

/** Pages kept at most: then all is forgotten. Few guests have so much code; a guest that runs through its data has. */
const mostPages = 1024;

/** Code depends on the width of code and stack: at most five combinations. */
export const modeIndex = (bits: 16 | 32 | 64, stackBits: StackBits): number =>
  bits === 64 ? 4 : (bits >> 4) - 1 + (stackBits === 32 ? 2 : 0);

/** Decoded code of one page of host-physical memory. */
export class CodePage {
  readonly number: number;
  readonly modes: (Instructions | undefined)[] = [];
  readonly regions = new Set<Region>();
  /** The code as it was when it was decoded, where `#decoded` is not zero. */
  readonly #bytes = new Uint8Array(pageBytes);
  readonly #decoded = new Uint8Array(pageBytes);
  #extent: CodeExtent | undefined;
  /** False once the cache has forgotten it and is no longer told of writes to it. */
  current = true;
  /** Times a region was made from code that was then overwritten. */
  rewrites = 0;

  constructor(number: number) {
    this.number = number;
  }

  /** Instructions by offset in the page. */
  instructions(mode: number): Instructions {
    const known = this.modes[mode];
    if (known) return known;
    const made: Instructions = new Array<CachedInstruction | undefined>(pageBytes).fill(undefined);
    this.modes[mode] = made;
    return made;
  }

  /** Remembers that these bytes of the page have been decoded. */
  note(memory: Uint8Array, offset: number, bytes: number): void {
    const end = Math.min(offset + bytes, pageBytes);
    this.#bytes.set(memory.subarray(offset, end), offset);
    this.#decoded.fill(1, offset, end);
    this.#extent?.add(offset, end);
  }

  /** Where the page has code, kept up to date from the first time this is asked for. */
  get extent(): CodeExtent {
    if (this.#extent) return this.#extent;
    const extent = new CodeExtent();
    for (const [at, decoded] of this.#decoded.entries()) if (decoded !== 0) extent.add(at, at + 1);
    this.#extent = extent;
    return extent;
  }

  /** Whether the page, now `memory`, still holds the code that was decoded. */
  isUnchanged(memory: Uint8Array): boolean {
    return this.#decoded.every((decoded, at) => decoded === 0 || this.#bytes[at] === memory[at]);
  }

  /** Drops what was decoded from `bytes` bytes at `offset`. True if there was anything. */
  drop(offset: number, bytes: number): boolean {
    let dropped = false;
    for (const instructions of this.modes) {
      if (!instructions) continue;
      for (let at = Math.max(0, offset - longestInstruction + 1); at < offset + bytes; at++) {
        const found = instructions[at];
        if (found === undefined || at + found.length <= offset) continue;
        instructions[at] = undefined;
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
  readonly #pages = new Map<number, CodePage>();

  constructor(cpu: Cpu, handlers: Handlers) {
    this.#cpu = cpu;
    this.#handlers = handlers;
  }

  /** The page of host-physical memory that holds an address in RAM. Pages obtained before may no longer be told of writes. */
  page(physical: number): CodePage {
    const number = Math.floor(physical / pageBytes);
    const known = this.#pages.get(number);
    if (known) return known;
    if (this.#pages.size >= mostPages) this.#clear();
    const made = new CodePage(number);
    this.#pages.set(number, made);
    this.#cpu.guardPage(number, guard.code);
    return made;
  }

  #clear(): void {
    for (const page of this.#pages.values()) {
      this.#cpu.unguardPage(page.number, guard.code);
      this.#retire(page);
    }
    this.#pages.clear();
  }

  #retire(page: CodePage): void {
    page.current = false;
    for (const region of page.regions) this.#invalidate(region, page);
  }

  /** Bytes of RAM are about to be overwritten. */
  written(physical: number, bytes: number): void {
    const page = this.#pages.get(Math.floor(physical / pageBytes));
    if (!page) return;
    const offset = physical % pageBytes;
    page.drop(offset, bytes);
    for (const region of page.regions)
      if (region.covers(offset, bytes)) {
        page.rewrites++;
        this.#invalidate(region, page);
      }
  }

  /**
   * The memory under the machine was replaced: forgets what is no longer there. `Cpu.reload` must follow, which gives the TLB
   * the guards as they are then.
   */
  review(): void {
    for (const page of this.#pages.values()) {
      if (page.isUnchanged(this.#memoryOf(page))) continue;
      this.#retire(page);
      this.#pages.delete(page.number);
      this.#cpu.physical.guards[page.number]! &= ~guard.code;
    }
  }

  #memoryOf(page: CodePage): Uint8Array {
    const { bytes, physical } = this.#cpu;
    const at = physical.ramBase + page.number * pageBytes;
    return bytes.subarray(at, at + pageBytes);
  }

  #invalidate(region: Region, page: CodePage): void {
    region.valid = false;
    page.regions.delete(region);
  }

  /** Decodes the instruction at RIP, which is at `offset` in the page. May raise a fault of the fetch. */
  decode(page: CodePage, offset: number, stackBits: StackBits): CachedInstruction | DecodeFailure {
    const { rip, bits } = this.#cpu;
    const memory = this.#memoryOf(page);
    const source = (at: number): number => (at < pageBytes ? memory[at]! : this.#cpu.fetch8(rip + at - offset));
    const decoded = decode(source, offset, bits);
    if (typeof decoded !== "string") page.note(memory, offset, decoded.length);
    return this.#make(decoded, stackBits);
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
