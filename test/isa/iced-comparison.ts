import { decode } from "../../isa/decode.ts";
import type { Bits, Decoded } from "../../isa/operands.ts";
import { registerNamed } from "../../isa/registers.ts";
import { mnemonics } from "../../isa/table.ts";
import { type IcedDecoding, icedDecode, ownOperand } from "./iced.ts";

/** Differences that are meant, with their reason. */
const sameInstruction: Readonly<Record<string, readonly string[]>> = {
  // NASM's and the manual's other names.
  movsxd: ["movsxd", "movsx"],
  mov: ["mov", "movzx", "movsx", "movsxd" /* to 16 bits there is nothing to extend */],
  shl: ["shl", "sal" /* for the encoding /6 */],
  sysret: ["sysret", "sysretq"],
  sysexit: ["sysexit", "sysexitq"],
  fwait: ["wait"],
  fsetpm: ["fnsetpm"],
  getsec: ["getsec", "getsecq" /* REX.W makes no difference */],
};

/**
 * Implied operands that iced lists and our rows leave to the semantics; and XBEGIN, whose target of 32 bits at a 16-bit operand
 * size nobody jumps to.
 */
const impliesOperands = /^(movs|cmps|stos|lods|scas|ins|outs)[bwdq]$|^xlatb?$|^aa[md]$|^maskmov|^xbegin$/;

/** nasm numbers the reserved no-operations; iced has one name for all, or that of an extension that uses one. */
const isHint = ({ row }: Decoded): boolean => row.mnemonic.startsWith("hint_nop");
const hints = /^(reservednop|nop|bnd\w+|prefetch\w+|cldemote|rdssp[dq])$/;

/** Operands whose order means nothing. */
const commutes = /^(xchg|test)$/;

/** iced names the register of a selector at the operand size, our rows at the 16 bits that count. */
const namesSelector = ({ row }: Decoded): boolean =>
  /^(lar|lsl|verr|verw|lldt|ltr|lmsw|arpl)$/.test(row.mnemonic) || row.operands[0]?.text === "Sreg";
const numberOf = (name: string): string => String(registerNamed(name)?.number ?? name);

/** Encodings of mnemonics we know that are not in the table, with their reason. */
const notInTable: readonly (readonly [text: RegExp, because: string])[] = [
  [/^pextrw .*xmm.*: 66(48)?0f3a15/, "PEXTRW of SSE4.1; there is no SSE4"],
  [
    /^xbegin .*66c7f8/,
    "XBEGIN rel16 in 64-bit code, which nobody writes; without transactions #UD like its bytes here",
  ],
  [/^vmmcall /, "with 66h VMMCALL is reserved"],
];

/**
 * How our decoder and iced agree on the beginning of some bytes: on an instruction; that there is none; or on nothing,
 * because the instruction is not in our table (`unknown`). The others are differences.
 */
export type Agreement = "instruction" | "none" | "unknown";
export type Disagreement = "only-ours" | "only-iced" | "length" | "mnemonic" | "operands";

export interface Comparison {
  readonly kind: Agreement | Disagreement;
  /** What both made of it, for people. */
  readonly text: string;
}

const known = new Set(mnemonics);

function withoutOurs(iced: IcedDecoding | undefined, bytes: Uint8Array): Comparison {
  if (!iced) return { kind: "none", text: "" };
  const entry = `${iced.mnemonic} ${iced.operands}: ${Buffer.from(bytes).toString("hex")}`;
  const isKnown = known.has(iced.mnemonic) && !notInTable.some(([pattern]) => pattern.test(entry));
  return { kind: isKnown ? "only-iced" : "unknown", text: isKnown ? entry : iced.mnemonic };
}

/** Compares length, mnemonic and operands. */
export function compare(bytes: Uint8Array, bits: Bits): Comparison {
  const decoded = decode(bytes, 0, bits);
  const iced = icedDecode(bytes, bits);
  if (typeof decoded === "string") return withoutOurs(iced, bytes);
  const ours = decoded.row.mnemonic;
  const at = `${bits} bits, ${Buffer.from(bytes.subarray(0, 15)).toString("hex")}, ${decoded.row.syntax}`;
  if (!iced) return { kind: "only-ours", text: at };
  if (iced.length !== decoded.length)
    return { kind: "length", text: `${at}: length ${decoded.length}, iced ${iced.length}` };
  if (isHint(decoded) && hints.test(iced.mnemonic)) return { kind: "instruction", text: "" };
  if (!(sameInstruction[ours] ?? [ours]).includes(iced.mnemonic))
    return { kind: "mnemonic", text: `${at}: ${ours}, iced ${iced.mnemonic}` };
  if (impliesOperands.test(ours)) return { kind: "instruction", text: "" };
  const operands = decoded.operands.map((operand) => ownOperand(operand, decoded));
  const theirs = [...iced.operands];
  if (namesSelector(decoded)) for (const list of [operands, theirs]) list.splice(0, 2, ...list.map(numberOf));
  if (commutes.test(ours)) for (const list of [operands, theirs]) list.sort();
  const same = String(operands) === String(theirs);
  return same ? { kind: "instruction", text: "" } : { kind: "operands", text: `${at}: ${operands}, iced ${theirs}` };
}

/** What differs, as text; empty if nothing does. */
export function difference(bytes: Uint8Array, bits: Bits): string {
  const { kind, text } = compare(bytes, bits);
  return kind === "instruction" || kind === "none" || kind === "unknown" ? "" : `${kind}: ${text}`;
}
