/** A part of the encoding that follows opcode and ModRM, by the manual's code (SDM Vol. 2, 3.1.1.1). */
type TrailingCode = "ib" | "iw" | "id" | "iq" | "cb" | "cw" | "cd" | "cp" | "moffs";

/** Opcode maps: one-byte opcodes, 0F, 0F 38, 0F 3A. */
type OpcodeMap = 0 | 1 | 2 | 3;

type MandatoryPrefix = 0x66 | 0xf2 | 0xf3;

/** The opcode column of a row, taken apart. */
export interface OpcodePattern {
  readonly map: OpcodeMap;
  /** Opcode byte within its map; with `plusRegister` the low three bits are zero. */
  readonly opcode: number;
  /** A byte that must follow the opcode: the whole ModRM byte of VMCALL (0F 01 C1), the 0A of AAM. */
  readonly second: number | undefined;
  /** A ModRM byte with operands or an opcode extension follows: `/r` or `/digit`. */
  readonly hasModrm: boolean;
  /** `/0`–`/7`: opcode extension in ModRM.reg. */
  readonly digit: number | undefined;
  /** `+r`: the low three opcode bits are a register number. */
  readonly plusRegister: boolean;
  /** Mandatory prefix: part of the opcode, not a repeat or size prefix. */
  readonly prefix: MandatoryPrefix | undefined;
  /** A byte after all else that is part of the opcode: the 00 of CMPEQPS. */
  readonly last: number | undefined;
  /** `9B` first: FWAIT, before which prefixes do not come. Two instructions to the processor, so only ever written. */
  readonly wait: boolean;
  /** A VEX prefix stands for mandatory prefix, map and REX; `operandSize` is its W, and its L is 0. */
  readonly vex: boolean;
  /** `NP`: the encoding with 66, F2 or F3 is another instruction or undefined. */
  readonly noPrefix: boolean;
  /** `NFx`: with F2 or F3 it is another instruction or undefined; 66 is the operand size. */
  readonly noRepeat: boolean;
  /**
   * `o16`, `o32`, `o64`: the form exists for this operand size only, where operands do not say it (PUSHFD).
   * `o*`: the operand size makes no difference, although the operands look as if it did (LLDT r/m16).
   */
  readonly operandSize: 16 | 32 | 64 | "any" | undefined;
  /** `a16`, `a32`, `a64`: the form exists for this address size only (JECXZ). */
  readonly addressSize: 16 | 32 | 64 | undefined;
  /** What follows opcode and ModRM, in order. */
  readonly trailing: readonly TrailingCode[];
}

const trailingCodes: ReadonlySet<string> = new Set(["ib", "iw", "id", "iq", "cb", "cw", "cd", "cp", "moffs"]);
const prefixBytes: readonly MandatoryPrefix[] = [0x66, 0xf2, 0xf3];
type Size = 16 | 32 | 64;

/**
 * Reads an opcode column: `80 /0 ib`, `0F A2`, `B8+r id`, `F3 0F B8 /r`, `o32 9C`, `o* 0F 00 /2`, `a16 E3 cb`, `NP 0F C7 /6`, `NFx 0F C7 /6`, `A0 moffs`,
 * `EA cp`, `9B D9 /7`, `NP 0F C2 /r 00`, `VEX.LZ.F2.0F38.W1 F5 /r`. Throws at load time on anything else.
 */
export function parseOpcode(text: string): OpcodePattern {
  const pattern: { -readonly [K in keyof OpcodePattern]: OpcodePattern[K] } & { trailing: TrailingCode[] } = {
    map: 0,
    opcode: 0,
    second: undefined,
    hasModrm: false,
    digit: undefined,
    plusRegister: false,
    prefix: undefined,
    last: undefined,
    wait: false,
    vex: false,
    noPrefix: false,
    noRepeat: false,
    operandSize: undefined,
    addressSize: undefined,
    trailing: [],
  };
  const bytes: number[] = [];
  for (const token of text.trim().split(/\s+/).flatMap(withoutVex)) {
    const byte = /^([0-9A-F]{2})(\+r)?$/.exec(token);
    const size = /^([oa])(16|32|64)$/.exec(token);
    if (byte && pattern.hasModrm) pattern.last = Number.parseInt(byte[1]!, 16);
    else if (byte && !pattern.wait && bytes.length === 0 && text.startsWith("9B ")) pattern.wait = true;
    else if (byte) {
      bytes.push(Number.parseInt(byte[1]!, 16));
      pattern.plusRegister ||= byte[2] !== undefined;
    } else if (token === "o*") pattern.operandSize = "any";
    else if (size) pattern[size[1] === "o" ? "operandSize" : "addressSize"] = Number(size[2]) as Size;
    else if (/^\/[r0-7]$/.test(token)) {
      pattern.hasModrm = true;
      if (token !== "/r") pattern.digit = Number(token[1]);
    } else if (token === "VEX") pattern.vex = true;
    else if (token === "NP") pattern.noPrefix = true;
    else if (token === "NFx") pattern.noRepeat = true;
    else if (trailingCodes.has(token)) pattern.trailing.push(token as TrailingCode);
    else throw new Error(`opcode "${text}": "${token}" is not part of the notation`);
  }
  return { ...pattern, ...splitBytes(text, bytes) };
}

/** What the parts of a VEX prefix mean, in the notation of other opcodes: `VEX.LZ.F2.0F38.W1` is `VEX o64 F2 0F 38`. */
function withoutVex(token: string): string[] {
  const [, prefix, map, wide] = /^VEX\.LZ\.(?:(66|F2|F3)\.)?0F(38|3A)\.W([01])$/.exec(token) ?? [];
  if (map === undefined) return [token];
  return ["VEX", wide === "1" ? "o64" : "o32", ...(prefix === undefined ? [] : [prefix]), "0F", map];
}

/** Tells mandatory prefix, map, opcode and fixed second byte apart. */
function splitBytes(
  text: string,
  bytes: readonly number[],
): Pick<OpcodePattern, "prefix" | "map" | "opcode" | "second"> {
  const first = bytes.length > 1 ? prefixBytes.indexOf(bytes[0] as MandatoryPrefix) : -1;
  const rest = first < 0 ? bytes : bytes.slice(1);
  const map = mapOf(rest);
  const [opcode, second, ...more] = rest.slice(map > 1 ? 2 : map);
  if (opcode === undefined || more.length > 0) throw new Error(`opcode "${text}" has a wrong number of bytes`);
  return { prefix: prefixBytes[first], map, opcode, second };
}

function mapOf([first, next]: readonly number[]): OpcodeMap {
  if (first !== 0x0f || next === undefined) return 0;
  return next === 0x38 ? 2 : next === 0x3a ? 3 : 1;
}
