import type { HostMemory } from "../../vmx/host-memory.ts";

/** What a frame is used as. All but `none` exclude each other, and are counted (Barham et al., SOSP 2003, section 3.3.3). */
export const frameTypes = [
  "none",
  "l1 page table",
  "l2 page table",
  "l3 page table",
  "l4 page table",
  "descriptor table",
  "shared",
  "writable",
  /** Has Xen's own entries beside the guest's: the last of the four that a 32-bit guest has. */
  "l2 page table with Xen's slots",
] as const;
export type FrameType = (typeof frameTypes)[number];

export const owners = ["Xen", "guest", "nobody", "device"] as const;
export type Owner = (typeof owners)[number];

const allocated = 0x8000_0000;
const ownerShift = 29;
const typeShift = 28;
const pinned = 0x0800_0000;
const validated = 0x0400_0000;
const countMask = 0x00ff_ffff;
const entryBytes = 8;

/**
 * What Xen knows of each machine frame, eight bytes in its memory: owner, references, type, uses as that type, whether it is
 * pinned, and whether its content has been validated for its type.
 */
export class FrameTable {
  /** The machine frames that it covers: from `first` on, before `end`. */
  readonly first: number;
  readonly end: number;
  readonly #memory: HostMemory;
  /** Where the entry of frame 0 would be. */
  readonly #base: number;

  static bytes(frames: number): number {
    return frames * entryBytes;
  }

  constructor(memory: HostMemory, base: number, { first, end }: { readonly first: number; readonly end: number }) {
    this.#memory = memory;
    this.#base = base - first * entryBytes;
    this.first = first;
    this.end = end;
  }

  exists(frame: number): boolean {
    return frame >= this.first && frame < this.end;
  }

  #general(frame: number): number {
    return this.#memory.read32(this.#base + frame * entryBytes);
  }
  #setGeneral(frame: number, word: number): void {
    this.#memory.write32(this.#base + frame * entryBytes, word >>> 0);
  }
  #use(frame: number): number {
    return this.#memory.read32(this.#base + frame * entryBytes + 4);
  }
  #setUse(frame: number, word: number): void {
    this.#memory.write32(this.#base + frame * entryBytes + 4, word >>> 0);
  }

  /** Gives a frame to an owner, with no type and, for the guest, the one reference of its being allocated. */
  assign(frame: number, owner: Owner): void {
    const guests = owner === "guest";
    this.#setGeneral(frame, (guests ? allocated : 0) | (owners.indexOf(owner) << ownerShift) | (guests ? 1 : 0));
    this.#setUse(frame, 0);
  }

  owner(frame: number): Owner {
    return owners[(this.#general(frame) >>> ownerShift) & 3]!;
  }
  /** The guest has not given it back. */
  isAllocated(frame: number): boolean {
    return (this.#general(frame) & allocated) !== 0;
  }
  references(frame: number): number {
    return this.#general(frame) & countMask;
  }
  addReference(frame: number): void {
    this.#setGeneral(frame, this.#general(frame) + 1);
  }
  /** True: that was the last one, and the frame is nobody's now. */
  dropReference(frame: number): boolean {
    const word = this.#general(frame) - 1;
    if ((word & countMask) !== 0) {
      this.#setGeneral(frame, word);
      return false;
    }
    this.assign(frame, "nobody");
    return true;
  }
  /** The guest gives it back: the reference of its being allocated is dropped. */
  release(frame: number): boolean {
    this.#setGeneral(frame, this.#general(frame) & ~allocated);
    return this.dropReference(frame);
  }

  type(frame: number): FrameType {
    return frameTypes[this.#use(frame) >>> typeShift]!;
  }
  uses(frame: number): number {
    return this.#use(frame) & countMask;
  }
  /** A frame that is not used as anything gets a type; its content is yet to be validated. */
  setType(frame: number, type: FrameType): void {
    this.#setUse(frame, frameTypes.indexOf(type) << typeShift);
  }
  addUse(frame: number): void {
    this.#setUse(frame, this.#use(frame) + 1);
  }
  dropUse(frame: number): number {
    this.#setUse(frame, this.#use(frame) - 1);
    return this.uses(frame);
  }
  isPinned(frame: number): boolean {
    return (this.#use(frame) & pinned) !== 0;
  }
  setPinned(frame: number, value: boolean): void {
    this.#setUse(frame, value ? this.#use(frame) | pinned : this.#use(frame) & ~pinned);
  }
  isValidated(frame: number): boolean {
    return (this.#use(frame) & validated) !== 0;
  }
  setValidated(frame: number, value: boolean): void {
    this.#setUse(frame, value ? this.#use(frame) | validated : this.#use(frame) & ~validated);
  }
}
