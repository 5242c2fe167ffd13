import { type Encoding, type Refusal, select } from "../isa/encode.ts";
import type { Statement, WrittenOperand } from "../isa/statement.ts";
import { rowsOf } from "../isa/table.ts";
import type { Environment } from "./expression.ts";
import { type FloatMode, plainFloat } from "./float.ts";
import type { Context, Item } from "./item.ts";
import { limits } from "./limits.ts";
import type { Program } from "./program.ts";
import type { InstructionTree, OperandTree, Span, Word } from "./tree.ts";
import type { Value } from "./value.ts";
import { type Conversion, writtenOperand, writtenPrefixes } from "./written.ts";

interface BranchKind {
  readonly short: boolean;
  readonly near: boolean;
}

const branches = new Map<string, BranchKind | undefined>();

/** Which relative forms a mnemonic has; undefined if it is no branch. */
export function branchKind(mnemonic: string): BranchKind | undefined {
  if (branches.has(mnemonic)) return branches.get(mnemonic);
  const rows = rowsOf(mnemonic);
  // A word that is no instruction is any word: nothing is kept of it.
  if (rows.length === 0) return undefined;
  const widths = rows.flatMap((row) => row.operands.filter((o) => o.kind === "relative").map((o) => o.width));
  const kind = widths.length > 0 ? { short: widths.includes(8), near: widths.some((width) => width !== 8) } : undefined;
  branches.set(mnemonic, kind);
  return kind;
}

class ItemConversion implements Conversion {
  readonly context: Context;
  readonly branch: boolean;
  readonly flat: boolean;
  failed = false;
  private readonly program: Environment;

  constructor(program: Program, context: Context, branch: boolean) {
    this.program = program;
    this.flat = program.format === "bin";
    this.context = context;
    this.branch = branch;
  }
  symbol(slot: number): Value | undefined {
    return this.program.symbol(slot);
  }
  wrtFault(base: string): string | undefined {
    return this.program.wrtFault(base);
  }
  get floatMode(): FloatMode {
    return this.program.floatMode;
  }
  here(): Value {
    return this.program.here();
  }
  sectionStart(): Value {
    return this.program.sectionStart();
  }
  fault(code: string, message: string, span: Span): void {
    this.failed = true;
    this.program.fault(code, message, span);
  }
}

/** What the codec is asked for an item; undefined if an operand is wrong, which has been reported. */
function statementOf(item: Item, tree: InstructionTree, program: Program): Statement | undefined {
  const mnemonic = tree.mnemonic.text;
  const conversion = new ItemConversion(program, item.context, branchKind(mnemonic) !== undefined);
  const prefixes = writtenPrefixes([...item.tree.prefixes, ...addressPrefixes(tree)], conversion);
  const operands: WrittenOperand[] = [];
  for (const operand of tree.operands) {
    const written = writtenOperand(operand, conversion);
    if (written) operands.push(written);
  }
  if (prefixes?.segment && operands.some((operand) => operand.kind === "memory" && operand.segment))
    conversion.fault(
      "prefix-not-allowed",
      "The segment is given twice: before the instruction and in the brackets.",
      tree.mnemonic,
    );
  if (conversion.failed || operands.length < tree.operands.length) return undefined;
  return prefixes ? { mnemonic, operands, prefixes } : { mnemonic, operands };
}

const none: readonly Word[] = [];

/** A16, A32 and A64 inside brackets mean the same as before the instruction. */
function addressPrefixes({ operands }: InstructionTree): readonly Word[] {
  const memory = operands.find((operand) => operand.kind === "memory");
  if (!memory?.addressWords.some((word) => /^a\d/.test(word))) return none;
  const words = memory.addressWords.filter((word) => /^a\d/.test(word));
  return words.map((text) => ({ text, start: memory.start, end: memory.end }));
}

/** True if the bytes depend on where the program stands or on a symbol. */
function depends(item: Item, tree: InstructionTree, { operands }: Statement): boolean {
  if (item.symbols.length > 0 || item.tree.usesPlace) return true;
  return (
    operands.some((o) => (o.kind === "memory" ? o.relative === true : o.kind === "number")) &&
    (branchKind(tree.mnemonic.text) !== undefined || operands.some((o) => o.kind === "memory" && o.relative))
  );
}

/**
 * The encoding of an instruction at an address, for one repetition; undefined if an operand is wrong. An encoding that
 * depends on nothing is kept in the item.
 */
function encodeAt(item: Item, tree: InstructionTree, program: Program): Encoding | Refusal | undefined {
  const { bits, relative, floatMode, section } = item.context;
  if (item.encoding) return item.encoding;
  // With `default rel` or `float` the same text means something else, so only the usual case is shared.
  const shared = !relative && floatMode === plainFloat && item.tree.prefixes.length === 0;
  const known = shared ? tree.constant[bits] : undefined;
  if (known) {
    item.encoding = known;
    return known;
  }
  const statement = statementOf(item, tree, program);
  if (!statement) return undefined;
  const encoding = select(statement, { bits, address: BigInt(section.start + item.offset) });
  if (!depends(item, tree, statement)) {
    item.encoding = encoding;
    if (shared) tree.constant[bits] = encoding;
  } else if (encoding.kind === "encoding") {
    item.settled = item.repeat === 1 && isSettled(item, tree, statement);
    if (isPlainJump(item, tree)) item.reach = encoding.row.operands[0]?.width === 8 ? "short" : "near";
  }
  return encoding;
}

/** A jump with a short and a near form, to a label and nothing more. */
function isPlainJump({ tree: line, repeat }: Item, { mnemonic, operands: [target, more] }: InstructionTree): boolean {
  if (target?.kind !== "value" || target.value.kind !== "symbol" || target.words.length > 0 || more) return false;
  const branch = branchKind(mnemonic.text);
  return branch?.short === true && branch.near && line.prefixes.length === 0 && repeat === 1;
}

/** Bytes of a short jump: opcode and distance. */
export const shortJump = 2;

const nearLengths = new Map<string, number>();

/** Bytes of the long form of a jump to a label. */
export function nearLength({ statement, context: { bits } }: Item): number {
  const mnemonic = statement?.kind === "instruction" ? statement.mnemonic.text.toLowerCase() : "";
  const key = `${mnemonic} ${bits}`;
  let length = nearLengths.get(key);
  if (length === undefined) {
    const operands = [{ kind: "number", value: 0x4000n, relocatable: true }] as const;
    const encoding = select({ mnemonic, operands }, { bits, address: 0n });
    length = encoding.kind === "encoding" ? encoding.bytes.length : 0;
    nearLengths.set(key, length);
  }
  return length;
}

/** True if a jump that was measured before has the same length now; most passes ask nothing more of most jumps. */
function keepsLength({ reach, symbols: [target], context: { section }, offset }: Item): boolean {
  const place = reach && target?.offsetIn(section);
  if (place === undefined) return false;
  const distance = place - offset - shortJump;
  return (distance >= -128 && distance <= 127) === (reach === "short");
}

/** True if the length cannot change any more: all that is still to move are addresses in fields of fixed width. */
function isSettled(item: Item, tree: InstructionTree, { operands }: Statement): boolean {
  if (item.tree.times.length > 0) return false;
  const branch = branchKind(tree.mnemonic.text);
  return operands.every((operand, n) => {
    if (operand.kind === "register") return true;
    if (operand.kind === "far") return operand.offset !== undefined && operand.selector !== undefined;
    const known = operand.kind === "memory" ? operand.displacement : operand.value;
    if (known === undefined) return false;
    if (operand.kind === "number" && branch) return !(branch.short && branch.near) && operand.relocatable === true;
    return operand.relocatable === true || !mentionsSymbol(item, tree.operands[n]!);
  });
}

const mentionsSymbol = (item: Item, operand: OperandTree): boolean =>
  item.tree.usesPlace || item.tree.symbols.some((use) => use.start >= operand.start && use.end <= operand.end);

/** Encodings of all repetitions, in order; wrong ones end the list. */
export function* encodings(item: Item, tree: InstructionTree, program: Program): Generator<Encoding | Refusal> {
  const first = item.offset;
  for (let n = 0; n < item.repeat; n++) {
    const encoding = n === 0 || item.encoding ? encodeAt(item, tree, program) : repeatAt(item, tree, program, first);
    if (!encoding) break;
    yield encoding;
    if (encoding.kind === "refusal") break;
    item.offset += encoding.bytes.length;
  }
  item.offset = first;
}

/** A later repetition: `$` is still the first one's address, only distances count from here. */
function repeatAt(item: Item, tree: InstructionTree, program: Program, first: number): Encoding | Refusal | undefined {
  const here = item.offset;
  item.offset = first;
  const statement = statementOf(item, tree, program);
  item.offset = here;
  const { bits, section } = item.context;
  return statement && select(statement, { bits, address: BigInt(section.start + here) });
}

function tooOften(item: Item, program: Program, what: string): 0 {
  const message = `${what} repeated at most ${limits.repetitions} times; data, any number of times.`;
  program.problems.error("output-too-large", message, item.source, item.tree);
  item.repeat = 0;
  item.settled = true;
  program.repeated(item);
  return 0;
}

/** Bytes of the instruction where it stands, all repetitions together; 0 if it cannot be encoded. */
export function measureInstruction(item: Item, tree: InstructionTree, program: Program): number {
  if (item.repeat === 1) {
    if (keepsLength(item)) return item.length;
    const encoding = encodeAt(item, tree, program);
    if (item.encoding && item.tree.times.length === 0) item.settled = true;
    return encoding?.kind === "encoding" ? encoding.bytes.length : 0;
  }
  if (item.repeat === 0) return 0;
  if (item.repeat > limits.repetitions) return tooOften(item, program, "An instruction can be");
  const once = encodeAt(item, tree, program);
  if (once?.kind !== "encoding") return 0;
  if (item.encoding) return once.bytes.length * item.repeat;
  if (program.repeated(item) > limits.repetitions)
    return tooOften(item, program, "Instructions that are not the same each time can together be");
  let length = 0;
  for (const encoding of encodings(item, tree, program))
    if (encoding.kind === "encoding") length += encoding.bytes.length;
  return length;
}
