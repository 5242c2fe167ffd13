import { putAddresses } from "./dependence.ts";
import type { Item } from "./item.ts";
import type { Program } from "./program.ts";
import type { Section } from "./section.ts";

/** Items that lie behind one another in the contents made before, and do so still. */
interface Stretch {
  readonly section: Section;
  /** In the contents made before, and in those of now. */
  readonly from: number;
  readonly to: number;
  end: number;
}

/**
 * The bytes of all sections. After an edit, what is there from before is copied in large parts, and then only the
 * addresses in it are written anew.
 */
export class Contents {
  private made = new Map<Section, Uint8Array>();
  private edition = -1;

  of(program: Program, edition: number): ReadonlyMap<Section, Uint8Array> {
    if (edition === this.edition) return this.made;
    const contents = new Map<Section, Uint8Array>();
    for (const section of program.sections.values())
      contents.set(section, new Uint8Array(section.nobits ? 0 : section.size));
    this.fill(contents, program.items);
    this.made = contents;
    this.edition = edition;
    return contents;
  }

  private fill(contents: ReadonlyMap<Section, Uint8Array>, items: readonly Item[]): void {
    let stretch: Stretch | undefined;
    const news: Item[] = [];
    const followers: Item[] = [];
    for (const item of items) {
      if (item.parts.length === 0) continue;
      const { offset, stored } = item;
      const { section } = item.context;
      if (item.dependence !== "none") followers.push(item);
      item.stored = offset;
      if (stored === undefined) news.push(item);
      else if (stretch?.section === section && stored - stretch.from === offset - stretch.to && offset >= stretch.end)
        stretch.end = offset + item.length;
      else {
        this.copy(stretch, contents);
        stretch = { section, from: stored, to: offset, end: offset + item.length };
      }
    }
    this.copy(stretch, contents);
    for (const item of news) {
      const target = contents.get(item.context.section);
      for (const { bytes, offset, length } of item.parts)
        if (bytes) target?.set(bytes, offset);
        else target?.fill(0, offset, offset + length);
    }
    for (const item of followers) {
      const target = contents.get(item.context.section);
      if (target && target.length > 0) putAddresses(item, target, item.offset);
    }
  }

  private copy(stretch: Stretch | undefined, contents: ReadonlyMap<Section, Uint8Array>): void {
    if (!stretch) return;
    const { section, from, to, end } = stretch;
    const before = this.made.get(section);
    if (before && !section.nobits) contents.get(section)?.set(before.subarray(from, from + end - to), to);
  }
}
