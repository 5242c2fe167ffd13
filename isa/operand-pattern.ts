import type { OpcodePattern } from "./opcode.ts";
import { type OperandWidth, type RegisterName, registerNamed, type Width } from "./registers.ts";

/** Bits of an immediate as encoded, or of a distance. */
export const immediateWidth = ({ width }: OperandPattern): Width =>
  width === undefined || width === 80 || width === 128 ? 8 : width;

/** Where in the encoding an operand stands. */
type OperandPlace = "rm" | "reg" | "vvvv" | "opcode" | "immediate" | "relative" | "moffs" | "fixed" | "far";

/** What a form accepts as one operand: one item of the syntax column, taken apart. */
export interface OperandPattern {
  /** As written in the syntax column, e.g. `r/m16`. */
  readonly text: string;
  readonly place: OperandPlace;
  /** `rm`: register or memory. `immediate` with place `fixed` is a constant (`1`, `3`). */
  readonly kind: "register" | "memory" | "rm" | "segment" | "control" | "debug" | "immediate" | "relative" | "far";
  /** Of `register` and `rm`: the registers it takes; `general` includes the high bytes. */
  readonly class: "general" | "x87" | "mmx" | "xmm";
  /** Bits of the register, the immediate as encoded, the distance, or the offset of a far pointer. Undefined for memory only. */
  readonly width: OperandWidth | undefined;
  /** Bits of the memory form; undefined where it has no width of an operand (`m`, `m16&32`, `m16:32`). */
  readonly memoryWidth: OperandWidth | undefined;
  /** `m16:16`, `m16:32`, `m16:64`: offset width of a far pointer in memory. */
  readonly farMemory: 16 | 32 | 64 | undefined;
  /** `simm8`, `simm32`: sign-extended to the operand size. Other immediates have their own width. */
  readonly signed: boolean;
  /** Of place `fixed`: the register that is implied. */
  readonly register: RegisterName | undefined;
  /** Of place `fixed`: the constant that is implied. */
  readonly value: number | undefined;
  /** `TO STi`: nasm's word for the form whose destination is not ST0. */
  readonly to: boolean;
}

const blank = {
  class: "general",
  width: undefined,
  memoryWidth: undefined,
  farMemory: undefined,
  signed: false,
  register: undefined,
  value: undefined,
  to: false,
} as const;

type Reading = (match: RegExpExecArray) => Omit<OperandPattern, "text">;
const width = (text: string | undefined): Width | undefined => {
  const bits = Number(text);
  return bits === 8 || bits === 16 || bits === 32 || bits === 64 ? bits : undefined;
};
const operandWidth = (text: string | undefined): OperandWidth | undefined =>
  text === "80" ? 80 : text === "128" ? 128 : width(text);
const vectorClasses = { mm: { class: "mmx", width: 64 }, xmm: { class: "xmm", width: 128 } } as const;
const vector = (text: string | undefined) => vectorClasses[text === "mm" ? "mm" : "xmm"];

/** The notation, one reading each. General registers get place `reg` here; `parseSyntax` knows better. */
const notation: readonly (readonly [RegExp, Reading])[] = [
  [/^r\/m(8|16|32|64)$/, (m) => ({ ...blank, place: "rm", kind: "rm", width: width(m[1]), memoryWidth: width(m[1]) })],
  [
    /^r(16|32|64)\/m(8|16|32)$/,
    (m) => ({ ...blank, place: "rm", kind: "rm", width: width(m[1]), memoryWidth: width(m[2]) }),
  ],
  [/^r(8|16|32|64)$/, (m) => ({ ...blank, place: "reg", kind: "register", width: width(m[1]) })],
  [/^m(8|16|32|64|80|128|512)?$/, (m) => ({ ...blank, place: "rm", kind: "memory", memoryWidth: operandWidth(m[1]) })],
  [
    /^(TO )?STi$/,
    (m) => ({ ...blank, place: "rm", kind: "register", class: "x87", width: 80, to: m[1] !== undefined }),
  ],
  [/^x?mm$/, (m) => ({ ...blank, place: "reg", kind: "register", ...vector(m[0]) })],
  [
    /^(x?mm)\/m(16|32|64|128)$/,
    (m) => ({ ...blank, place: "rm", kind: "rm", ...vector(m[1]), memoryWidth: operandWidth(m[2]) }),
  ],
  [/^m(16|32)&(16|32|64)$/, () => ({ ...blank, place: "rm", kind: "memory" })],
  [/^m16:(16|32|64)$/, (m) => ({ ...blank, place: "rm", kind: "memory", farMemory: Number(m[1]) as 16 | 32 | 64 })],
  [/^Sreg$/, () => ({ ...blank, place: "reg", kind: "segment", width: 16 })],
  [/^CRn$/, () => ({ ...blank, place: "reg", kind: "control" })],
  [/^DRn$/, () => ({ ...blank, place: "reg", kind: "debug" })],
  [
    /^(s?)imm(8|16|32|64)$/,
    (m) => ({ ...blank, place: "immediate", kind: "immediate", width: width(m[2]), signed: m[1] === "s" }),
  ],
  [/^rel(8|16|32)$/, (m) => ({ ...blank, place: "relative", kind: "relative", width: width(m[1]) })],
  [/^moffs(8|16|32|64)$/, (m) => ({ ...blank, place: "moffs", kind: "memory", memoryWidth: width(m[1]) })],
  [/^ptr16:(16|32)$/, (m) => ({ ...blank, place: "far", kind: "far", width: width(m[1]) })],
  [/^\d+$/, (m) => ({ ...blank, place: "fixed", kind: "immediate", width: 8, value: Number(m[0]) })],
];

function parseOperand(text: string): OperandPattern {
  // The notation comes first: `r8` is any byte register, not R8.
  for (const [pattern, read] of notation) {
    const match = pattern.exec(text);
    if (match) return { ...read(match), text };
  }
  const register = registerNamed(text);
  if (!register) throw new Error(`operand "${text}" is not part of the notation`);
  const kind = register.class === "segment" ? "segment" : "register";
  const { class: name, width } = register;
  const fixed = name === "x87" || name === "mmx" || name === "xmm" ? name : "general";
  return { ...blank, text, place: "fixed", kind, class: fixed, width, register };
}

/**
 * Which field holds a general register that the notation leaves open: the opcode (`+r`), ModRM.rm where nothing else is
 * there (`RDRAND r32`, `MOV r32, CRn`), else ModRM.reg. With a VEX prefix VEX.vvvv takes the one that ModRM.reg does not.
 */
function place(operand: OperandPattern, operands: readonly OperandPattern[], pattern: OpcodePattern): OperandPattern {
  if (operand.kind !== "register" || operand.place !== "reg") return operand;
  if (pattern.plusRegister) return { ...operand, place: "opcode" };
  if (pattern.vex) {
    const first = operands.find((other) => other.place === "reg");
    return operand === first && pattern.digit === undefined ? operand : { ...operand, place: "vvvv" };
  }
  if (operands.some((other) => other.place === "rm")) return operand;
  const registers = operands.filter((other) => other.place === "reg");
  const inRm = pattern.digit !== undefined || (registers.length > 1 && operand === registerForRm(registers));
  return inRm ? { ...operand, place: "rm" } : operand;
}

/** Of two registers, the general one beside a control, debug or segment register, else the second. */
const registerForRm = (registers: readonly OperandPattern[]): OperandPattern | undefined =>
  registers.some((other) => other.kind !== "register")
    ? registers.find((other) => other.kind === "register")
    : registers[1];

/** Reads an instruction column, `ADD r/m16, simm8`; the mnemonic comes back in lower case. Throws on unknown notation. */
export function parseSyntax(
  text: string,
  pattern: OpcodePattern,
): { readonly mnemonic: string; readonly operands: readonly OperandPattern[] } {
  const [mnemonic, rest] = text.trim().split(/\s+(.*)/s);
  if (!mnemonic || !/^[A-Z][A-Z0-9_]*$/.test(mnemonic)) throw new Error(`syntax "${text}" has no mnemonic`);
  const operands = rest ? rest.split(",").map((operand) => parseOperand(operand.trim())) : [];
  return { mnemonic: mnemonic.toLowerCase(), operands: operands.map((operand) => place(operand, operands, pattern)) };
}
