import { describe, expect, it } from "vitest";
import { decode } from "../../isa/decode.ts";
import { encode, type Refusal } from "../../isa/encode.ts";
import { existsIn } from "../../isa/form.ts";
import type { Bits } from "../../isa/operands.ts";
import { forms } from "../../isa/table.ts";
import { compare, difference } from "./iced-comparison.ts";
import { randomStrings } from "./random-strings.ts";
import { isCutShort, modes, samplesOf } from "./samples.ts";

/** A row that cannot be written, so that its statement is refused; random bytes find it all the same. */
const cannotBeWritten = ({ code }: Refusal, text: string): boolean =>
  code === "high-byte-with-rex" || text === "xchg eax, eax" || /^j(?!mp)\w+ (word|dword) /.test(text);

describe("decodes as iced does", () => {
  it.each(modes)("every row, %i bits", (bits) => {
    const differences = forms.flatMap((form) =>
      samplesOf(form, bits).flatMap(({ statement, text }) => {
        const encoding = encode(form.row, statement, { bits });
        if (encoding.kind === "refusal") return cannotBeWritten(encoding, text) ? [] : [`${text}: ${encoding.message}`];
        if (isCutShort(form.row)) return [];
        const { kind, text: what } = compare(encoding.bytes, bits);
        return kind === "instruction" ? [] : [`${text}: ${kind}, ${what}`];
      }),
    );
    expect(differences).toEqual([]);
  });

  it.each(modes)("random bytes, %i bits", (bits) => {
    const counts = new Map<string, number>();
    const differences = new Set<string>();
    for (const bytes of randomStrings(bits, 40_000)) {
      const { kind, text } = compare(bytes, bits);
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      if (kind !== "instruction" && kind !== "none" && kind !== "unknown") differences.add(`${kind}: ${text}`);
    }
    expect([...differences]).toEqual([]);
    expect(counts.get("instruction")).toBeGreaterThan(20_000);
  });
});

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
    return difference(code, bits) || [];
  });
  expect(differences).toEqual([]);
  expect(found.size).toBe(
    forms.filter(({ pattern, row }) => pattern.vex && existsIn(row, bits) && !row.writtenOnly).length,
  );
});

it.each(modes)("knows every encoding of the mnemonics it knows, %i bits", (bits) => {
  const codes = [...encodings(bits), ...vexEncodings()];
  expect(codes.flatMap((code) => difference(code, bits) || [])).toEqual([]);
});
