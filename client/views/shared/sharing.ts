import type { LocatedEvent } from "../../../debug-adapter/protocol.ts";

type SourceLine = NonNullable<LocatedEvent["source"]>;

/** Different values that are remembered: more of them are hardly worth it. */
const most = 20_000;

/** Of values that are the same one is kept, for events say the same again and again, each in words of its own. */
export class Sharing {
  readonly #texts = new Map<string, string>();
  readonly #others = new Map<string, object>();

  text(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size < most) this.#texts.set(text, text);
    return text;
  }

  /** The source line of an instruction, by its address. */
  source(rip: string, source: SourceLine): SourceLine {
    return this.value(`line ${rip}`, source, (one, other) => one.line === other.line && one.uri === other.uri);
  }

  /** @param key tells values apart that are not the same, together with `same` */
  value<T extends object>(key: string, value: T, same: (one: T, other: T) => boolean): T {
    const known = this.#others.get(key) as T | undefined;
    if (known && same(known, value)) return known;
    if (this.#others.size < most) this.#others.set(key, value);
    return value;
  }
}

/** Whether two lists have the same in the same order. */
export const sameItems = <T>(
  one: readonly T[],
  other: readonly T[],
  same: (a: T, b: T) => boolean = Object.is,
): boolean => one.length === other.length && one.every((item, n) => same(item, other[n]!));
