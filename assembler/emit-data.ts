import { type Datum, dataLength, fillData, repeat, unitFault } from "./data.ts";
import { floatBytes, isPackedDecimal, lostFloat } from "./float.ts";
import type { Item } from "./item.ts";
import type { ProblemList } from "./problems.ts";
import type { Program } from "./program.ts";
import type { Expression, StatementTree } from "./tree.ts";
import { distantBase, registersOf, resolved, sectionOf } from "./value.ts";

type DataTree = Extract<StatementTree, { kind: "data" }>;

/** The bytes of data, all repetitions together. `each` is told of every value that is a number, and where it is. */
export function dataBytes(
  item: Item,
  { items, unit, word }: DataTree,
  program: Program,
  problems: ProblemList,
  each: ((datum: Expression, unit: number, at: number) => void) | undefined,
): Uint8Array {
  const once = dataLength(items, unit, program);
  const bytes = new Uint8Array(once * item.repeat);
  const numbers: { readonly datum: Expression; readonly unit: number; readonly at: number }[] = [];
  const write = (datum: Datum, at: number) => {
    const expression = writeDatum(item, datum, bytes, at, program, problems);
    if (each && expression) numbers.push({ datum: expression, unit: datum.unit, at });
  };
  fillData(items, unit, program, bytes, 0, write, each !== undefined);
  repeat(bytes, 0, once, item.repeat);
  if (items.length === 0 && item.tree.problems.length === 0)
    problems.warning("no-data", `“${word.text}” without a value stores nothing.`, item.source, word);
  for (let n = 0; n < item.repeat && numbers.length > 0; n++)
    for (const { datum, unit: size, at } of numbers) each?.(datum, size, n * once + at);
  return bytes;
}

/** Writes one value; gives it back if it is a number. */
function writeDatum(
  item: Item,
  datum: Datum,
  bytes: Uint8Array,
  at: number,
  program: Program,
  problems: ProblemList,
): Expression | undefined {
  const { item: value, unit } = datum;
  const wrong = unitFault(datum);
  if (wrong) problems.error("bad-data-size", wrong.message, item.source, wrong);
  else if (value.kind === "string") bytes.set(value.bytes, at);
  else if (value.kind === "uninitialized") reportZeros(item, problems);
  else if (value.kind === "float") {
    const { bytes: packed, overflow, isLost } = floatBytes(value.text, value.negative, unit, item.context.floatMode);
    const became = isPackedDecimal(value.text) ? "its upper digits are dropped" : "it becomes an infinity";
    const message = `${value.text} is too large for ${unit} bytes: ${became}.`;
    if (isLost) problems.error("value-out-of-range", lostFloat(value.text), item.source, value);
    else if (overflow) problems.warning("value-out-of-range", message, item.source, value);
    bytes.set(packed, at);
  } else writeNumber(item, value, bytes, at, unit, program, problems);
  const isNumber = value.kind !== "string" && value.kind !== "float" && value.kind !== "uninitialized";
  return isNumber ? value : undefined;
}

/** Reserved space in a section with bytes. */
export function reportZeros(item: Item, problems: ProblemList): void {
  const message = `Space reserved in ${item.context.section.name} is zeros in the file; in .bss it would take no room.`;
  problems.add({ code: "reserve-in-file", severity: "information", message, range: item.range }, item.source);
}

function writeNumber(
  item: Item,
  datum: Expression,
  bytes: Uint8Array,
  at: number,
  unit: number,
  program: Program,
  problems: ProblemList,
): void {
  const value = program.evaluate(datum);
  if (value.unknown) return;
  const fault = (code: string, message: string) => problems.error(code, message, item.source, datum);
  const isDistance = distantBase(value, item.context.section) !== undefined;
  if (registersOf(value).length > 0) fault("register-arithmetic", "A register is no constant.");
  else if (sectionOf(value) === false && !isDistance)
    fault("not-relocatable", "This is neither a constant nor a label plus a constant.");
  const final = resolved(value);
  if (value.terms.length === 0 && overflows(final, unit)) {
    const message = `${final} does not fit in ${unit === 1 ? "a byte" : `${unit} bytes`}; its upper bits are dropped.`;
    problems.warning("value-out-of-range", message, item.source, datum);
  }
  let rest = BigInt.asUintN(64, final);
  for (let n = 0; n < unit; n++) {
    bytes[at + n] = Number(rest & 255n);
    rest >>= 8n;
  }
}

/** Neither a signed nor an unsigned number of that many bytes. */
function overflows(value: bigint, bytes: number): boolean {
  if (bytes >= 8) return false;
  const bits = BigInt(bytes * 8);
  return value < -(1n << (bits - 1n)) || value >= 1n << bits;
}
