/** A section of the flat binary. Labels are offsets into one until all sizes are known and `start` is given out. */
export class Section {
  readonly name: string;
  /** Has no bytes in the file: `.bss`. */
  readonly nobits: boolean;
  /** Power of two, in bytes. `.text` starts exactly at the origin. */
  alignment: number;
  /** Bytes so far in this pass; after it, the size. */
  size = 0;
  /** Address of the first byte; known after the sizes. */
  start = 0;

  constructor(name: string, nobits: boolean, alignment: number) {
    this.name = name;
    this.nobits = nobits;
    this.alignment = alignment;
  }
}

const alignUp = (value: number, alignment: number): number => Math.ceil(value / alignment) * alignment;

/** The sections in file order: `.text`, the others as they appeared, then those without bytes. */
export const fileOrder = (sections: Iterable<Section>): Section[] => {
  const all = [...sections];
  return [...all.filter((s) => !s.nobits), ...all.filter((s) => s.nobits)];
};

/** Gives every section its address, as nasm -f bin does: one after the other, each aligned. */
export function placeSections(sections: Iterable<Section>, origin: number): void {
  let next = origin;
  for (const section of fileOrder(sections)) {
    const start = section.name === ".text" ? next : alignUp(next, section.alignment);
    section.start = start;
    // An empty section moves nothing behind it.
    if (section.size > 0) next = start + section.size;
  }
}
