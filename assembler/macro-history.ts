import type { LinePlace } from "./source.ts";

/** Whether single-line macros keep one meaning, and from which line of the main file on they have it. */
export class MacroHistory {
  private readonly definitions = new Map<string, { count: number; readonly place: LinePlace | undefined }>();
  /** The line being read; undefined before the first. */
  place: LinePlace | undefined;
  /** Names that were looked up and are or were macros, if someone wants to know. */
  asked: Set<string> | undefined;

  /** The name is given a meaning, or loses it. */
  change(name: string): void {
    const key = name.toLowerCase();
    const known = this.definitions.get(key);
    if (known) known.count++;
    else this.definitions.set(key, { count: 1, place: this.place });
  }

  /** The name is looked up. */
  ask(name: string): void {
    if (this.asked && this.has(name)) this.asked.add(name);
  }

  /** The word is or was the name of a macro somewhere. */
  has(word: string): boolean {
    return this.definitions.has(word.toLowerCase());
  }

  /** The macro means at a line what it means at the end. */
  isFixedAt(name: string, { line }: LinePlace): boolean {
    const known = this.definitions.get(name.toLowerCase());
    return known?.count === 1 && (known.place === undefined || known.place.line < line);
  }
}
