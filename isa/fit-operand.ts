/** Whether one operand, as written, is of a form's pattern. */

import { type Form, requiredSize } from "./form.ts";
import { immediateWidth, type OperandPattern } from "./operand-pattern.ts";
import type { Bits } from "./operands.ts";
import { controlNumbers, type RegisterName, type Width } from "./registers.ts";
import type { WrittenFarPointer, WrittenMemory, WrittenNumber, WrittenOperand } from "./statement.ts";
import type { Misfit, Written } from "./written.ts";

/** Register operand `kind` patterns and the classes of registers they take. */
function fitRegister(pattern: OperandPattern, register: RegisterName, form: Form): Misfit | undefined {
  if (pattern.place === "fixed") {
    if (pattern.register?.name === register.name) return undefined;
    return pattern.register?.class === "general" && register.class === "general" && pattern.width !== register.width
      ? "operand-size-mismatch"
      : "no-such-form";
  }
  switch (pattern.kind) {
    case "segment":
      return register.class === "segment" ? undefined : "no-such-form";
    case "control":
      return register.class === "control" && controlNumbers.includes(register.number) ? undefined : "no-such-form";
    case "debug":
      return register.class === "debug" && register.number < 8 ? undefined : "no-such-form";
    case "register":
    case "rm": {
      if (pattern.class !== "general") return register.class === pattern.class ? undefined : "no-such-form";
      if (register.class !== "general" && register.class !== "high-byte") return "no-such-form";
      return register.width === pattern.width || takesWider(pattern, register, form)
        ? undefined
        : "operand-size-mismatch";
    }
    default:
      return "no-such-form";
  }
}

/** Selectors may come in a wider register, whose upper bits do not count: MOV DS, EAX; LAR EAX, EBX. */
function takesWider(pattern: OperandPattern, register: RegisterName, form: Form): boolean {
  const selector = form.operands[0]?.text === "Sreg" || form.row.mnemonic === "lar" || form.row.mnemonic === "lsl";
  return selector && pattern === form.operands[1] && pattern.kind === "rm" && register.width > 16;
}

/** The branches whose target may be anything; the others take a near label only. */
const isJumpOrCall = ({ row: { mnemonic } }: Form): boolean =>
  mnemonic === "jmp" || mnemonic === "call" || mnemonic === "xbegin";

function fitMemory(pattern: OperandPattern, memory: WrittenMemory, written: Written, form: Form): Misfit | undefined {
  if (pattern.place === "moffs") {
    const { effective, bits } = written;
    const plain = memory.displacementSize === undefined || memory.addressSize !== undefined;
    const absolute = memory.base === undefined && memory.index === undefined && !effective?.ripRelative && plain;
    const addressed = (memory.addressSize === 64) !== (written.prefixes.addressSize === 32);
    if (!absolute || (bits === 64 && !addressed)) return "no-such-form";
  } else if (pattern.place !== "rm" || pattern.kind === "register") return "no-such-form";
  const indirectFar = pattern.farMemory !== undefined && isJumpOrCall(form);
  if (indirectFar !== (memory.far === true)) return "no-such-form";
  const width = pattern.farMemory && indirectFar ? pattern.farMemory : pattern.memoryWidth;
  // An indirect branch through memory of no stated size has the size of the mode.
  const branch = isJumpOrCall(form) && form.size !== undefined;
  if (branch && memory.size === undefined && form.size !== written.bits) return "no-such-form";
  // CVTSI2SD from memory of no stated size takes 32 bits.
  const beside = pattern.class === "general" && form.operands.some((o) => o.class === "xmm" || o.class === "mmx");
  if (beside && pattern.kind === "rm" && memory.size === undefined && width === 64) return "no-such-form";
  const anySize = form.row.mnemonic === "lea";
  return memory.size === undefined || anySize || memory.size === width ? undefined : "operand-size-mismatch";
}

/** Whether the value is what sign extension of `from` bits to `to` bits gives. */
function isSignExtended(value: bigint, from: Width, to: Width): boolean {
  const wrapped = BigInt.asIntN(to, value);
  return BigInt.asIntN(from, wrapped) === wrapped;
}

/** Operand size a number extends to: that of the form, else (PUSH) its own keyword's, else the mode's. */
function numberSize(form: Form, number: WrittenNumber, written: Written): Width {
  if (form.byte) return 8;
  const own = number.size === 8 ? undefined : number.size;
  return requiredSize(form, written.bits) ?? own ?? sizeAskedFor(written) ?? written.bits;
}

function fitSigned(pattern: OperandPattern, number: WrittenNumber, written: Written, form: Form): Misfit | number {
  const from = immediateWidth(pattern);
  const to = numberSize(form, number, written);
  const keyword = number.size === undefined || number.size === from || number.size === to;
  if (!keyword && !(form.row.default64 && written.bits === 64 && number.size === 32)) return "operand-size-mismatch";
  const calculates = form.row.family === "arithmetic" || form.row.family === "logic";
  if (to === 64 && from === 32 && number.size === 32 && calculates && form.operands.length === 2)
    return "operand-size-mismatch";
  // MOV to a register has a form for all 64 bits.
  if (number.strict && number.size !== 32 && to === 64 && form.row.mnemonic === "mov" && !written.memory)
    return "operand-size-mismatch";
  if (!isDefaultSize(form, written, number.size === 8 ? undefined : number.size)) return "no-such-form";
  // For a byte nasm looks at the low 32 bits, also of a 64-bit operation: ADD RAX, 0xFFFFFFFF adds -1, with a warning.
  const within = from === 8 && to === 64 ? 32 : to;
  const fits = number.value === undefined || (!number.relocatable && isSignExtended(number.value, from, within));
  if (from === 8) {
    if (number.size === 8) return fits ? 0 : 1;
    return fits && !number.strict ? 0 : "no-such-form";
  }
  return fits ? 0 : 1;
}

/** Instructions whose numbers nasm lets stand without a size only. */
const refusesSize = ({ row, operands }: Form): boolean =>
  /^(sh[lr]d|enter|pshuf(d|hw|lw|w)|pinsrw|pextrw)$/.test(row.mnemonic) ||
  (operands[0]?.class === "mmx" && /^ps(ll|rl|ra)[wdq]$/.test(row.mnemonic));

function fitImmediate(pattern: OperandPattern, number: WrittenNumber, written: Written, form: Form): Misfit | number {
  if (pattern.signed) return fitSigned(pattern, number, written, form);
  if (number.size !== undefined && (number.size !== pattern.width || refusesSize(form))) return "operand-size-mismatch";
  if (!isDefaultSize(form, written, number.size)) return "no-such-form";
  return 0;
}

/**
 * Forms whose size only a number or a far pointer would tell (PUSH imm16, CALL rel16, JMP ptr16:16) are chosen by the
 * mode or by a size keyword, never because they are shorter.
 */
function isDefaultSize(form: Form, written: Written, keyword: Width | undefined): boolean {
  if (form.size === undefined) return true;
  const sizing = form.operands.every((o) => o.kind === "immediate" || o.kind === "relative" || o.kind === "far");
  if (!sizing) return true;
  // Near branches of 64-bit code have one size, whatever the prefix.
  const wanted = keyword ?? (written.bits === 64 && form.forced64 ? undefined : sizeAskedFor(written));
  const required = requiredSize(form, written.bits);
  if (required === (wanted ?? defaultSize(form, written.bits))) return true;
  return written.bits === 64 && form.row.default64 && required === 64 && wanted === 32 && !form.forced64;
}

/** Operand size that the mnemonic or a prefix names. */
const sizeAskedFor = ({ operandSize, prefixes }: Written): Bits | undefined => prefixes.operandSize ?? operandSize;

export const defaultSize = (form: Form, bits: Bits): Bits => (bits === 64 && !form.row.default64 ? 32 : bits);

/** Short branches are taken where the target is near enough, and, if a longer form exists, moves with the code. */
function fitRelative(pattern: OperandPattern, number: WrittenNumber, written: Written, form: Form): Misfit | number {
  if (number.size !== undefined && !isJumpOrCall(form) && number.distance !== "near") return "operand-size-mismatch";
  const is64 = written.bits === 64;
  if (is64 && number.size !== undefined && number.size !== 64) return "operand-size-mismatch";
  if (pattern.width !== 8) {
    const keyword = is64 ? undefined : number.size;
    if (number.distance === "short" || !isDefaultSize(form, written, keyword)) return "no-such-form";
    return 0;
  }
  if (number.distance === "near" || number.size !== undefined) return "no-such-form";
  const onlyShort = form.pattern.addressSize !== undefined || form.row.mnemonic.startsWith("loop");
  if (onlyShort) return number.distance === "short" ? "operand-size-mismatch" : 0;
  if (number.strict && number.distance !== "short") return "no-such-form";
  if (number.value === undefined) return 0;
  if (number.distance !== "short" && !number.relocatable) return 1;
  return 0;
}

function fitFar(pattern: OperandPattern, pointer: WrittenFarPointer, written: Written, form: Form): Misfit | undefined {
  return pattern.kind === "far" && isDefaultSize(form, written, pointer.size) ? undefined : "no-such-form";
}

function fitNumber(pattern: OperandPattern, number: WrittenNumber, written: Written, form: Form): Misfit | number {
  if (pattern.place === "fixed") {
    const same = pattern.value !== undefined && number.value === BigInt(pattern.value);
    return same && !number.strict && number.size === undefined && !number.relocatable ? 0 : "no-such-form";
  }
  if (pattern.kind === "relative") return fitRelative(pattern, number, written, form);
  return pattern.kind === "immediate" ? fitImmediate(pattern, number, written, form) : "no-such-form";
}

/** Rank of one operand in its pattern, or why it is not of it. */
export function fitOperand(
  pattern: OperandPattern,
  operand: WrittenOperand,
  written: Written,
  form: Form,
): Misfit | number {
  switch (operand.kind) {
    case "register":
      if (pattern.to !== (operand.to === true)) return "no-such-form";
      return fitRegister(pattern, operand.register, form) ?? 0;
    case "memory":
      // [qword x] asks for the form with a 64-bit offset, although it is longer.
      return (
        fitMemory(pattern, operand, written, form) ??
        (pattern.place === "moffs" && written.bits === 64 && operand.addressSize === 64 ? -1 : 0)
      );
    case "number":
      return fitNumber(pattern, operand, written, form);
    case "far":
      return fitFar(pattern, operand, written, form) ?? 0;
  }
}
