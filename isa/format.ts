import { type Form, requiredSize } from "./form.ts";
import type { OperandPattern } from "./operand-pattern.ts";
import type { Bits, Decoded, FarPointer, Immediate, Memory, Operand, Register, Relative } from "./operands.ts";
import { type OperandWidth, registers } from "./registers.ts";
import { formOf } from "./table.ts";

export interface FormatOptions {
  /** Address of the instruction. With it targets are absolute, without it they are written as a distance: `$+5`. */
  readonly address?: bigint;
  /** Name of an address, for branch targets and RIP-relative operands. Only used with `address`. */
  readonly symbol?: (address: bigint) => string | undefined;
  readonly spelling?: Spelling;
}

/** What the text says beyond what is needed to do the same: for encodings that an assembler would not choose. */
export interface Spelling {
  /** Prefix words, instead of those that the instruction needs. */
  readonly prefixes?: readonly string[];
  /** `strict` and its size before numbers. */
  readonly strict?: boolean;
  /** The size of the displacement behind registers: a byte, or all that the address size has. */
  readonly displacement?: "byte" | "full";
  /** `nosplit`, and the factor of an index even if it is 1. */
  readonly index?: boolean;
}

/** The words that nasm writes before an operand for its size. */
export const sizeWords: Record<OperandWidth, string> = {
  8: "byte",
  16: "word",
  32: "dword",
  64: "qword",
  80: "tword",
  128: "oword",
};

/** The manual's 16-bit forms whose plain names mean the mode's size in NASM. */
const sixteenBitNames: Readonly<Record<string, string>> = {
  pushf: "pushfw",
  popf: "popfw",
  pusha: "pushaw",
  popa: "popaw",
  iret: "iretw",
};

const names = new Map(
  registers.map((r) => [r.class === "general" ? `general${r.number}.${r.width}` : r.class + r.number, r.name]),
);
/** Name of a register, lower-case. */
export const registerText = ({ class: kind, number, width }: Pick<Register, "class" | "number" | "width">): string =>
  names.get(kind === "general" ? `general${number}.${width}` : kind + number) ?? `${kind}${number}`;

/** Decimal below ten, else hexadecimal. */
export const number = (value: bigint): string =>
  value < 0n ? `-${number(-value)}` : value < 10n ? `${value}` : `0x${value.toString(16)}`;

/** Sign-extended negative numbers are written as such, except in bit masks. */
function immediateText({ value, width }: Immediate, decoded: Decoded, pattern: OperandPattern): string {
  const signed = BigInt.asIntN(width, value);
  return number(pattern.signed && decoded.row.family !== "logic" ? signed : value);
}

/** The address `distance` bytes after the instruction: absolute if its own address is known. */
function targetText(decoded: Decoded, distance: bigint, width: Bits, { address, symbol }: FormatOptions): string {
  if (address === undefined) {
    const fromStart = distance + BigInt(decoded.length);
    return fromStart < 0n ? `$-${number(-fromStart)}` : `$+${number(fromStart)}`;
  }
  const target = BigInt.asUintN(width, address + BigInt(decoded.length) + distance);
  return symbol?.(target) ?? number(target);
}

/** LOOP and JCXZ have short forms only. */
const isAlwaysShort = ({ row }: Decoded): boolean => row.mnemonic.startsWith("loop") || row.mnemonic.endsWith("cxz");

/** `short`, `near` and the size of a branch, where they are needed. */
function distanceWords(decoded: Decoded, pattern: OperandPattern, spelled: boolean): string {
  const isJump = decoded.row.mnemonic === "jmp";
  if (pattern.width === 8) return isJump || (spelled && !isAlwaysShort(decoded)) ? "short " : "";
  const isConditional = decoded.row.mnemonic.startsWith("j") && !isJump;
  const other = decoded.bits !== 64 && pattern.width !== decoded.bits;
  const near = isConditional ? spelled || other : isJump && spelled;
  return (near ? "near " : "") + (other ? sized(pattern) : "");
}

function relativeText(
  { distance }: Relative,
  decoded: Decoded,
  pattern: OperandPattern,
  options: FormatOptions,
): string {
  const { bits, operandSize } = decoded;
  const width = bits === 64 ? 64 : operandSize === 16 ? 16 : 32;
  const words = distanceWords(decoded, pattern, options.spelling !== undefined);
  return words + targetText(decoded, BigInt(distance), width, options);
}

const sized = ({ width }: OperandPattern): string => (width ? `${sizeWords[width]} ` : "");

function farText({ selector, offset, width }: FarPointer, { bits }: Decoded): string {
  return `${width === bits ? "" : `${sizeWords[width]} `}${number(BigInt(selector))}:${number(BigInt(offset))}`;
}

/** A register operand beside memory already tells the size of both; so does a place for a vector register. */
function sizeIsClear(decoded: Decoded, memory: Memory, form: Form): boolean {
  if (form.memory && form.memory.class !== "general") return true;
  return decoded.operands.some((operand, n) => {
    const pattern = form.operands[n]!;
    if (operand.kind !== "register" || pattern.text === "CL" || pattern.text === "DX") return false;
    return operand.class === "segment" || operand.width === memory.width;
  });
}

function memorySize(memory: Memory, decoded: Decoded, form: Form): string {
  const { farMemory } = form.memory ?? {};
  const { bits, row } = decoded;
  if (farMemory && row.family === "control-flow") return farMemory === bits ? "far " : `far ${sizeWords[farMemory]} `;
  if (memory.width === undefined || sizeIsClear(decoded, memory, form)) return "";
  return `${sizeWords[memory.width]} `;
}

/** Terms of the address: registers and displacement. */
function addressTerms(memory: Memory, spelling: Spelling = {}): string {
  const { base, index, scale, displacement, addressSize } = memory;
  const name = (register: number): string => registerText({ class: "general", number: register, width: addressSize });
  const isPlain = scale === 1 && base !== undefined && !spelling.index;
  const terms = [
    ...(base === undefined ? [] : [name(base)]),
    ...(index === undefined ? [] : [isPlain ? name(index) : `${name(index)}*${scale}`]),
  ].join("+");
  if (terms === "") return number(BigInt.asUintN(addressSize, displacement));
  // An index register alone would become a base, and BP as a base means another segment.
  const alone = base === undefined && index === 5 && scale < 3;
  const constant = displacement === 0n ? "" : displacement < 0n ? number(displacement) : `+${number(displacement)}`;
  const words = displacementWords(memory, spelling) + (alone || spelling.index ? "nosplit " : "");
  return words + terms + constant;
}

function displacementWords({ addressSize }: Memory, { displacement }: Spelling): string {
  if (displacement === undefined) return "";
  return displacement === "byte" ? "byte " : `${addressSize === 16 ? "word" : "dword"} `;
}

function memoryText(memory: Memory, decoded: Decoded, form: Form, options: FormatOptions): string {
  const { addressSize, ripRelative, base, index, displacement } = memory;
  const { bits, segment } = decoded;
  const isBefore = segment !== undefined && options.spelling?.prefixes?.includes(segment);
  const override = segment === undefined || isBefore ? "" : `${segment}:`;
  const size = memorySize(memory, decoded, form);
  if (ripRelative) {
    const target = targetText(decoded, displacement, addressSize, options);
    return `${size}[rel ${override}${target}]`;
  }
  const bare = base === undefined && index === undefined;
  const long = bits === 64 && form.memory?.place === "moffs" && addressSize === 64;
  const keyword = bare && ((bits !== 64 && addressSize !== bits) || long) ? `${sizeWords[addressSize]} ` : "";
  return `${size}[${keyword}${override}${addressTerms(memory, options.spelling)}]`;
}

/** One operand of an instruction, as `format` writes it. */
export function operandText(operand: Operand, decoded: Decoded, form: Form, options: FormatOptions = {}): string {
  const n = decoded.operands.indexOf(operand);
  switch (operand.kind) {
    case "register":
      return registerText(operand);
    case "memory":
      return memoryText(operand, decoded, form, options);
    case "immediate":
      return `${immediateSize(operand, decoded, form, options)}${immediateText(operand, decoded, form.operands[n]!)}`;
    case "relative":
      return relativeText(operand, decoded, form.operands[n]!, options);
    case "far":
      return farText(operand, decoded);
  }
}

/** PUSH is the instruction whose size only its number can tell. */
function immediateSize(operand: Immediate, decoded: Decoded, form: Form, { spelling }: FormatOptions): string {
  const { bits, operandSize } = decoded;
  const pattern = form.operands[decoded.operands.indexOf(operand)]!;
  if (spelling?.strict && pattern.place === "immediate") {
    // Beside 64-bit operands QWORD means the 32 bits that are extended, but for MOV, which has both.
    const extended = pattern.width === 32 && operandSize === 64 && decoded.row.mnemonic !== "mov";
    return `strict ${sizeWords[extended ? 64 : (pattern.width ?? 8)]} `;
  }
  const only = form.operands.length === 1 && form.size !== undefined;
  return only && operandSize !== bits ? `${sizeWords[operandSize]} ` : "";
}

function addressPrefix(decoded: Decoded, form: Form): string {
  const { addressSize, bits, operands } = decoded;
  if (addressSize === bits || form.pattern.addressSize !== undefined) return "";
  const memory = operands.find((operand) => operand.kind === "memory");
  if (memory) {
    const bare = memory.base === undefined && memory.index === undefined;
    return bare && bits === 64 ? `a${addressSize} ` : "";
  }
  return decoded.row.implicitMemory || decoded.row.mnemonic.startsWith("loop") ? `a${addressSize} ` : "";
}

/** Whether operand-size prefixes change nothing. */
export const ignoresSize = ({ pattern, operands }: Form): boolean =>
  pattern.operandSize === "any" || operands.some((o) => o.class === "mmx" || o.class === "xmm");

/** An operand size that neither name nor operands show. */
function sizePrefix({ bits, operandSize, row }: Decoded, form: Form): string {
  if (requiredSize(form, bits) !== undefined || form.byte || ignoresSize(form)) return "";
  const usual = bits === 64 && (row.default64 || form.forced64) ? 64 : bits === 64 ? 32 : bits;
  return operandSize === usual ? "" : `o${operandSize} `;
}

function prefixText(decoded: Decoded, form: Form): string {
  const { lock, repeat, row, segment } = decoded;
  const repeated = repeat === "repne" ? "repne " : repeat === "rep" ? (row.repeat === "equal" ? "repe " : "rep ") : "";
  const override = segment !== undefined && decoded.row.implicitMemory ? `${segment} ` : "";
  return (lock ? "lock " : "") + repeated + override + addressPrefix(decoded, form) + sizePrefix(decoded, form);
}

/** FADD ST0, ST0 has two encodings; nasm takes the one with destination STi, but for one operand the other. */
const isOnTopOnly = ({ row, operands }: Decoded): boolean =>
  row.family === "x87" &&
  row.pattern.opcode === 0xd8 &&
  operands.length === 2 &&
  operands.every((operand) => operand.kind === "register" && operand.number === 0);

/** The instruction in NASM syntax; assembled at the same address it does the same. */
export function format(decoded: Decoded, options: FormatOptions = {}): string {
  const { row } = decoded;
  const form = formOf(row);
  const mnemonic = sixteenBitNames[row.mnemonic] ?? row.mnemonic;
  const written = isOnTopOnly(decoded) ? decoded.operands.slice(0, 1) : decoded.operands;
  const operands = written.map((operand) => operandText(operand, decoded, form, options)).join(", ");
  const prefixes = options.spelling?.prefixes?.map((word) => `${word} `).join("") ?? prefixText(decoded, form);
  return prefixes + mnemonic + (operands && ` ${operands}`);
}
