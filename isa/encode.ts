import { effectiveAddress } from "./effective-address.ts";
import { emit, type Field } from "./emit.ts";
import { explain } from "./explain.ts";
import { type Fit, fitForm } from "./fit.ts";
import type { Form } from "./form.ts";
import type { Row } from "./instruction.ts";
import type { Bits } from "./operands.ts";
import { registerNamed } from "./registers.ts";
import { formsOfShape } from "./shape.ts";
import type { EncodeOptions, Statement, WrittenMemory, WrittenOperand } from "./statement.ts";
import { formOf, meaningOf } from "./table.ts";
import { type Misfit, misfits, type Written } from "./written.ts";

/** A statement that became machine code. */
export interface Encoding {
  readonly kind: "encoding";
  readonly row: Row;
  readonly bytes: Uint8Array;
  /** What nasm would only warn of: a value cut to its field, a LOCK that has no effect. */
  readonly warnings: readonly Complaint[];
  /** Where the numbers of its operands are. */
  readonly fields: readonly Field[];
}

/** A statement that cannot be encoded, and why. */
export interface Refusal extends Complaint {
  readonly kind: "refusal";
}

/** Stable codes of what can be wrong with an instruction. */
export type ComplaintCode =
  | "unknown-mnemonic"
  | "operand-count"
  | "no-such-form"
  | "operand-size-mismatch"
  | "operand-size-unknown"
  | "wrong-mode"
  | "bad-address"
  | "high-byte-with-rex"
  | "jump-out-of-range"
  | "value-out-of-range"
  | "prefix-not-allowed";

export interface Complaint {
  readonly code: ComplaintCode;
  /** One plain sentence: what is wrong and, where it is known, what to write instead. */
  readonly message: string;
  /** Index of the operand it is about; undefined for the whole statement. */
  readonly operand?: number;
}

const refuse = (complaint: Complaint): Refusal => ({ kind: "refusal", ...complaint });

/** Works out what does not depend on the form; a complaint where an operand is wrong in itself. */
function prepare(
  statement: Statement,
  options: EncodeOptions,
  operandSize: Written["operandSize"],
): Written | Complaint {
  const { operands, prefixes = {} } = statement;
  const index = operands.findIndex((operand) => operand.kind === "memory");
  const memory = operands[index] as WrittenMemory | undefined;
  const written = {
    operands,
    prefixes,
    operandSize,
    bits: options.bits,
    address: options.address ?? 0n,
    memory,
    effective: undefined,
  };
  if (prefixes.addressSize === 16 && options.bits === 64)
    return { code: "prefix-not-allowed", message: "16-bit addresses do not exist in 64-bit code" };
  if (prefixes.addressSize === 64 && options.bits !== 64)
    return { code: "prefix-not-allowed", message: "64-bit addresses exist only in 64-bit code" };
  if (!memory) return written;
  const effective = effectiveAddress(memory, options.bits, prefixes.addressSize);
  if (typeof effective === "string") return { code: "bad-address", message: effective, operand: index };
  return { ...written, effective };
}

/** Whether a fit is to be preferred: by rank, then shorter. What comes first in the table wins a draw. */
const isBetter = (fit: Fit, than: Fit | undefined): boolean =>
  than === undefined || fit.rank < than.rank || (fit.rank === than.rank && fit.length < than.length);

/** The best form, and what is known of the width of the memory operand in those that fit. */
interface Choice {
  best: Fit | undefined;
  /** Width of the memory operand, if all forms that fit agree. */
  memoryWidth: number | undefined;
  ambiguous: boolean;
}

function consider(choice: Choice, form: Form, written: Written): void {
  const fit = fitForm(form, written);
  if (typeof fit === "string") return;
  const width = form.memory?.memoryWidth;
  if (choice.best && width !== choice.memoryWidth) choice.ambiguous = true;
  choice.memoryWidth = width;
  if (isBetter(fit, choice.best)) choice.best = fit;
}

/** How near the statement came to any of the forms. */
function closestMisfit(forms: readonly Form[], written: Written): Misfit {
  const ranks = forms.map((form) => {
    const fit = fitForm(form, written);
    return typeof fit === "string" ? misfits.indexOf(fit) : 0;
  });
  return misfits[Math.max(0, ...ranks)]!;
}

function choose(forms: readonly Form[], written: Written): Choice {
  const choice: Choice = { best: undefined, memoryWidth: undefined, ambiguous: false };
  for (const form of formsOfShape(forms, written.operands)) consider(choice, form, written);
  return choice;
}

/**
 * The same instruction written otherwise, where nasm knows a shorter way: MOV of a small number to a 64-bit register
 * and of a selector to a wide one write the whole register anyway; IMUL with two operands means three.
 */
function variant({ mnemonic, operands }: Statement, bits: number): readonly WrittenOperand[] | undefined {
  const [first, second] = operands;
  if (operands.length === 0 || first?.kind !== "register") return undefined;
  const name = mnemonic.toLowerCase();
  if (name === "imul" && operands.length === 2 && second?.kind === "number") return [first, first, second];
  const wide = bits === 64 && first.register.class === "general" && first.register.width === 64;
  if (!wide) return undefined;
  const storesSelector =
    (name === "mov" && operands.length === 2 && second?.kind === "register" && second.register.class === "segment") ||
    (name === "sldt" && operands.length === 1);
  const small =
    name === "mov" &&
    operands.length === 2 &&
    second?.kind === "number" &&
    (second.size === undefined || second.size === 64) &&
    !second.strict &&
    !second.relocatable &&
    (second.value === undefined || BigInt.asUintN(32, second.value) === second.value);
  if (!storesSelector && !small) return undefined;
  const { number } = first.register;
  const low = registerNamed(number < 8 ? first.register.name.replace("r", "e") : `r${number}d`);
  if (!low) return undefined;
  const rest = second?.kind === "number" ? [{ kind: "number", value: second.value } as const] : operands.slice(1);
  return [{ kind: "register", register: low }, ...rest];
}

const encodingOf = (fit: Fit, written: Written): Encoding => ({
  kind: "encoding",
  row: fit.form.row,
  ...emit(fit, written),
});

/** Whether a size that a mnemonic names (RETFQ) exists in a mode. */
const hasSize = (forms: readonly Form[], size: Bits, bits: Bits): boolean =>
  bits === 64 ? size !== 32 || !forms.every((form) => form.forced64) : size !== 64;

/** Nothing says how wide the memory operand is; QWORD before a number does not, for no instruction has such a number. */
const isSizeUnknown = ({ ambiguous, memoryWidth }: Choice, { memory, operands }: Written): boolean =>
  memory !== undefined &&
  memory.size === undefined &&
  (ambiguous ||
    (memoryWidth !== undefined &&
      operands.some((o) => o.kind === "number" && o.size === 64) &&
      operands.every((o) => o.kind !== "register")));

/** The statement without O64, where that adds nothing. */
function withoutWide(statement: Statement): Statement {
  const { operandSize, ...prefixes } = statement.prefixes ?? {};
  return operandSize === 64 ? { ...statement, prefixes } : statement;
}

/** LEA takes a number for an address: LEA EAX, 5 is LEA EAX, [5]. */
function withAddress(statement: Statement): Statement {
  const [register, number, more] = statement.operands;
  if (number?.kind !== "number" || !register || more || statement.mnemonic.toLowerCase() !== "lea") return statement;
  const { value: displacement, relocatable = false, relative = false } = number;
  return { ...statement, operands: [register, { kind: "memory", displacement, relocatable, relative }] };
}

/**
 * The form and bytes nasm 2.16 chooses for a statement (optimizing, as by default): the shortest that fits, and among
 * equals the one nasm has first. Pure and fast, so an assembler calls it again in every pass until sizes are stable;
 * branches are short where the target is near enough from `options.address`, or not known yet.
 */
export function select(asWritten: Statement, options: EncodeOptions): Encoding | Refusal {
  const statement = withAddress(asWritten);
  const meaning = meaningOf(statement.mnemonic);
  if (!meaning)
    return refuse({ code: "unknown-mnemonic", message: `there is no instruction ${statement.mnemonic.toUpperCase()}` });
  const { forms, operandSize } = meaning;
  // RETQ is the plain RET of 64-bit code: no REX.W.
  const plain = operandSize === 64 && forms.every((form) => form.forced64);
  const written = prepare(plain ? withoutWide(statement) : statement, options, plain ? undefined : operandSize);
  if ("code" in written) return refuse(written);
  if (operandSize !== undefined && !hasSize(forms, operandSize, options.bits))
    return refuse(explain("wrong-mode", written, [], statement.mnemonic));
  const choice = choose(forms, written);
  if (choice.best && isSizeUnknown(choice, written))
    return refuse({
      code: "operand-size-unknown",
      message: "the size of the operation is not known: write byte, word, dword or qword before the memory operand",
      operand: written.operands.findIndex((operand) => operand.kind === "memory"),
    });
  const other = variant(statement, options.bits);
  if (other) {
    const { operandSize: wide, ...prefixes } = written.prefixes;
    const narrow = { ...written, operands: other, prefixes: wide === 64 ? prefixes : written.prefixes };
    const shorter = choose(forms, narrow);
    if (shorter.best && !(choice.best && isBetter(choice.best, shorter.best))) return encodingOf(shorter.best, narrow);
  }
  if (choice.best) return encodingOf(choice.best, written);
  return refuse(explain(closestMisfit(forms, written), written, forms, statement.mnemonic));
}

/** The bytes of a statement in one given form, or why it does not fit it. */
export function encode(row: Row, statement: Statement, options: EncodeOptions): Encoding | Refusal {
  const written = prepare(statement, options, meaningOf(statement.mnemonic)?.operandSize);
  if ("code" in written) return refuse(written);
  const form = formOf(row);
  const fit = fitForm(form, written);
  return typeof fit === "string" ? refuse(explain(fit, written, [form], statement.mnemonic)) : encodingOf(fit, written);
}
