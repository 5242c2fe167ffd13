import type { Complaint } from "./encode.ts";
import { type Fit, offsetBytes, waits } from "./fit.ts";
import { immediateWidth } from "./operand-pattern.ts";
import type { Width } from "./registers.ts";
import type { WrittenNumber } from "./statement.ts";
import type { Written } from "./written.ts";

const segmentPrefixes = { es: 0x26, cs: 0x2e, ss: 0x36, ds: 0x3e, fs: 0x64, gs: 0x65 } as const;
const mapBytes = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const;

/** A part of the bytes that holds the number of an operand. */
export interface Field {
  /** Index of the operand. */
  readonly operand: number;
  readonly at: number;
  readonly bytes: number;
  /** Counted from the end of the instruction. */
  readonly relative: boolean;
  /** Sign-extended where it is used. */
  readonly signed: boolean;
  /** The selector of a far pointer. */
  readonly selector?: boolean;
}

/** Bytes in the making, and what was cut on the way. */
interface Output {
  readonly bytes: Uint8Array;
  position: number;
  readonly warnings: Complaint[];
  readonly fields: Field[];
}

function put(output: Output, byte: number): void {
  output.bytes[output.position++] = byte;
}

function putNumber(output: Output, value: bigint, bytes: number): void {
  if (bytes <= 4) {
    let rest = Number(BigInt.asIntN(32, value));
    for (let n = 0; n < bytes; n++, rest >>= 8) put(output, rest & 0xff);
    return;
  }
  let rest = BigInt.asUintN(64, value);
  for (let n = 0; n < bytes; n++, rest >>= 8n) put(output, Number(rest & 0xffn));
}

/** Prefixes in the order in which nasm writes them. */
function putPrefixes(output: Output, { form, operandOverride, addressOverride, rex }: Fit, written: Written): void {
  const { prefixes, memory } = written;
  if (waits(form, prefixes)) put(output, 0x9b);
  if (prefixes.repeat) put(output, prefixes.repeat === "rep" ? 0xf3 : 0xf2);
  if (prefixes.lock) put(output, 0xf0);
  const segment = memory?.segment ?? prefixes.segment;
  if (segment) put(output, segmentPrefixes[segment]);
  if (operandOverride) put(output, 0x66);
  if (addressOverride) put(output, 0x67);
  if (form.pattern.vex) return;
  if (form.pattern.prefix) put(output, form.pattern.prefix);
  if (rex) put(output, rex);
}

const vexPrefixes = [undefined, 0x66, 0xf3, 0xf2] as const;

/** The VEX prefix of three bytes; the one of two is for the map 0F, where we have no row. */
function putVex(output: Output, { form, rex }: Fit, written: Written): void {
  const { map, prefix } = form.pattern;
  const vvvv = form.operands.findIndex(({ place }) => place === "vvvv");
  const operand = written.operands[vvvv];
  const number = operand?.kind === "register" ? operand.register.number : 0;
  put(output, 0xc4);
  put(output, ((~rex & 7) << 5) | map);
  put(output, ((rex & 8) << 4) | ((~number & 15) << 3) | vexPrefixes.indexOf(prefix));
}

function registerIn(fit: Fit, written: Written, place: "reg" | "rm" | "opcode"): number | undefined {
  const { operands } = fit.form;
  for (let n = 0; n < operands.length; n++) {
    const operand = written.operands[n]!;
    if (operands[n]!.place !== place || operand.kind !== "register") continue;
    const { register } = operand;
    return register.class === "high-byte" ? register.number + 4 : register.number & 7;
  }
  return undefined;
}

function putModrm(output: Output, fit: Fit, written: Written): void {
  const reg = fit.form.pattern.digit ?? registerIn(fit, written, "reg") ?? 0;
  const { effective } = written;
  if (!effective) {
    put(output, 0xc0 | (reg << 3) | (registerIn(fit, written, "rm") ?? 0));
    return;
  }
  put(output, (effective.mod << 6) | (reg << 3) | effective.rm);
  if (effective.sib !== undefined) put(output, effective.sib);
  const next = written.address + BigInt(fit.length);
  const value = effective.ripRelative ? effective.displacement - next : effective.displacement;
  if (effective.displacementBytes > 0)
    output.fields.push({
      operand: written.operands.indexOf(written.memory!),
      at: output.position,
      bytes: effective.displacementBytes,
      relative: effective.ripRelative === true,
      signed: effective.displacementBytes * 8 < effective.addressSize,
    });
  putNumber(output, value, effective.displacementBytes);
  const bits = effective.displacementBytes * 8;
  const limit = effective.addressSize === 64 ? BigInt.asIntN(32, value) === value : inField(value, bits);
  if (bits > 0 && !limit) warnCut(output, `the displacement ${value}`, bits, written.operands.indexOf(written.memory!));
}

/** Whether a value, signed or unsigned, has no more than `bits` bits. */
const inField = (value: bigint, bits: number): boolean => {
  const range = 1n << BigInt(bits);
  return value >= -range && value < range;
};

function warnCut(output: Output, what: string, bits: number, operand: number, remedy = ""): void {
  output.warnings.push({
    code: "value-out-of-range",
    message: `${what} does not fit into ${bits} bits; only its low ${bits} bits are used${remedy}`,
    operand,
  });
}

/** `signedTo`: the field is sign-extended to so many bits. */
function putImmediate(
  output: Output,
  { value = 0n }: WrittenNumber,
  width: Width,
  signedTo: Width | undefined,
  n: number,
  remedy: string,
): void {
  putNumber(output, value, width / 8);
  if (signedTo === undefined) {
    if (!inField(value, width)) warnCut(output, `${value}`, width, n, remedy);
    return;
  }
  const meant = BigInt.asUintN(signedTo, BigInt.asIntN(width, value));
  if (BigInt.asUintN(signedTo, value) === meant && inField(value, signedTo)) return;
  output.warnings.push({
    code: "value-out-of-range",
    message: `${value} does not fit here; what is used is 0x${meant.toString(16)}, ${width} bits sign-extended to ${signedTo}`,
    operand: n,
  });
}

/** What follows ModRM: offsets, immediates, distances, in the order of the operands (which is that of the encoding). */
function putTrailing(output: Output, fit: Fit, written: Written): void {
  const { form, size } = fit;
  const next = written.address + BigInt(fit.length);
  form.operands.forEach((pattern, n) => {
    const operand = written.operands[n]!;
    if (pattern.place === "moffs" && written.effective) {
      const { addressSize, displacement } = written.effective;
      const bytes = offsetBytes(addressSize);
      output.fields.push({ operand: n, at: output.position, bytes, relative: false, signed: false });
      putNumber(output, displacement, offsetBytes(addressSize));
      if (!inField(displacement, addressSize)) warnCut(output, `the offset ${displacement}`, addressSize, n);
    } else if (pattern.place === "immediate" && operand.kind === "number") {
      const to = form.byte ? 8 : size;
      const extends64 = pattern.signed || (pattern.width === 32 && to === 64);
      const bytes = immediateWidth(pattern) / 8;
      const signed = extends64 && bytes * 8 < to;
      output.fields.push({ operand: n, at: output.position, bytes, relative: false, signed });
      const remedy = form.row.family === "io" ? "; a port above 255 has to be in DX" : "";
      putImmediate(output, operand, immediateWidth(pattern), extends64 ? to : undefined, n, remedy);
    } else if (pattern.place === "relative" && operand.kind === "number") {
      const bytes = (pattern.width ?? 8) / 8;
      output.fields.push({ operand: n, at: output.position, bytes, relative: true, signed: false });
      putNumber(output, (operand.value ?? next) - next, bytes);
    } else if (pattern.place === "far" && operand.kind === "far") {
      const bytes = pattern.width === 16 ? 2 : 4;
      output.fields.push({ operand: n, at: output.position, bytes, relative: false, signed: false });
      putNumber(output, operand.offset ?? 0n, bytes);
      output.fields.push({ operand: n, at: output.position, bytes: 2, relative: false, signed: false, selector: true });
      putNumber(output, operand.selector ?? 0n, 2);
    }
  });
}

/** The bytes of a statement in the form it fits, and warnings where nasm would warn. */
export function emit(
  fit: Fit,
  written: Written,
): { readonly bytes: Uint8Array; readonly warnings: readonly Complaint[]; readonly fields: readonly Field[] } {
  const output: Output = { bytes: new Uint8Array(fit.length), position: 0, warnings: [], fields: [] };
  const { pattern, row, memory } = fit.form;
  if (written.prefixes.lock && !(row.lockable && written.memory && memory))
    output.warnings.push({
      code: "prefix-not-allowed",
      message: `${row.mnemonic.toUpperCase()} cannot be locked here; the processor raises #UD`,
    });
  if (fit.contradicted)
    output.warnings.push({
      code: "prefix-not-allowed",
      message: `the prefix O${written.prefixes.operandSize} asks for another size than the operands of ${row.mnemonic.toUpperCase()} have, and wins`,
    });
  const [target] = written.operands;
  if (row.mnemonic === "mov" && target?.kind === "register" && target.register.name === "cs")
    output.warnings.push({
      code: "no-such-form",
      message: "CS cannot be loaded with MOV; use a far jump, call or return: here the processor raises #UD",
      operand: 0,
    });
  written.operands.forEach((operand, n) => {
    if (operand.kind !== "register" || operand.size === undefined || operand.size === operand.register.width) return;
    const name = operand.register.name.toUpperCase();
    const message = `the size before ${name} changes nothing: ${name} has ${operand.register.width} bits`;
    output.warnings.push({ code: "operand-size-mismatch", message, operand: n });
  });
  putPrefixes(output, fit, written);
  if (pattern.vex) putVex(output, fit, written);
  else for (const byte of mapBytes[pattern.map]) put(output, byte);
  put(output, pattern.opcode | (registerIn(fit, written, "opcode") ?? 0));
  if (pattern.second !== undefined) put(output, pattern.second);
  if (pattern.hasModrm) putModrm(output, fit, written);
  putTrailing(output, fit, written);
  if (pattern.last !== undefined) put(output, pattern.last);
  return output;
}
