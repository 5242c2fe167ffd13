import type { SourceLine } from "./source.ts";
import type { Span } from "./tree.ts";
import type { Value } from "./value.ts";

/** Where a section begins in the file (`start`, `align`, `follows`) and in memory (`vstart`, `valign`, `vfollows`). */
export interface Wishes {
  start?: number;
  vstart?: number;
  align?: number;
  valign?: number;
  follows?: string;
  vfollows?: string;
}

/** What the program says of a section in an object file; the rest follows from its name. */
export interface ElfAttributes {
  readonly alloc?: boolean;
  readonly exec?: boolean;
  readonly write?: boolean;
  readonly tls?: boolean;
  readonly merge?: boolean;
  readonly strings?: boolean;
  readonly type?: "progbits" | "nobits" | "note" | "preinit_array" | "init_array" | "fini_array";
  /** Bytes of an entry, and the boundary that entries want. */
  readonly entry?: number;
  readonly entryAlign?: number;
  /** Attributes were written when it was first named; then its name says nothing of its boundary. */
  readonly isDescribed?: boolean;
}

/** A section of the output. Labels are offsets into one until all sizes are known and `start` is given out. */
export class Section {
  readonly name: string;
  /** Has no bytes in the file: `.bss`. */
  readonly nobits: boolean;
  /** The section that was begun before it; undefined for the first and for `.bss`. */
  readonly previous: Section | undefined;
  /** What the program asks for; the rest follows from it. */
  readonly wishes: Wishes = {};
  /** Bytes so far in this pass; after it, the size. */
  size = 0;
  /** Address of the first byte where the program runs; known after the sizes. */
  start = 0;
  /** Address of the first byte if the file is loaded as it is: `section.NAME.start`. Only that differs from `start`. */
  load = 0;
  /** Index of its first byte in the flat binary; undefined if it has none there. */
  position: number | undefined;
  /** Where it is first named; undefined for `.text`, which is always there. */
  definition: { readonly source: SourceLine; readonly span: Span } | undefined;
  /** Stands for `load` in expressions. */
  private mark: Section | undefined;
  /** Stands for a symbol of another file, which has this name. */
  external = false;
  /** What an ELF section is, as far as the program says it. */
  elf: ElfAttributes = {};
  /** Set for what follows `absolute`: labels without bytes, counted from this value. */
  origin: Value | undefined;

  constructor(name: string, nobits: boolean, previous?: Section) {
    this.name = name;
    this.nobits = nobits;
    this.previous = previous;
  }

  /** The greatest boundary asked for counts. Power of two, in bytes. */
  alignTo(boundary: number): void {
    this.wishes.align = Math.max(this.wishes.align ?? 0, boundary);
  }

  /** A base whose address is the place in the file. */
  get loadMark(): Section {
    this.mark ??= new Section(`section.${this.name}.start`, this.nobits);
    this.mark.start = this.load;
    return this.mark;
  }

  place(start: number, load: number): void {
    this.start = start;
    this.load = load;
    if (this.mark) this.mark.start = load;
  }
}
