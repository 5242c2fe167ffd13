import type { EffectiveAddress } from "./effective-address.ts";
import { effectiveSize, existsIn, type Form, requiredSize } from "./form.ts";
import { immediateWidth, type OperandPattern } from "./operand-pattern.ts";
import type { Bits } from "./operands.ts";
import { controlNumbers, type RegisterName, type Width } from "./registers.ts";
import type { WrittenFarPointer, WrittenMemory, WrittenNumber, WrittenOperand, WrittenPrefixes } from "./statement.ts";

/** A statement in a mode, with what every form asks of it worked out once. */
export interface Written {
  readonly operands: readonly WrittenOperand[];
  readonly prefixes: WrittenPrefixes;
  /** Operand size that the mnemonic names (RETFQ). */
  readonly operandSize: Bits | undefined;
  readonly bits: Bits;
  /** Address of the instruction. */
  readonly address: bigint;
  readonly memory: WrittenMemory | undefined;
  /** Encoding of `memory`. */
  readonly effective: EffectiveAddress | undefined;
}

/** A statement in a form: everything but the bytes. */
export interface Fit {
  readonly form: Form;
  /** Smaller is better, before length: 0 as nasm prefers, 1 where a value would be cut or a distance is not relocatable. */
  readonly rank: number;
  /** Bytes of the whole instruction. */
  readonly length: number;
  /** 66h as an operand-size prefix. */
  readonly operandOverride: boolean;
  /** An operand-size prefix asks for another size than the operands have, and wins: O16 OR ESP, ESP is OR SP, SP. */
  readonly contradicted: boolean;
  readonly addressOverride: boolean;
  /** REX prefix, 0 if none. */
  readonly rex: number;
  /** Operand size of the encoding. */
  readonly size: Bits;
}

/** Why a statement is not of a form; later ones came closer. */
export const misfits = [
  "operand-count",
  "no-such-form",
  "operand-size-mismatch",
  "prefix-not-allowed",
  "wrong-mode",
  "high-byte-with-rex",
  "jump-out-of-range",
] as const;
export type Misfit = (typeof misfits)[number];

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

const defaultSize = (form: Form, bits: Bits): Bits => (bits === 64 && !form.row.default64 ? 32 : bits);

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

/** A number's size keyword sizes a memory operand that has none: MOV [EAX], DWORD 5. */
function keywordDisagrees(form: Form, { operands, memory }: Written): boolean {
  if (!memory || memory.size !== undefined || form.memory?.memoryWidth === undefined) return false;
  if (form.operands.some((o) => o.kind === "register" || o.kind === "segment")) return false;
  // A count or a bit number has a byte of its own.
  if (form.row.family === "shift" || form.row.family === "bit") return false;
  return operands.some((o) => o.kind === "number" && o.size !== undefined && o.size !== form.memory?.memoryWidth);
}

/** REX bits that the registers of the operands ask for. */
function rexOf(form: Form, { operands, effective }: Written, wide: boolean): number {
  let rex = wide ? 0x48 : 0;
  for (let n = 0; n < operands.length; n++) {
    const operand = operands[n]!;
    if (operand.kind !== "register" || form.operands[n]!.place === "fixed") continue;
    const { rex: needed, number } = operand.register;
    if (!needed) continue;
    rex |= 0x40;
    const { place } = form.operands[n]!;
    if (number > 7 && place !== "vvvv") rex |= place === "reg" ? 4 : 1;
  }
  if (effective?.rexX) rex |= 0x42;
  if (effective?.rexB) rex |= 0x41;
  return rex;
}

const isLongRegister = (operand: WrittenOperand): boolean =>
  operand.kind === "register" && operand.register.class === "general" && operand.register.width === 64;

/** Forms that O64 adds nothing to: their operands say 64 bits and need no REX.W, or REX.W would mean nothing. */
const ignoresWide = ({ row, operands, size, pattern }: Form, { memory, operands: written }: Written): boolean =>
  pattern.vex ||
  (pattern.operandSize === "any" && operands.some((o) => o.width === 64 && o.place !== "fixed")) ||
  (operands[0]?.text === "Sreg" && written.some(isLongRegister)) ||
  (operands.length === 2 && operands.every((o) => o.class === "mmx") && /^p(?!addq)/.test(row.mnemonic)) ||
  (size === 64 &&
    row.default64 &&
    (memory === undefined || memory.size !== undefined) &&
    operands.some((o) => o.width === 64 || o.memoryWidth === 64 || o.kind === "immediate") &&
    !written.some((operand) => operand.kind === "number" && operand.size === 8));

/** What the operand size of a form, in a mode, and a prefix come to. */
function sizePrefixes(
  form: Form,
  written: Written,
  natural: Bits | undefined,
): { readonly override: boolean; readonly wide: boolean } | Misfit {
  const { bits, prefixes, operandSize } = written;
  const size = prefixes.operandSize ?? natural;
  if (bits !== 64) {
    if (natural === 64 || size === 64) return "wrong-mode";
    return { override: size !== undefined && size !== bits && !form.pattern.vex, wide: false };
  }
  const wide =
    (natural === 64 && (!form.row.default64 || operandSize === 64)) ||
    (prefixes.operandSize === 64 && !ignoresWide(form, written));
  return { override: size === 16, wide };
}

/** Whether the processor would read a field of another length than the one written: O16 MOV EAX, 5. */
function isMisread(form: Form, { bits }: Written, { override, wide }: { override: boolean; wide: boolean }): boolean {
  const size = effectiveSize(form, bits, override, wide);
  return form.operands.some(({ place, width, signed }) => {
    if (width === undefined || width === 8) return false;
    if (place === "immediate" && form.size !== undefined)
      return width !== (size === 64 && (signed || !form.pattern.plusRegister) ? 32 : size);
    return (place === "far" || (place === "relative" && bits !== 64)) && width !== size;
  });
}

const trailingBytes = { ib: 1, iw: 2, id: 4, iq: 8, cb: 1, cw: 2, cd: 4, cp: 6, moffs: 0 } as const;

/** Bytes of the offset of a moffs operand. */
export const offsetBytes = (addressSize: Bits): 2 | 4 | 8 => (addressSize === 16 ? 2 : addressSize === 32 ? 4 : 8);

/** Mandatory prefix, map and opcode; a VEX prefix has three bytes. */
const opcodeLength = ({ prefix, vex, map }: Form["pattern"]): number =>
  vex ? 4 : (prefix ? 1 : 0) + (map > 1 ? 3 : map + 1);

function bodyLength(form: Form, { effective }: Written): number {
  const { pattern } = form;
  let length = opcodeLength(pattern) + Number(pattern.last !== undefined) + (pattern.second === undefined ? 0 : 1);
  if (pattern.hasModrm) length++;
  if (effective) {
    if (form.memory?.place === "moffs") length += offsetBytes(effective.addressSize);
    else length += (effective.sib === undefined ? 0 : 1) + effective.displacementBytes;
  }
  for (const code of pattern.trailing) length += trailingBytes[code];
  // ptr16:16 is `cd` in the manual and 4 bytes; ptr16:32 `cp` and 6.
  return length;
}

/** Address size of the form: of its memory operand, its opcode (JECXZ), or a prefix. */
function addressSizeIn(form: Form, { effective, prefixes, bits }: Written): Bits {
  return effective?.addressSize ?? prefixes.addressSize ?? form.pattern.addressSize ?? bits;
}

/** Operand size that a number asks for where the form has every size: PUSH WORD 5. */
function numberAsksFor(form: Form, { operands }: Written): Bits | undefined {
  const [only] = operands;
  const asks = operands.length === 1 && only?.kind === "number" && form.operands[0]?.signed;
  return asks && only.size !== 8 ? only.size : undefined;
}

/** F2 before a near branch is BND, which is gone; nasm refuses it but before jumps that it makes short by itself. */
const refusesRepne = ({ row, operands: [pattern] }: Form, { operands: [target] }: Written): boolean =>
  row.family === "control-flow" &&
  row.default64 &&
  (pattern?.text !== "rel8" || (row.mnemonic !== "jmp" && target?.kind === "number" && target.distance === "short"));

/** Whether FWAIT comes first: by the instruction or by a prefix, and once. */
export const waits = ({ pattern, row }: Form, { wait }: WrittenPrefixes): boolean =>
  pattern.wait || (wait === true && row.mnemonic !== "fwait");

/** Prefixes, REX and length for a form whose operands fit. */
function measure(form: Form, written: Written, rank: number): Fit | Misfit {
  const { bits, prefixes, memory } = written;
  const wanted = numberAsksFor(form, written) ?? written.operandSize;
  const natural = requiredSize(form, bits) ?? wanted;
  if (written.operandSize && natural !== written.operandSize && !form.forced64) return "prefix-not-allowed";
  if (prefixes.repeat === "repne" && refusesRepne(form, written)) return "prefix-not-allowed";
  const sizes = sizePrefixes(form, written, natural);
  if (typeof sizes === "string") return sizes;
  const ignored = bits === 64 && (form.row.default64 || natural === 64) && prefixes.operandSize === 32;
  const contradicted =
    prefixes.operandSize !== undefined && natural !== undefined && natural !== prefixes.operandSize && !ignored;
  if (contradicted && isMisread(form, written, sizes)) return "prefix-not-allowed";
  const rex = rexOf(form, written, sizes.wide);
  if (bits !== 64 && (rex !== 0 || written.operands.some(isLongRegister))) return "wrong-mode";
  if (rex !== 0 && written.operands.some((o) => o.kind === "register" && o.register.class === "high-byte"))
    return "high-byte-with-rex";
  const addressSize = addressSizeIn(form, written);
  if (form.pattern.addressSize !== undefined && form.pattern.addressSize !== addressSize) return "prefix-not-allowed";
  const count =
    Number(sizes.override) +
    Number(addressSize !== bits) +
    Number(rex !== 0 && !form.pattern.vex) +
    Number(waits(form, prefixes)) +
    Number(prefixes.lock === true) +
    Number(prefixes.repeat !== undefined) +
    Number((memory?.segment ?? prefixes.segment) !== undefined);
  return {
    form,
    rank,
    length: count + bodyLength(form, written),
    operandOverride: sizes.override,
    contradicted,
    addressOverride: addressSize !== bits,
    rex,
    size: natural ?? prefixes.operandSize ?? defaultSize(form, bits),
  };
}

/** Whether the target of a short branch is within its reach. */
function outOfReach(fit: Fit, { operands, address }: Written): boolean {
  const [target] = operands;
  if (fit.form.operands[0]?.text !== "rel8" || target?.kind !== "number" || target.value === undefined) return false;
  const distance = target.value - (address + BigInt(fit.length));
  return distance < -128n || distance > 127n;
}

/** 90h is NOP in 64-bit code, where XCHG EAX, EAX would clear the upper half of RAX. */
const isNop = ({ pattern, size }: Form, { bits, operands }: Written): boolean =>
  bits === 64 &&
  size === 32 &&
  pattern.plusRegister &&
  pattern.opcode === 0x90 &&
  pattern.map === 0 &&
  operands.every((operand) => operand.kind === "register" && operand.register.number === 0);

/** The statement in the form, or why it is not of it. */
export function fitForm(form: Form, written: Written): Fit | Misfit {
  const { operands, bits } = written;
  if (operands.length !== form.operands.length) return "operand-count";
  let rank = 0;
  let misfit: Misfit | undefined;
  for (let n = 0; n < operands.length; n++) {
    const fit = fitOperand(form.operands[n]!, operands[n]!, written, form);
    if (fit === "no-such-form") return fit;
    if (typeof fit === "string") misfit = fit;
    else rank += fit;
  }
  if (misfit) return misfit;
  if (keywordDisagrees(form, written)) return "operand-size-mismatch";
  if (!existsIn(form.row, bits)) return "wrong-mode";
  if (isNop(form, written)) return "no-such-form";
  const fit = measure(form, written, rank);
  if (typeof fit === "string") return fit;
  return outOfReach(fit, written) ? "jump-out-of-range" : fit;
}
