import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decode } from "../../isa/decode.ts";
import { encode, type Refusal } from "../../isa/encode.ts";
import { existsIn } from "../../isa/form.ts";
import type { Bits, Decoded } from "../../isa/operands.ts";
import { registerNamed } from "../../isa/registers.ts";
import { forms, mnemonics } from "../../isa/table.ts";
import { icedDecode, ownOperand } from "./iced.ts";
import { modes, samplesOf } from "./samples.ts";

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
  wbinvd: ["wbinvd", "wbnoinvd" /* without WBNOINVD the F3 prefix is ignored (SDM Vol. 2, WBNOINVD) */],
};

/** Implied operands that iced lists and our rows leave to the semantics. */
const impliesOperands = /^(movs|cmps|stos|lods|scas|ins|outs)[bwdq]$|^xlatb?$|^aa[md]$|^maskmov/;

/** Operands whose order means nothing. */
const commutes = /^(xchg|test)$/;

/** iced names the register of a selector at the operand size, our rows at the 16 bits that count. */
const namesSelector = ({ row }: Decoded): boolean =>
  /^(lar|lsl|verr|verw|lldt|ltr|lmsw|arpl)$/.test(row.mnemonic) || row.operands[0]?.text === "Sreg";
const numberOf = (name: string): string => String(registerNamed(name)?.number ?? name);

/** A row that cannot be written, so that its statement is refused; random bytes find it all the same. */
const cannotBeWritten = ({ code }: Refusal, text: string): boolean =>
  code === "high-byte-with-rex" || text === "xchg eax, eax" || /^j(?!mp)\w+ (word|dword) /.test(text);

/** What differs between our decoding and iced's, as text; empty if nothing does. */
function difference(decoded: Decoded, bytes: Uint8Array, bits: Bits): string {
  const iced = icedDecode(bytes, bits);
  const ours = decoded.row.mnemonic;
  const at = `${bits} bits, ${Buffer.from(bytes.subarray(0, 15)).toString("hex")}, ${decoded.row.syntax}`;
  if (!iced) return `${at}: invalid to iced`;
  if (iced.length !== decoded.length) return `${at}: length ${decoded.length}, iced ${iced.length}`;
  if (!(sameInstruction[ours] ?? [ours]).includes(iced.mnemonic)) return `${at}: ${ours}, iced ${iced.mnemonic}`;
  if (impliesOperands.test(ours)) return "";
  const operands = decoded.operands.map((operand) => ownOperand(operand, decoded));
  const theirs = [...iced.operands];
  if (namesSelector(decoded)) for (const list of [operands, theirs]) list.splice(0, 2, ...list.map(numberOf));
  if (commutes.test(ours)) for (const list of [operands, theirs]) list.sort();
  return String(operands) === String(theirs) ? "" : `${at}: ${operands}, iced ${theirs}`;
}

describe("decodes as iced does", () => {
  it.each(modes)("every row, %i bits", (bits) => {
    const differences = forms.flatMap((form) =>
      samplesOf(form, bits).flatMap(({ statement, text }) => {
        const encoding = encode(form.row, statement, { bits });
        if (encoding.kind === "refusal") return cannotBeWritten(encoding, text) ? [] : [`${text}: ${encoding.message}`];
        const decoded = decode(encoding.bytes, 0, bits);
        if (typeof decoded === "string") return [`${text}: ${decoded}`];
        return difference(decoded, encoding.bytes, bits) || [];
      }),
    );
    expect(differences).toEqual([]);
  });

  it.each(modes)("random bytes, %i bits", (bits) => {
    const prefix = fc.constantFrom(0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x64, 0x0f, 0x48, 0x41, 0x4f);
    const bytes = fc
      .tuple(fc.array(prefix, { maxLength: 3 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
      .map(([first, rest]) => Uint8Array.from([...first, ...rest]).subarray(0, 16));
    fc.assert(
      fc.property(bytes, (code) => {
        const decoded = decode(code, 0, bits);
        if (typeof decoded !== "string") expect(difference(decoded, code, bits)).toBe("");
      }),
      { numRuns: 20_000, seed: 1 },
    );
  });
});

/** Encodings of mnemonics we know that are not in the table, with their reason. */
const notInTable: readonly (readonly [text: RegExp, because: string])[] = [
  [/^pextrw .*xmm.*: 66(48)?0f3a15/, "PEXTRW of SSE4.1; there is no SSE4"],
  [/^bswap .*[abcds][xpi]:/, "the result of BSWAP with a 16-bit register is undefined"],
  [/^vmmcall /, "with 66h VMMCALL is reserved"],
];

/** Every opcode of the maps behind C4 that have rows, for both sizes and some registers, with and without an error. */
function* vexEncodings(): Generator<Uint8Array> {
  for (const maps of [0xe2, 0xe3, 0xc2, 0x62])
    for (const rest of [0x78, 0x70, 0xf8, 0xf0, 0x38, 0x7c])
      for (const prefix of [0, 1, 2, 3])
        for (let opcode = 0; opcode < 256; opcode++)
          for (const modrm of [0x01, 0xc1, 0x09, 0xc9, 0x11, 0xd1, 0x19, 0xd9])
            yield Uint8Array.from([0xc4, maps, rest | prefix, opcode, modrm, 0x11, 0x22, 0, 0, 0, 0]);
}

/** Every opcode of every map, with every ModRM.reg, for a register and for memory. */
function* encodings(bits: Bits): Generator<Uint8Array> {
  const prefixes = [[], [0x66], [0xf2], [0xf3], [0x67], ...(bits === 64 ? [[0x48], [0x66, 0x48]] : [])];
  const maps = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];
  for (const prefix of prefixes)
    for (const map of maps)
      for (let opcode = 0; opcode < 256; opcode++)
        for (let reg = 0; reg < 8; reg++)
          for (const modrm of [0x01, 0xc1])
            yield Uint8Array.from([
              ...prefix,
              ...map,
              opcode,
              modrm | (reg << 3),
              0x11,
              0x22,
              0x33,
              0x44,
              0,
              0,
              0,
              0,
              0,
              0,
              0,
              0,
            ]);
}

it.each(modes)("decodes VEX prefixes as iced does, %i bits", (bits) => {
  const found = new Set<string>();
  const differences = [...vexEncodings()].flatMap((code) => {
    const decoded = decode(code, 0, bits);
    if (typeof decoded === "string") return [];
    if (decoded.row.pattern.vex) found.add(decoded.row.syntax);
    return difference(decoded, code, bits) || [];
  });
  expect(differences).toEqual([]);
  expect(found.size).toBe(forms.filter((form) => form.pattern.vex && existsIn(form.row, bits)).length);
});

describe("knows every encoding of the mnemonics it knows", () => {
  it.each(modes)("%i bits", (bits) => {
    const missing = new Set<string>();
    for (const code of [...encodings(bits), ...vexEncodings()]) {
      if (typeof decode(code, 0, bits) !== "string") continue;
      const iced = icedDecode(code, bits);
      if (!iced || !mnemonics.includes(iced.mnemonic)) continue;
      const text = `${iced.mnemonic} ${iced.operands}`;
      const entry = `${text}: ${Buffer.from(code).toString("hex")}`;
      if (!notInTable.some(([pattern]) => pattern.test(entry))) missing.add(entry);
    }
    expect([...missing]).toEqual([]);
  });
});
