import { flagMask, type StatusFlag } from "../../isa/flags.ts";
import { layout } from "./layout.ts";
import type { State } from "./state.ts";

const flagZ = layout.flagZ >> 2;
const flagSP = layout.flagSP >> 2;
const flagC = layout.flagC >> 2;

const CF = flagMask("CF");
const PF = flagMask("PF");
const AF = flagMask("AF");
const ZF = flagMask("ZF");
const SF = flagMask("SF");
const OF = flagMask("OF");

/** The six status flags' bits of RFLAGS. */
export const statusMask = CF | PF | AF | ZF | SF | OF;
/** All flags that exist, the fixed bit 1 excluded. */
export const definedFlags = 0x3f_7fd5;

/** Even parity of the low byte. */
function evenParity(value: number): boolean {
  let byte = value & 0xff;
  byte ^= byte >> 4;
  return ((0x9669 >> (byte & 0xf)) & 1) !== 0;
}

/** Evaluates the six status flags to their bits of RFLAGS (see `layout.ts` for how they are kept). */
export function statusFlags(state: State): number {
  const { r32 } = state;
  const carries = r32[flagC]!;
  let image = 0;
  if (carries < 0) image |= CF;
  if ((carries ^ (carries << 1)) < 0) image |= OF;
  if ((carries & 8) !== 0) image |= AF;
  if (r32[flagZ] === 0) image |= ZF;
  if (r32[flagSP]! < 0) image |= SF;
  if (evenParity(r32[flagSP]!)) image |= PF;
  return image;
}

/** Sets the six status flags from an image of RFLAGS. */
export function setStatusFlags(state: State, image: number): void {
  const { r32 } = state;
  const carry = (image & CF) !== 0 ? 1 : 0;
  const overflow = (image & OF) !== 0 ? 1 : 0;
  r32[flagZ] = (image & ZF) !== 0 ? 0 : 1;
  r32[flagSP] = ((image & SF) !== 0 ? 0x8000_0000 : 0) | ((image & PF) !== 0 ? 0 : 1);
  r32[flagC] = (carry << 31) | ((carry ^ overflow) << 30) | ((image & AF) !== 0 ? 8 : 0);
}

export function setStatusFlag(state: State, flag: StatusFlag, value: boolean): void {
  const image = statusFlags(state);
  setStatusFlags(state, value ? image | flagMask(flag) : image & ~flagMask(flag));
}

/** The whole RFLAGS image (bits 63:22 are 0). */
export const flagsImage = (state: State): number => statusFlags(state) | state.eflags;

/** Which flags POPF changes besides the status flags, DF, TF and NT (SDM Vol. 2, POPF). */
export function popFlagsMask(state: State, width: 16 | 32 | 64): number {
  let mask = statusMask | flagMask("TF") | flagMask("DF") | flagMask("NT");
  if (state.cpl <= state.iopl) mask |= flagMask("IF");
  if (state.cpl === 0) mask |= flagMask("IOPL");
  if (width > 16) mask |= flagMask("AC") | flagMask("ID") | flagMask("RF");
  return mask;
}
