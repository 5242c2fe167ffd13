import { type OperandWidth, type RegisterName, type SegmentName, segmentNames, type Width } from "../isa/registers.ts";
import type { WrittenMemory, WrittenOperand, WrittenPrefixes } from "../isa/statement.ts";
import { type Environment, evaluate } from "./expression.ts";
import type { Context } from "./item.ts";
import type { Section } from "./section.ts";
import type { AddressWord, Expression, OperandTree, Span, Word } from "./tree.ts";
import { distantBase, registersOf, resolved, sectionOf, type Value } from "./value.ts";

/** Turns operands as parsed into operands as the codec takes them: expressions become numbers and registers. */
export interface Conversion extends Environment {
  readonly context: Context;
  /** The statement is a branch: a label of the same section is near, anything else is far away. */
  readonly branch: boolean;
  /** Of a flat binary; there, distances between sections are known in the end. */
  readonly flat: boolean;
}

const sizes: Readonly<Record<string, Width>> = { byte: 8, word: 16, dword: 32, qword: 64 };
const operandSizes: Readonly<Record<string, OperandWidth>> = { ...sizes, tword: 80, oword: 128 };
const hugeSizes = ["yword", "zword"];

/** The operand, or undefined if it is wrong; then that has been reported. */
export function writtenOperand(tree: OperandTree, conversion: Conversion): WrittenOperand | undefined {
  const huge = tree.words.find((word) => hugeSizes.includes(word));
  if (huge) return fault(conversion, "unsupported-size", `No instruction here has operands of size “${huge}”.`, tree);
  if (tree.kind === "memory") return memory(tree, conversion);
  if (tree.kind === "far") return farPointer(tree, conversion);
  return plain(tree, tree.value, conversion);
}

function fault(conversion: Environment, code: string, message: string, span: Span): undefined {
  conversion.fault(code, message, span);
  return undefined;
}

function sizeOf(words: readonly string[]): Width | undefined {
  for (const word of words) if (sizes[word]) return sizes[word];
  return undefined;
}

function operandSizeOf(words: readonly string[]): OperandWidth | undefined {
  for (const word of words) if (operandSizes[word]) return operandSizes[word];
  return undefined;
}

/** Exact optional fields: only what is there. */
const sized = <Size extends OperandWidth>(size: Size | undefined) => (size ? { size } : {});

function plain(tree: OperandTree, expression: Expression, conversion: Conversion): WrittenOperand | undefined {
  const { words } = tree;
  const size = sizeOf(words);
  const value = evaluate(expression, conversion);
  const registers = registersOf(value);
  if (registers.length > 0) {
    const [only] = registers;
    if (value.terms.length === 1 && value.constant === 0n && only!.coefficient === 1n && !only!.scaled)
      return {
        kind: "register",
        register: only!.base,
        ...sized(operandSizeOf(words)),
        ...(words.includes("to") && { to: true }),
      };
    return fault(conversion, "register-arithmetic", "Registers can be added only inside square brackets.", expression);
  }
  if (words.includes("far"))
    return fault(conversion, "far-needs-segment", "A far target is written selector:offset, or far [address].", tree);
  const place = address(value, expression, conversion);
  if (!place) return undefined;
  const distance = words.includes("short") ? "short" : words.includes("near") ? "near" : undefined;
  if (distance && !conversion.branch)
    return fault(conversion, "not-a-branch", `“${distance}” can only stand before the target of a branch.`, tree);
  return {
    kind: "number",
    value: place.value,
    relocatable: place.section !== undefined && (!conversion.branch || place.section === conversion.context.section),
    ...sized(size),
    ...(words.includes("strict") && { strict: true }),
    ...(conversion.context.relative && conversion.context.bits === 64 && { relative: true }),
    ...(distance && { distance }),
  };
}

interface Place {
  readonly value: bigint | undefined;
  readonly section: Section | undefined;
}

/** A value without registers: constant, label plus constant, or not known yet. */
function address(value: Value, span: Span, conversion: Conversion): Place | undefined {
  if (value.unknown) return { value: undefined, section: undefined };
  const distant = conversion.flat ? distantBase(value, conversion.context.section) : undefined;
  const section = distant ?? sectionOf(value);
  if (section === false)
    return fault(conversion, "not-relocatable", "This is neither a constant nor a label plus a constant.", span);
  return { value: resolved(value), section };
}

function farPointer(tree: Extract<OperandTree, { kind: "far" }>, conversion: Conversion): WrittenOperand | undefined {
  if (tree.words.includes("far"))
    return fault(conversion, "far-needs-segment", "selector:offset is a far target by itself: leave out “far”.", tree);
  const wrong = tree.words.find((word) => !["word", "dword", "strict"].includes(word));
  const sizes = tree.words.filter((word) => word !== "strict");
  if (wrong || sizes.length > 1) {
    const message = "A far target has one size, WORD or DWORD, which is that of its offset.";
    return fault(conversion, "operand-size-mismatch", message, tree);
  }
  const selector = number(tree.selector, conversion);
  const offset = number(tree.offset, conversion);
  const size = sizeOf(tree.words);
  if (!selector || !offset) return undefined;
  return {
    kind: "far",
    selector: selector.value,
    offset: offset.value,
    ...(size === 16 || size === 32 ? { size } : {}),
  };
}

function number(expression: Expression, conversion: Conversion): Place | undefined {
  const value = evaluate(expression, conversion);
  if (registersOf(value).length > 0)
    return fault(conversion, "register-arithmetic", "A number is needed here, not a register.", expression);
  return address(value, expression, conversion);
}

type MemoryTree = Extract<OperandTree, { kind: "memory" }>;
type MutableMemory = { -readonly [K in keyof WrittenMemory]: WrittenMemory[K] };

function memory(tree: MemoryTree, conversion: Conversion): WrittenMemory | undefined {
  const value = evaluate(tree.address, conversion);
  const registers = addressRegisters(value, tree.address, conversion);
  const segment = segmentOf(tree.segment, conversion);
  const place = address(
    { ...value, terms: value.terms.filter((term) => !("class" in term.base)) },
    tree.address,
    conversion,
  );
  if (!registers || segment === false || !place) return undefined;
  if (tree.words.includes("short") || (tree.words.includes("near") && !conversion.branch)) {
    const message =
      "“short” and “near” do not belong before memory; “near” only where a jump or call reads its target.";
    return fault(conversion, "not-a-branch", message, tree);
  }
  const size = operandSizeOf(tree.words);
  const operand: MutableMemory = { kind: "memory", ...sized(size), ...registers, displacement: place.value };
  if (tree.words.includes("far")) operand.far = true;
  if (segment) operand.segment = segment;
  if (place.section) operand.relocatable = true;
  addressWords(tree.addressWords, operand);
  // A register added to itself is split all the same.
  if (value.summed) operand.nosplit = false;
  if (!addressSizeFits(operand))
    return fault(conversion, "bad-address", "The size in the brackets is not that of the registers.", tree.address);
  const byDefault = conversion.context.relative && segment !== "fs" && segment !== "gs";
  const wanted = tree.addressWords.includes("rel") || (byDefault && !tree.addressWords.includes("abs"));
  if (wanted && !registers.base && !registers.index && conversion.context.bits === 64) operand.relative = true;
  return operand;
}

function addressWords(words: readonly AddressWord[], operand: MutableMemory): void {
  for (const word of words) {
    const size = sizes[word];
    if (word === "nosplit") operand.nosplit = true;
    else if (size === 8) operand.displacementSize = 8;
    else if (size) operand.addressSize = size;
  }
}

/** With registers the size means the displacement, which is 16 bits with 16-bit registers and 32 with others. */
function addressSizeFits({ addressSize, base, index }: WrittenMemory): boolean {
  const width = base?.width ?? index?.width;
  return !addressSize || !width || addressSize === (width === 16 ? 16 : 32);
}

type Registers = Pick<WrittenMemory, "base" | "index" | "scale">;

/** Which register is base and which index, as nasm reads it: a written factor makes an index. */
function addressRegisters(value: Value, span: Span, conversion: Conversion): Registers | undefined {
  const registers = registersOf(value);
  const wrong = (message: string) => fault(conversion, "bad-address", message, span);
  if (registers.length > 2) return wrong("An address has at most two registers.");
  const negative = registers.find((term) => term.coefficient < 0n);
  if (negative) return wrong(`An address cannot subtract a register (${negative.base.name}).`);
  const [first, second] = value.summed ? registers.toSorted(byName) : registers;
  if (!first) return {};
  // A factor of 1 is only remembered where the order is.
  const isIndex = first.coefficient !== 1n || (first.scaled && !value.summed);
  if (!second) return isIndex ? { index: first.base, scale: Number(first.coefficient) } : { base: first.base };
  if (first.coefficient !== 1n && second.coefficient !== 1n) return wrong("Only one register can have a factor.");
  const swap = isIndex && second.coefficient === 1n;
  const [base, index] = swap ? [second, first] : [first, second];
  return { base: base.base, index: index.base, scale: Number(index.coefficient) };
}

const byName = (a: { readonly base: RegisterName }, b: { readonly base: RegisterName }): number =>
  a.base.name < b.base.name ? -1 : 1;

/** `false`: reported as wrong. */
function segmentOf(expression: Expression | undefined, conversion: Conversion): SegmentName | undefined | false {
  if (!expression) return undefined;
  const name = expression.kind === "register" ? expression.register.name : "";
  if (expression.kind === "register" && expression.register.class === "segment") return name as SegmentName;
  conversion.fault("bad-segment", "Before the colon stands a segment register: cs, ds, es, fs, gs or ss.", expression);
  return false;
}

const repeats: Readonly<Record<string, "rep" | "repne">> = {
  rep: "rep",
  repe: "rep",
  repz: "rep",
  repne: "repne",
  repnz: "repne",
};

/** What a prefix sets; of each there can be one. */
function fieldOf(text: string): keyof WrittenPrefixes {
  if (text === "lock" || text === "wait") return text;
  if (repeats[text]) return "repeat";
  return text[0] === "o" ? "operandSize" : text[0] === "a" ? "addressSize" : "segment";
}

/** The prefixes of a statement; conflicts are reported. */
export function writtenPrefixes(words: readonly Word[], environment: Environment): WrittenPrefixes | undefined {
  if (words.length === 0) return undefined;
  const prefixes: { -readonly [K in keyof WrittenPrefixes]: WrittenPrefixes[K] } = {};
  for (const [n, word] of words.entries()) {
    const { text } = word;
    const size = Number(text.slice(1)) as 16 | 32 | 64;
    const field = fieldOf(text);
    const before = words.slice(0, n).find((other) => fieldOf(other.text) === field);
    if (field === "lock" || field === "wait") prefixes[field] = true;
    else if (field === "repeat") prefixes.repeat = repeats[text]!;
    else if (field === "operandSize" || field === "addressSize") prefixes[field] = size;
    else if ((segmentNames as readonly string[]).includes(text)) prefixes.segment = text as SegmentName;
    else environment.fault("syntax", `“${text}” is not expected here.`, word);
    // The same prefix twice is written once.
    if (before && before.text !== text)
      environment.fault("prefix-not-allowed", `“${text}” conflicts with a prefix before it.`, word);
  }
  return prefixes;
}
