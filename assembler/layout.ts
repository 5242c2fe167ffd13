import type { SegmentName } from "../isa/registers.ts";
import { segmentNames } from "../isa/registers.ts";
import { dataLength, hasCount } from "./data.ts";
import { fileBytes } from "./incbin.ts";
import { measureInstruction } from "./instruction.ts";
import { Item } from "./item.ts";
import { limits } from "./limits.ts";
import type { Program } from "./program.ts";
import type { Section } from "./section.ts";
import type { Steps } from "./steps.ts";
import type { StatementTree } from "./tree.ts";
import { isPowerOfTwo, isScalar } from "./value.ts";

type Align = Extract<StatementTree, { kind: "align" }>;

/** Bytes of an item where it stands in this pass. Sizes nobody can know yet are taken as small, and grow later. */
export function measure(item: Item, program: Program): number {
  const { statement } = item;
  if (item.tree.times.length > 0) item.repeat = repetitions(item, program);
  switch (statement?.kind) {
    case undefined:
      item.settled = true;
      return prefixBytes(item).length;
    case "instruction":
      return measureInstruction(item, statement, program);
    case "data": {
      item.settled = item.tree.times.length === 0 && !hasCount(statement.items);
      return limited(item, program, dataLength(statement.items, statement.unit, program) * item.repeat);
    }
    case "file":
      return limited(item, program, fileBytes(item, statement, program).length * item.repeat);
    case "reserve":
      return limited(item, program, reserved(item, statement, program) * item.repeat);
    case "align":
      return measureAlign(item, statement, program);
    default:
      return 0;
  }
}

function limited(item: Item, program: Program, length: number): number {
  if (length <= limits.outputBytes) return length;
  const message = `These are ${length} bytes, more than the ${limits.outputBytes / 1024 / 1024} MiB a guest can have.`;
  program.problems.error("output-too-large", message, item.source, item.tree);
  item.repeat = 0;
  item.settled = true;
  return 0;
}

/** The `times` count; of several, the last. */
function repetitions(item: Item, program: Program): number {
  const expression = item.tree.times.at(-1)!;
  const count = program.critical(expression, "The count of times");
  if (count === undefined) return 0;
  if (count < 0n) {
    program.fault("bad-count", `The count of times is negative (${count}).`, expression);
    return 0;
  }
  if (count <= BigInt(limits.outputBytes)) return Number(count);
  const message = `${count} repetitions are more than the ${limits.outputBytes} bytes a guest can have.`;
  program.problems.error("output-too-large", message, item.source, expression);
  return 0;
}

function reserved(item: Item, statement: Extract<StatementTree, { kind: "reserve" }>, program: Program): number {
  const value = program.evaluate(statement.count);
  if (value.unknown) return 0;
  if (!isScalar(value)) {
    program.fault("not-constant", "The space to reserve must be a constant, not an address.", statement.count);
    return 0;
  }
  if (value.constant < 0n) {
    program.fault("bad-count", `The space to reserve is negative (${value.constant}).`, statement.count);
    return 0;
  }
  if (statement.count.kind === "number" && item.tree.times.length === 0) item.settled = true;
  return Math.min(Number(value.constant), limits.outputBytes + 1) * statement.unit;
}

/** What `align` repeats: one statement per byte of padding. */
export function paddingOf(item: Item, statement: Align): Item {
  const fill = statement.fill?.statement ?? (statement.word.text === "align" ? nop : reserveByte);
  const padding = new Item(
    { ...item.tree, times: [], prefixes: [], statement: fill },
    item.source,
    item.context,
    undefined,
    item.symbols,
  );
  padding.offset = item.offset;
  padding.repeat = item.repeat;
  return padding;
}

const nop: StatementTree = {
  kind: "instruction",
  mnemonic: { text: "nop", start: 0, end: 0 },
  operands: [],
  constant: {},
};
const reserveByte: StatementTree = {
  kind: "reserve",
  word: { text: "resb", start: 0, end: 0 },
  unit: 1,
  count: { kind: "number", value: 1n, start: 0, end: 0 },
};

function measureAlign(item: Item, statement: Align, program: Program): number {
  const boundary = program.critical(statement.boundary, "The boundary of align");
  if (boundary === undefined) return 0;
  if (!isPowerOfTwo(boundary)) {
    program.fault("bad-alignment", `The boundary is ${boundary}; it must be a power of two.`, statement.boundary);
    return 0;
  }
  const size = Number(boundary);
  const { section, alignsSection } = item.context;
  const smart = isSmart(item, statement);
  if (alignsSection || smart) section.alignTo(size);
  const place = item.offset + (section.origin ? Number(section.origin.constant) : 0);
  item.repeat = (size - (place % size)) % size;
  if (smart) return limited(item, program, item.repeat);
  const before = program.item;
  const padding = paddingOf(item, statement);
  program.item = padding;
  const length = measure(padding, program);
  program.item = before;
  return limited(item, program, length);
}

/** Whether the package smartalign says what the room is filled with. */
export const isSmart = ({ context }: Item, { word, fill }: Align): boolean =>
  context.padding !== undefined && word.text === "align" && !fill;

const prefixByteOf: Readonly<Record<string, number>> = {
  lock: 0xf0,
  repne: 0xf2,
  repnz: 0xf2,
  rep: 0xf3,
  repe: 0xf3,
  repz: 0xf3,
};
const segmentBytes = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];

/** Bytes of prefixes on a line of their own. */
export function prefixBytes({ tree, context: { bits } }: Item): number[] {
  if (tree.statement || tree.prefixes.length === 0) return [];
  // FWAIT, as which WAIT is executed, stands before all prefixes.
  const waits = tree.prefixes.some(({ text }) => text === "wait") ? [0x9b] : [];
  const others = tree.prefixes.flatMap(({ text }) => {
    if (text === "wait") return [];
    const byte = prefixByteOf[text] ?? segmentBytes[segmentNames.indexOf(text as SegmentName)];
    if (byte !== undefined) return [byte];
    const size = Number(text.slice(1));
    if (size === bits || (text[0] === "o" && bits === 64 && size === 32)) return [];
    return [text[0] === "o" ? 0x66 : 0x67];
  });
  return [...waits, ...others];
}

/** Passes after which a program that keeps changing is given up; fewer for one so large that they would take minutes. */
const mostPasses = ({ items }: Program): number =>
  Math.max(limits.leastPasses, Math.min(limits.passes, limits.placings / (items.length + 1)));

/**
 * Repeats `pass`, which places all items again and returns the program, until no label moves and no constant changes, as
 * nasm does. False if that never happens.
 */
export function* settle(first: Program, pass: () => Program | Steps<Program>): Steps<boolean> {
  let program = first;
  for (let n = 0; n < mostPasses(program); n++) {
    const before = starts(program.sections.values());
    program.sections.place(program.origin);
    const moved = starts(program.sections.values()) !== before;
    if (n > 0 && !program.changed && !moved) return true;
    program.restart();
    const passed = pass();
    program = "next" in passed ? yield* passed : passed;
    yield;
  }
  return false;
}

const starts = (sections: Iterable<Section>): string =>
  [...sections].map(({ start, load }) => `${start} ${load}`).join();
