import { branchKind } from "./instruction.ts";
import type { Item } from "./item.ts";
import type { Program } from "./program.ts";
import { expressionOf } from "./relocations.ts";
import { Section } from "./section.ts";
import type { SymbolEntry } from "./symbols.ts";
import type { DataItem, Expression, InstructionTree } from "./tree.ts";
import { resolved, sectionOf } from "./value.ts";

/** A field of an item that holds one address, or the distance to one, and changes with it and nothing else. */
export interface Fixup {
  /** Where the field is in the item; bytes, and how many. */
  readonly at: number;
  readonly bytes: number;
  /** What the address counts from; undefined for the item's own. */
  readonly symbol: SymbolEntry | undefined;
  readonly addend: number;
  /** The field counts from the end of the item. */
  readonly relative: boolean;
}

/**
 * What the bytes and the problems of an item have to do with addresses: nothing; the bytes hold some, in these fields; or
 * they must be made again whenever something moves.
 */
export type Dependence = "none" | readonly Fixup[] | "watched";

/** True if the length of an item has nothing to do with addresses: all its symbols are constants. */
export const isFixed = ({ symbols, tree, statement }: Item): boolean =>
  symbols.length > 0 &&
  !tree.usesPlace &&
  symbols.every((entry) => entry.isFixed) &&
  statement?.kind !== "align" &&
  !(statement?.kind === "instruction" && branchKind(statement.mnemonic.text));

/** A constant of constants. One that uses a constant further down is not known as such, which costs only time. */
export function isFixedConstant({ statement, symbols, tree }: Item): boolean {
  return statement?.kind === "equ" && !tree.usesPlace && symbols.every((entry) => entry.isFixed);
}

/** Found out when the item has been emitted. */
export function dependenceOf(item: Item, program: Program): Dependence {
  const { statement } = item;
  if (item.again) return "watched";
  const isConstant = statement?.kind === "instruction" && item.encoding !== undefined;
  if (isConstant || !statement) return "none";
  const isFree = item.symbols.length === 0 && !item.tree.usesPlace;
  if (statement.kind === "instruction") return instructionFixups(item, statement, program) ?? "watched";
  if (isFree || isFixed(item) || statement.kind === "equ") return "none";
  if (statement.kind === "reserve") return "none";
  return (statement.kind === "data" && dataFixups(item, statement.items, statement.unit, program)) || "watched";
}

/** The one symbol or `$` that an expression has apart from constants; "none" without any, undefined if it has several. */
function movingPart(expression: Expression, item: Item): Moving {
  switch (expression.kind) {
    case "number":
    case "string":
    case "register":
    case "float-bits":
      return "none";
    case "here":
      return "here";
    case "section-start":
    case "wrt":
      return undefined;
    case "symbol": {
      const entry = item.symbols[expression.slot];
      return entry?.isFixed ? "none" : entry;
    }
    case "unary":
      return movingPart(expression.operand, item);
    case "binary": {
      // Long sums lean to the left.
      let moving: Moving = "none";
      let left: Expression = expression;
      for (; left.kind === "binary"; left = left.left) moving = one(moving, movingPart(left.right, item));
      return one(moving, movingPart(left, item));
    }
    case "conditional":
      return movingPart(expression.condition, item) === "none"
        ? one(movingPart(expression.yes, item), movingPart(expression.no, item))
        : undefined;
  }
}

type Moving = SymbolEntry | "here" | "none" | undefined;
const one = (a: Moving, b: Moving): Moving => (a === "none" ? b : b === "none" ? a : undefined);

/** The field of an expression; "none" if it is constant, undefined if it does not simply hold one address. */
function fixup(
  expression: Expression,
  field: Pick<Fixup, "at" | "bytes" | "relative">,
  item: Item,
  program: Program,
): Fixup | "none" | undefined {
  const moving = movingPart(expression, item);
  if (moving === "none" && !field.relative) return "none";
  if (moving === undefined || moving === "none") return undefined;
  program.item = item;
  const value = program.evaluate(expression);
  program.item = undefined;
  if (value.unknown || !(sectionOf(value) instanceof Section)) return undefined;
  const symbol = moving === "here" ? undefined : moving;
  // What follows `absolute` moves with the value it counts from.
  if ((symbol?.place?.section ?? item.context.section).origin) return undefined;
  return { ...field, symbol, addend: Number(resolved(value)) - addressOf(symbol, item) };
}

const addressOf = (symbol: SymbolEntry | undefined, { context: { section }, offset }: Item): number => {
  if (!symbol) return section.start + offset;
  const { place } = symbol;
  return place ? place.section.start + place.offset : Number(symbol.value ? resolved(symbol.value) : 0n);
};

function instructionFixups(item: Item, tree: InstructionTree, program: Program): Dependence | undefined {
  const { parts, symbols, reach } = item;
  const [part] = parts;
  if (parts.length !== 1 || !part || item.repeat !== 1) return undefined;
  const fixups: Fixup[] = [];
  let covered = 0;
  for (const field of part.fields) {
    const found = fixup(expressionOf(tree, field), field, item, program);
    // What has to fit in a byte may no longer do so after a move; only a jump then becomes another.
    if (!found || (found !== "none" && found.bytes < 2 && !reach)) return undefined;
    if (found !== "none") fixups.push(found);
    const { start, end } = expressionOf(tree, field);
    covered += item.tree.symbols.filter((use) => use.start >= start && use.end <= end).length;
  }
  if (covered < symbols.length) return undefined;
  if (fixups.length === 0) return "none";
  return fixups.every((one) => isSame(one, item)) ? fixups : undefined;
}

function dataFixups(item: Item, items: readonly DataItem[], size: number, program: Program): Dependence | undefined {
  const [part] = item.parts;
  if (item.repeat !== 1 || item.tree.times.length > 0 || !part) return undefined;
  const fixups: Fixup[] = [];
  let at = 0;
  for (const one of items) {
    const [unit, datum] = one.kind === "sized" ? [one.unit, one.item] : [size, one];
    if (datum.kind === "list" || datum.kind === "sized") return undefined;
    if (datum.kind === "string") at += Math.ceil(datum.bytes.length / unit) * unit;
    else {
      if (datum.kind !== "float" && datum.kind !== "uninitialized") {
        const found = fixup(datum, { at, bytes: unit, relative: false }, item, program);
        if (!found) return undefined;
        if (found !== "none") fixups.push(found);
      }
      at += unit;
    }
  }
  return fixups.every((one) => isSame(one, item)) ? fixups : undefined;
}

/** What the field should hold now, as a whole number of any size. */
function fieldValue({ symbol, addend, relative }: Fixup, item: Item): number {
  const value = addressOf(symbol, item) + addend;
  return relative ? value - item.context.section.start - item.offset - item.length : value;
}

/** The address that the one relative field of an item counts to; undefined where that is not simply a label's. */
export function writtenTarget(item: Item): number | undefined {
  const { dependence } = item;
  if (typeof dependence === "string") return undefined;
  const [only, ...others] = dependence;
  return only?.relative && others.length === 0 ? addressOf(only.symbol, item) + only.addend : undefined;
}

/** The bytes that the item has say the same. */
function isSame(one: Fixup, item: Item): boolean {
  const bytes = item.parts[0]?.bytes;
  if (!bytes) return false;
  const copy = bytes.slice();
  putField(copy, one.at, one.bytes, fieldValue(one, item));
  return copy.every((byte, n) => byte === bytes[n]);
}

/** Writes the addresses of now into the bytes of an item, which begin at `start` of the target. */
export function putAddresses(item: Item, target: Uint8Array, start: number): void {
  const { dependence } = item;
  if (typeof dependence === "string") return;
  for (const fixup of dependence) putField(target, start + fixup.at, fixup.bytes, fieldValue(fixup, item));
}

/** Writes the low `bytes` bytes of a whole number. */
function putField(target: Uint8Array, at: number, bytes: number, value: number): void {
  let rest = value;
  for (let n = 0; n < bytes; n++) {
    target[at + n] = rest & 255;
    rest = Math.floor(rest / 256);
  }
}
