import { effectiveSize, existsIn, type Form, requiredSize } from "./form.ts";
import type { OpcodePattern } from "./opcode.ts";
import type { Bits } from "./operands.ts";

/** What besides opcode and ModRM decides which form an encoding is. */
export interface Prefixes {
  readonly operandOverride: boolean;
  readonly repeat: 0 | 0xf2 | 0xf3;
  readonly wide: boolean;
  readonly rexB: boolean;
  readonly addressSize: Bits;
  /** Mandatory prefix of a VEX prefix, 0 if it has none; undefined where there is no VEX prefix. */
  readonly vex: 0 | 0x66 | 0xf2 | 0xf3 | undefined;
}

/** All forms at one opcode of one map, in one mode; which one it is, is found once per combination and remembered. */
export interface Slot {
  readonly forms: readonly Form[];
  readonly hasModrm: boolean;
  /** The choice depends on the byte after the opcode, even if that is not a ModRM byte. */
  readonly looksAhead: boolean;
  readonly chosen: (Form | null | undefined)[][];
}

/** Forms that demand more come first: a fixed byte, a mandatory prefix, memory, no register in the opcode, a size. */
const specificity = ({ pattern, size, mod }: Form): number =>
  (pattern.second !== undefined ? 16 : 0) +
  (pattern.prefix || pattern.noPrefix ? 8 : 0) +
  (mod === "memory" ? 4 : 0) +
  (pattern.plusRegister ? 0 : 2) +
  (size !== undefined ? 1 : 0);

/**
 * Encodings that no manual assigns, or assigns without a use, but every processor treats as others: 82 as 80 (not in
 * 64-bit code), /6 of the shifts as /4, /1 of TEST as /0, any ModRM.reg of SETcc, extension to 16 bits as MOV, and FCOM,
 * FCOMP, FXCH and FSTP of a register under other x87 opcodes.
 * Decoded, never written.
 */
function aliasesOf({ pattern, size, mod }: Form, bits: Bits): Partial<OpcodePattern>[] {
  const { map, opcode, digit } = pattern;
  if (opcode >> 3 === 0x1b && map === 0) return mod === "register" ? x87Aliases(opcode, digit) : [];
  if (map === 1) return opcode >> 4 === 9 && digit === 0 ? [{ digit: undefined }] : [];
  if (map !== 0) return [];
  if (opcode === 0x8b && size === 16)
    return [{ map: 1, opcode: 0xb7 }, { map: 1, opcode: 0xbf }, ...(bits === 64 ? [{ opcode: 0x63 }] : [])];
  if (opcode === 0x80 && bits !== 64) return [{ opcode: 0x82 }];
  if (opcode >> 1 === 0x60 || opcode >> 2 === 0x34) return digit === 4 ? [{ digit: 6 }] : [];
  return opcode >> 1 === 0x7b && digit === 0 ? [{ digit: 1 }] : [];
}

function x87Aliases(opcode: number, digit: number | undefined): Partial<OpcodePattern>[] {
  if (opcode === 0xd8 && digit === 2) return [{ opcode: 0xdc }];
  if (opcode === 0xd8 && digit === 3) return [{ opcode: 0xdc }, { opcode: 0xde, digit: 2 }];
  if (opcode === 0xd9 && digit === 1) return [{ opcode: 0xdd }, { opcode: 0xdf }];
  return opcode === 0xdd && digit === 3 ? [{ opcode: 0xdf, digit: 2 }, { opcode: 0xdf }] : [];
}

function withAliases(forms: readonly Form[], bits: Bits): Form[] {
  return forms
    .filter((form) => existsIn(form.row, bits) && !form.row.writtenOnly)
    .flatMap((form) => [
      form,
      ...aliasesOf(form, bits).map((alias) => ({ ...form, pattern: { ...form.pattern, ...alias } })),
    ]);
}

const vexSlots = 0x400;

/** Where the forms of an encoding are found: legacy encodings by map and opcode, those with a VEX prefix after them. */
export const slotNumber = (map: number, opcode: number, vex: boolean): number =>
  (vex ? vexSlots : 0) | (map << 8) | opcode;

/** Slots by `slotNumber` for one mode. */
export function slotsOf(forms: readonly Form[], bits: Bits): (Slot | undefined)[] {
  const lists: Form[][] = [];
  for (const form of withAliases(forms, bits)) {
    const first = slotNumber(form.pattern.map, form.pattern.opcode, form.pattern.vex);
    for (let n = first; n < first + (form.pattern.plusRegister ? 8 : 1); n++) {
      lists[n] ??= [];
      lists[n]!.push(form);
    }
  }
  return Array.from({ length: 2 * vexSlots }, (_, n) => {
    const list = lists[n]?.sort((a, b) => specificity(b) - specificity(a));
    if (!list) return undefined;
    const hasModrm = list.some((form) => form.pattern.hasModrm);
    return {
      forms: list,
      hasModrm,
      looksAhead: hasModrm || list.some((f) => f.pattern.second !== undefined),
      chosen: [],
    };
  });
}

function prefixesMatch(form: Form, prefixes: Prefixes): boolean {
  const { prefix, noPrefix, noRepeat } = form.pattern;
  if (prefixes.vex !== undefined) return prefixes.vex === (prefix ?? 0);
  if (noRepeat && prefixes.repeat !== 0) return false;
  if (noPrefix) return !prefixes.operandOverride && prefixes.repeat === 0;
  // In the maps 0F 38 and 0F 3A, F2 and F3 always select another instruction.
  if (prefix === undefined) return form.pattern.map < 2 || prefixes.repeat === 0;
  return prefix === 0x66 ? prefixes.operandOverride && prefixes.repeat === 0 : prefixes.repeat === prefix;
}

function followingMatches({ pattern, mod }: Form, following: number): boolean {
  if (pattern.second !== undefined) return pattern.second === following;
  if (!pattern.hasModrm) return true;
  if (pattern.digit !== undefined && pattern.digit !== ((following >> 3) & 7)) return false;
  if (mod === "memory") return following < 0xc0;
  return mod !== "register" || following >= 0xc0;
}

function matches(
  form: Form,
  slot: Slot,
  bits: Bits,
  prefixes: Prefixes,
  following: number,
  narrowed: boolean,
): boolean {
  if (!prefixesMatch(form, prefixes) || !followingMatches(form, following)) return false;
  const { pattern } = form;
  if (pattern.addressSize !== undefined && pattern.addressSize !== prefixes.addressSize) return false;
  // 90h is NOP, but with REX.B it is XCHG R8, rAX; F3 90 is PAUSE either way.
  if (
    prefixes.rexB &&
    !pattern.plusRegister &&
    !pattern.prefix &&
    slot.forms.some((other) => other.pattern.plusRegister)
  )
    return false;
  const required = requiredSize(form, bits);
  const override = prefixes.operandOverride && pattern.prefix !== 0x66;
  const size = effectiveSize(form, bits, override, prefixes.wide);
  return required === undefined || required === (narrowed ? 32 : size);
}

const sizeIndex = (bits: Bits): number => (bits === 16 ? 0 : bits === 32 ? 1 : 2);

/** The form of an encoding; null if it is none. `following` is the byte after the opcode, 0 where it does not matter. */
export function choose(slot: Slot, bits: Bits, prefixes: Prefixes, following: number): Form | null {
  const repeats = prefixes.vex ?? prefixes.repeat;
  const repeat = repeats === 0 ? 0 : repeats === 0x66 ? 3 : repeats - 0xf1;
  const key =
    (((repeat * 3 + sizeIndex(prefixes.addressSize)) * 2 + Number(prefixes.operandOverride)) * 2 +
      Number(prefixes.wide)) *
      2 +
    Number(prefixes.rexB);
  slot.chosen[key] ??= [];
  const known = slot.chosen[key]![following];
  if (known !== undefined) return known;
  const find = (narrowed: boolean) =>
    slot.forms.find((form) => matches(form, slot, bits, prefixes, following, narrowed));
  // Where there is no 64-bit form, REX.W gives the 32-bit one: OUT DX, EAX.
  const found = find(false) ?? (prefixes.wide ? find(true) : undefined) ?? null;
  slot.chosen[key]![following] = found;
  return found;
}
