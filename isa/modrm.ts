import type { Cursor } from "./cursor.ts";
import type { Bits, Memory } from "./operands.ts";
import type { OperandWidth, SegmentName } from "./registers.ts";

/** Base and index of the 16-bit addressing forms, by ModRM.rm (SDM Vol. 2, table 2-1). */
export const pairs16: readonly (readonly [base: number | undefined, index: number | undefined])[] = [
  [3, 6],
  [3, 7],
  [5, 6],
  [5, 7],
  [6, undefined],
  [7, undefined],
  [5, undefined],
  [3, undefined],
];

/** What prefixes and mode say about a memory operand. */
export interface AddressContext {
  readonly addressSize: Bits;
  readonly bits: Bits;
  /** Segment override in force. */
  readonly segment: SegmentName | undefined;
  /** REX.X and REX.B as 0 or 8. */
  readonly rexX: number;
  readonly rexB: number;
}

const small = Array.from({ length: 256 }, (_, n) => BigInt(n - 128));
/** The number as a bigint, without making a new one for the usual displacements. */
export const big = (value: number): bigint => (value >= -128 && value < 128 ? small[value + 128]! : BigInt(value));

/** Segment that applies without an override: SS where the base is (E/R)BP or (E/R)SP. */
const defaultSegment = (base: number | undefined): SegmentName => (base === 4 || base === 5 ? "ss" : "ds");

function memory16(cursor: Cursor, modrm: number, context: AddressContext, width: OperandWidth | undefined): Memory {
  const mod = modrm >> 6;
  const absolute = mod === 0 && (modrm & 7) === 6;
  const [base, index] = absolute ? [undefined, undefined] : pairs16[modrm & 7]!;
  const displacement = absolute || mod === 2 ? cursor.signed16() : mod === 1 ? cursor.signed8() : 0;
  return {
    kind: "memory",
    width,
    addressSize: 16,
    segment: context.segment ?? defaultSegment(base),
    base,
    index,
    scale: 1,
    displacement: big(displacement),
    ripRelative: false,
  };
}

/** The memory operand of a ModRM byte with mod ≠ 3; reads SIB and displacement. */
export function memoryOperand(
  cursor: Cursor,
  modrm: number,
  context: AddressContext,
  width: OperandWidth | undefined,
): Memory {
  if (context.addressSize === 16) return memory16(cursor, modrm, context, width);
  const mod = modrm >> 6;
  let rm = modrm & 7;
  let index: number | undefined;
  let scale: Memory["scale"] = 1;
  const hasSib = rm === 4;
  if (hasSib) {
    const sib = cursor.next();
    rm = sib & 7;
    const number = ((sib >> 3) & 7) | context.rexX;
    if (number !== 4) {
      index = number;
      scale = (1 << (sib >> 6)) as Memory["scale"];
    }
  }
  const noBase = mod === 0 && rm === 5;
  const base = noBase ? undefined : rm | context.rexB;
  const displacement = noBase || mod === 2 ? cursor.signed32() : mod === 1 ? cursor.signed8() : 0;
  return {
    kind: "memory",
    width,
    addressSize: context.addressSize,
    segment: context.segment ?? defaultSegment(base),
    base,
    index,
    scale,
    displacement: big(displacement),
    ripRelative: noBase && !hasSib && context.bits === 64,
  };
}
