import type { Row } from "./instruction.ts";
import type { OpcodePattern } from "./opcode.ts";
import type { OperandPattern } from "./operand-pattern.ts";
import type { Bits } from "./operands.ts";
import type { OperandWidth } from "./registers.ts";

/** What encoder and decoder both need to know of a row, worked out once from its columns and its neighbours'. */
export interface Form {
  readonly row: Row;
  readonly pattern: OpcodePattern;
  readonly operands: readonly OperandPattern[];
  /** Operand size for which the form exists; undefined where the operand size does not tell forms apart. */
  readonly size: Bits | undefined;
  /** Near branches: in 64-bit mode the operand size is 64 whatever the prefixes say (SDM Vol. 1, 6.3.7). */
  readonly forced64: boolean;
  /** Its operands are bytes, whatever the operand size. */
  readonly byte: boolean;
  /** Form of the ModRM operand: any, memory only, register only. ModRM.mod is ignored for control and debug registers. */
  readonly mod: "any" | "memory" | "register" | "ignored";
  /** The operand that may be a memory operand in ModRM or moffs, if any. */
  readonly memory: OperandPattern | undefined;
}

const sizeOf = (width: OperandWidth | undefined): Bits | undefined =>
  width === 16 || width === 32 || width === 64 ? width : undefined;

/** The operand whose width is the operand size: the first general register or r/m; ports and counts are not. */
function sizedOperand(operands: readonly OperandPattern[]): OperandPattern | undefined {
  if (operands.some((o) => o.kind === "control" || o.kind === "debug") || operands[0]?.text === "Sreg")
    return undefined;
  return operands.find((o) => {
    if (o.place === "fixed") return o.register?.class === "general" && o.text !== "DX" && o.text !== "CL";
    return ((o.kind === "register" || o.kind === "rm") && o.class === "general") || o.place === "moffs";
  });
}

/** Operand size named by the columns of the row alone. */
function nominalSize({ pattern, operands }: Row): Bits | undefined {
  if (pattern.operandSize) return pattern.operandSize === "any" ? undefined : pattern.operandSize;
  const sized = sizedOperand(operands);
  if (sized) return sizeOf(sized.width ?? sized.memoryWidth);
  const target = operands.find((o) => o.farMemory || o.kind === "far" || o.kind === "relative");
  return target?.farMemory ?? sizeOf(target?.width);
}

const identity = ({ map, opcode, prefix, vex, noPrefix, digit, second }: OpcodePattern): string =>
  [map, opcode, prefix, vex, noPrefix, digit, second].join();

function sizeAmong(row: Row, siblings: readonly Row[]): Bits | undefined {
  const size = nominalSize(row);
  if (row.pattern.operandSize) return size;
  // An encoding that has only a 16-bit form ignores the operand size (LMSW, LLDT, LTR, VERR, VERW, ARPL).
  if (size === 16 && siblings.every((other) => nominalSize(other) === 16)) return undefined;
  // 66h is not an operand-size prefix here: NP forbids it, or it is part of the opcode.
  if (row.pattern.noPrefix || row.pattern.prefix === 0x66) return size === 64 && !row.default64 ? 64 : undefined;
  // PUSH imm16 and PUSH imm32 share an opcode; RET imm16 is alone and has every operand size.
  const [only, ...others] = row.operands;
  if (only?.kind === "immediate" && others.length === 0 && siblings.length > 1) return sizeOf(only.width);
  return size;
}

function modOf(operands: readonly OperandPattern[], hasModrm: boolean): Form["mod"] {
  if (operands.some((o) => o.kind === "control" || o.kind === "debug")) return "ignored";
  const rm = operands.find((o) => o.place === "rm");
  if (rm?.kind === "memory") return "memory";
  return rm?.kind === "register" || (rm === undefined && hasModrm) ? "register" : "any";
}

function isByte(row: Row): boolean {
  const sized = sizedOperand(row.operands);
  return sized !== undefined && (sized.width ?? sized.memoryWidth) === 8;
}

function groupByIdentity(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = identity(row.pattern);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}

/** The forms of a table, in its order. */
export function formsOf(rows: readonly Row[]): Form[] {
  const siblings = groupByIdentity(rows);
  return rows.map((row) => ({
    row,
    pattern: row.pattern,
    operands: row.operands,
    size: sizeAmong(row, siblings.get(identity(row.pattern)) ?? []),
    forced64: row.default64 && row.family === "control-flow",
    byte: isByte(row),
    mod: modOf(row.operands, row.pattern.hasModrm),
    memory: row.operands.find((o) => (o.place === "rm" && o.kind !== "register") || o.place === "moffs"),
  }));
}

/**
 * Effective operand size of a form under the prefixes given (SDM Vol. 2, table 3-4). `override`: 66h is there as an
 * operand-size prefix.
 */
export function effectiveSize(form: Form, bits: Bits, override: boolean, wide: boolean): Bits {
  if (form.pattern.vex) return wide ? 64 : 32;
  if (bits !== 64) return override ? (bits === 16 ? 32 : 16) : bits;
  if (wide || form.forced64) return 64;
  return override ? 16 : form.row.default64 ? 64 : 32;
}

/** The operand size a form exists for, in a mode: forms that default to 64 bits have no 32-bit operand size there. */
export const requiredSize = (form: Form, bits: Bits): Bits | undefined =>
  bits === 64 && form.row.default64 && form.size === 32 ? 64 : form.size;

export const existsIn = (row: Row, bits: Bits): boolean =>
  row.modes === "all" || (row.modes === "only-64") === (bits === 64);
