import { defaultSize, fitOperand } from "./fit-operand.ts";
import { effectiveSize, existsIn, type Form, requiredSize } from "./form.ts";
import type { Bits } from "./operands.ts";
import type { WrittenOperand, WrittenPrefixes } from "./statement.ts";
import type { Misfit, Written } from "./written.ts";

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
