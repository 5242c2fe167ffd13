/** What a boot protocol leaves in memory and registers for the kernel it starts. */
import type { MemoryRange } from "./memory-map.ts";

/** Bytes at a guest-physical address. */
export interface Block {
  readonly address: number;
  readonly bytes: Uint8Array;
}

export interface Handover {
  readonly blocks: readonly Block[];
  readonly registers: { readonly eax?: number; readonly ebx?: number };
}

/** A file loaded beside the kernel, such as an initial RAM disk. */
export interface KernelModule {
  readonly bytes: Uint8Array;
  readonly commandLine: string;
}

/** What a boot protocol tells the kernel. */
export interface Surroundings {
  readonly memory: readonly MemoryRange[];
  readonly commandLine: string;
  readonly modules: readonly (KernelModule & { readonly address: number })[];
}

/** Where the structures lie: low, as boot loaders do, because a kernel's first page tables map little. */
export const handoverAddress = 0x9000;
/** The stack of a boot sector and the structures end below. */
export const handoverEnd = 0x8_0000;

const questionMark = 63;

/** Lays structures one after the other from `handoverAddress` on, each aligned to 8 bytes. */
export class BlockWriter {
  readonly blocks: Block[] = [];
  #next = handoverAddress;

  /** Its address. */
  add(bytes: Uint8Array): number {
    const address = this.#next;
    this.blocks.push({ address, bytes });
    this.#next = (address + bytes.length + 7) & ~7;
    return address;
  }

  /** A text as ISO 8859-1, ended by a zero byte; what that lacks becomes a question mark. */
  text(text: string): number {
    const codes = Array.from(text, (character) => character.codePointAt(0)!);
    return this.add(Uint8Array.from([...codes.map((code) => (code > 255 ? questionMark : code)), 0]));
  }

  /** 32-bit little-endian words. */
  words(words: readonly number[]): number {
    return this.add(new Uint8Array(Uint32Array.from(words).buffer));
  }
}
