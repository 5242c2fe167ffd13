import type { Bits } from "../../isa/operands.ts";
import { forms } from "../../isa/table.ts";
import { pseudoRandom } from "./generated-lines.ts";

/** Longer than any instruction. */
const length = 16;

const prefixes = [0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
const mapBytes = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];

/** Opcodes of the table with the bytes that belong to them. */
const opcodes: readonly (readonly number[])[] = forms.map(({ pattern: { map, opcode, prefix } }) => [
  ...(prefix ? [prefix] : []),
  ...mapBytes[map]!,
  opcode,
]);

/**
 * Strings of 16 bytes: a third uniform, a third behind prefixes, a third with opcodes of the table or VEX behind them.
 * The same in every run.
 */
export function* randomStrings(bits: Bits, count: number): Generator<Uint8Array> {
  const source = pseudoRandom(bits);
  const below = (limit: number): number => Math.floor(source.next().value * limit);
  const of = <T>(list: readonly T[]): T => list[below(list.length)]!;
  for (let n = 0; n < count; n++) {
    const bytes = Array.from({ length }, () => below(256));
    const before = n % 3 === 0 ? [] : Array.from({ length: below(4) }, () => of(prefixes));
    // A REX prefix, in the modes that have none INC or DEC.
    if (n % 3 !== 0 && below(2) === 0) before.push(0x40 + below(16));
    const opcode = n % 3 !== 2 ? [] : below(8) === 0 ? vex(below) : of(opcodes);
    yield Uint8Array.from([...before, ...opcode, ...bytes].slice(0, length));
  }
}

/** The two- or three-byte prefix, mostly of a map that exists. */
function vex(below: (limit: number) => number): number[] {
  if (below(3) === 0) return [0xc5, below(256)];
  return [0xc4, (below(8) << 5) | (below(4) === 0 ? below(32) : 1 + below(3)), below(256)];
}
