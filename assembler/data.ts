import { isFloatSize, isPackedDecimal } from "./float.ts";
import { limits } from "./limits.ts";
import type { Program } from "./program.ts";
import type { DataItem, Expression, Span } from "./tree.ts";

/** A value of data at its place: what `dup`, lists and sizes stand for. */
export interface Datum {
  readonly item: Exclude<DataItem, { kind: "sized" } | { kind: "list" }>;
  /** Bytes per unit. */
  readonly unit: number;
}

/** How often a list is repeated; 0 if that is wrong, which is reported. */
function countOf(count: Expression | undefined, program: Program): number {
  if (!count) return 1;
  const value = program.critical(count, "The count of dup");
  if (value === undefined) return 0;
  if (value < 0n) program.fault("bad-count", `The count of dup is negative (${value}).`, count);
  else if (value <= BigInt(limits.outputBytes)) return Number(value);
  else {
    const message = `${value} repetitions are more than the ${limits.outputBytes} bytes a guest can have.`;
    program.fault("output-too-large", message, count);
  }
  return 0;
}

/** Bytes of a list of data. A string fills whole units; everything else is one unit. */
export function dataLength(items: readonly DataItem[], unit: number, program: Program): number {
  let length = 0;
  for (const item of items) {
    if (item.kind === "string") length += Math.ceil(item.bytes.length / unit) * unit;
    else if (item.kind === "sized") length += dataLength([item.item], item.unit, program);
    else if (item.kind === "list") length += countOf(item.count, program) * dataLength(item.items, unit, program);
    else length += unit;
  }
  return length;
}

/** True if the length may depend on a symbol. */
export const hasCount = (items: readonly DataItem[]): boolean =>
  items.some((item) => (item.kind === "sized" ? hasCount([item.item]) : item.kind === "list"));

/** True if nothing is stored: `?` only. */
export const isUninitialized = (items: readonly DataItem[]): boolean =>
  items.length > 0 &&
  items.every((item) =>
    item.kind === "sized"
      ? isUninitialized([item.item])
      : item.kind === "list"
        ? isUninitialized(item.items)
        : item.kind === "uninitialized",
  );

/** Writes each value of a list where it belongs; a repeated part is written once and copied, unless `each` is true. */
export function fillData(
  items: readonly DataItem[],
  unit: number,
  program: Program,
  bytes: Uint8Array,
  start: number,
  write: (datum: Datum, at: number) => void,
  each = false,
): number {
  let at = start;
  for (const item of items) {
    if (item.kind === "sized") at = fillData([item.item], item.unit, program, bytes, at, write, each);
    else if (item.kind === "list") {
      const count = countOf(item.count, program);
      const once = count > 0 ? fillData(item.items, unit, program, bytes, at, write, each) - at : 0;
      if (each) for (let n = 1; n < count; n++) fillData(item.items, unit, program, bytes, at + n * once, write, each);
      else repeat(bytes, at, once, count);
      at += once * count;
    } else {
      write({ item, unit }, at);
      at += item.kind === "string" ? Math.ceil(item.bytes.length / unit) * unit : unit;
    }
  }
  return at;
}

/** Copies a part behind itself until it is there `count` times. */
export function repeat(bytes: Uint8Array, start: number, length: number, count: number): void {
  const total = length * count;
  for (let done = length; done > 0 && done < total; ) {
    const more = Math.min(done, total - done);
    bytes.copyWithin(start + done, start, start + more);
    done += more;
  }
}

/** Why a value cannot be stored in a unit; undefined if it can. */
export function unitFault({ item, unit }: Datum): (Span & { readonly message: string }) | undefined {
  const { start, end } = item;
  if (item.kind === "float" && isPackedDecimal(item.text) && unit !== 10)
    return { message: "Packed decimal numbers have ten bytes: use dt.", start, end };
  if (item.kind === "float" && !isFloatSize(unit))
    return { message: `There are no floating-point numbers of ${unit} bytes.`, start, end };
  if (unit > 8 && item.kind !== "float" && item.kind !== "string" && item.kind !== "uninitialized")
    return { message: `Whole numbers have at most 64 bits, not ${unit * 8}: use dq, or a string.`, start, end };
  return undefined;
}
