/** Numbers by which a client asks where the thing that a value points to is in the sources. */
import type { Emitted } from "../assembler/interface.ts";
import type { Coordinates } from "./coordinates.ts";
import { itemAt, type Program } from "./program.ts";
import { Refusal } from "./requests.ts";

/** A piece of a line of a source, 0-based. */
export type Range = Emitted["range"];

/** Places in sources that have been given a number; they keep it as long as the session lasts. */
export class Locations {
  readonly #numbers = new Map<string, number>();
  readonly #ranges: Range[] = [];

  /** The number of the place of what a linear address holds, as a field of an answer; no field where no source tells. */
  of(program: Program, linear: bigint | undefined): { readonly valueLocationReference?: number } {
    const range = linear === undefined ? undefined : itemAt(program, linear)?.range;
    if (!range) return {};
    const key = `${range.line}:${range.start}:${range.file}`;
    const known = this.#numbers.get(key) ?? this.#ranges.push(range);
    this.#numbers.set(key, known);
    return { valueLocationReference: known };
  }

  /** The place with a number. @throws Refusal if none has it */
  at(number: number): Range {
    const range = this.#ranges[number - 1];
    if (!range) throw new Refusal(`No place in a source has the number ${number} in this session.`);
    return range;
  }
}

/** A range as a client counts. */
export const rangeBody = ({ line, start, end }: Range, coordinates: Coordinates) => ({
  line: coordinates.line(line),
  column: coordinates.column(start),
  endLine: coordinates.line(line),
  endColumn: coordinates.column(end),
});
