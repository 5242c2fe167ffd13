import type { Assembly } from "../assembler/index.ts";

/** Digits of an address or value. */
const digits = 16;

/** The labels and constants of a program, a line each, by value: value, kind, name and where it is defined. */
export function symbolList({ symbols }: Assembly): string {
  const known = [...symbols.values()].filter(({ kind, value }) => kind !== "define" && value !== undefined);
  const unsigned = (value: bigint | undefined) => BigInt.asUintN(64, value ?? 0n);
  const order = known.toSorted((a, b) => {
    const [first, second] = [unsigned(a.value), unsigned(b.value)];
    return first < second ? -1 : first > second ? 1 : 0;
  });
  return order
    .map(({ name, kind, value, range }) => {
      const address = unsigned(value).toString(16).toUpperCase().padStart(digits, "0");
      return `${address} ${kind.padEnd(5)} ${name} ${range.file}:${range.line + 1}\n`;
    })
    .join("");
}
