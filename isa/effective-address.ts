import { pairs16 } from "./modrm.ts";
import type { Bits } from "./operands.ts";
import type { RegisterName } from "./registers.ts";
import type { WrittenMemory } from "./statement.ts";

/** A memory operand in ModRM, SIB and displacement. */
export interface EffectiveAddress {
  readonly addressSize: Bits;
  readonly mod: 0 | 1 | 2;
  readonly rm: number;
  readonly sib: number | undefined;
  /** Bit 3 of index and base, for REX.X and REX.B. */
  readonly rexX: boolean;
  readonly rexB: boolean;
  /** Bytes of displacement. */
  readonly displacementBytes: 0 | 1 | 2 | 4;
  readonly displacement: bigint;
  /** The displacement is the target's address: the distance from the next instruction is what is encoded. */
  readonly ripRelative: boolean;
}

/** Base and index as the encoding will have them. */
interface Parts {
  base: number | undefined;
  index: number | undefined;
  scale: number;
}

const stackPointer = 4;
const basePointer = 5;

const wrongRegister = (register: RegisterName | undefined): RegisterName | undefined =>
  register && (register.class !== "general" || register.width === 8) ? register : undefined;

/** Width of the address: what was asked for, else that of the registers, else the mode's. A text says what is wrong. */
function addressSizeOf(memory: WrittenMemory, bits: Bits, prefix: Bits | undefined): Bits | string {
  const { base, index } = memory;
  const wrong = wrongRegister(base) ?? wrongRegister(index);
  if (wrong) return `${wrong.name.toUpperCase()} cannot be used in an address`;
  if (base && index && base.width !== index.width)
    return `${base.name.toUpperCase()} and ${index.name.toUpperCase()} have different widths; registers of one address must have the same`;
  // In 64-bit code `[dword 5]` sizes the displacement only, for both sizes have four bytes of it.
  const sizesAddress = bits !== 64 || memory.addressSize === 16 || (memory.addressSize !== 32 && prefix === undefined);
  const keyword = sizesAddress ? memory.addressSize : undefined;
  const named = ((base ?? index)?.width as Bits | undefined) ?? keyword;
  if (named !== undefined && prefix !== undefined && named !== prefix)
    return `the address has ${named} bits, but the prefix A${prefix} asks for ${prefix}`;
  const size = named ?? prefix ?? bits;
  if (size === 64 && bits !== 64) return "64-bit addresses exist only in 64-bit code";
  if (size === 16 && bits === 64) return "16-bit addresses do not exist in 64-bit code";
  return size;
}

const fitsByte = (value: bigint): boolean => value >= -128n && value <= 127n;

/** 0, 1 or 2 for ModRM.mod, by how the displacement can be shortened. `zero` is allowed where no displacement is. */
function modFor(memory: WrittenMemory, wrapped: bigint, zeroAllowed: boolean): 0 | 1 | 2 {
  if (memory.displacementSize === 8) return 1;
  const fixed = memory.relocatable || memory.displacement === undefined || memory.addressSize !== undefined;
  if (fixed) return 2;
  if (wrapped === 0n && zeroAllowed) return 0;
  return fitsByte(wrapped) ? 1 : 2;
}

/** What keeps registers from being a 16-bit address. */
function wrong16({ base, index, scale = 1 }: WrittenMemory): string {
  const rule = "a 16-bit address is made of BX or BP, plus SI or DI, plus a constant";
  const other = [base, index].find((register) => register && !/^(b[xp]|[sd]i)$/.test(register.name));
  if (other) return `${other.name.toUpperCase()} cannot be in an address; ${rule}`;
  return scale === 1 ? rule : `${rule}, without factors`;
}

function address16(memory: WrittenMemory, parts: Parts): EffectiveAddress | string {
  const displacement = memory.displacement ? BigInt.asIntN(16, memory.displacement) : 0n;
  const common = { addressSize: 16, sib: undefined, rexX: false, rexB: false, ripRelative: false } as const;
  const { base, index, scale } = parts;
  if (base === undefined && index === undefined)
    return { ...common, mod: 0, rm: 6, displacementBytes: 2, displacement: memory.displacement ?? 0n };
  const rm =
    scale === 1 ? pairs16.findIndex(([b, i]) => (b === base && i === index) || (b === index && i === base)) : -1;
  if (rm < 0) return wrong16(memory);
  const mod = modFor(memory, displacement, rm !== 6);
  const value = mod === 2 ? (memory.displacement ?? 0n) : displacement;
  return { ...common, mod, rm, displacementBytes: mod, displacement: value };
}

/** Chooses base and index as nasm does: no register twice, three terms out of one, the stack pointer always base. */
function arrange(parts: Parts, nosplit: boolean): Parts | string {
  let { base, index, scale } = parts;
  if (base !== undefined && base === index) {
    base = undefined;
    scale++;
  }
  if (base === undefined && scale === 1 && !nosplit) {
    base = index;
    index = undefined;
  }
  const splits = [3, 5, 9].includes(scale) || (scale === 2 && index !== stackPointer && !nosplit);
  if (base === undefined && index !== undefined && splits) {
    base = index;
    scale--;
  }
  if (scale === 1 && index === stackPointer) [base, index] = [index, base];
  if (index === stackPointer) return "the stack pointer cannot be multiplied, nor used twice, in an address";
  if (index !== undefined && ![1, 2, 4, 8].includes(scale))
    return `an index cannot be multiplied by ${scale}; only by 1, 2, 4 or 8`;
  return { base, index, scale };
}

function absolute(memory: WrittenMemory, addressSize: 32 | 64, bits: Bits): EffectiveAddress {
  // A distance to an absolute address would change with the place of the code: nasm keeps the address.
  const moves = memory.relocatable === true || memory.displacement === undefined;
  const ripRelative = bits === 64 && memory.relative === true && moves;
  // In 64-bit code the short form of an absolute address means RIP-relative, so it takes a SIB byte without registers.
  const sib = bits === 64 && !ripRelative;
  return {
    addressSize,
    mod: 0,
    rm: sib ? 4 : 5,
    sib: sib ? 0x25 : undefined,
    rexX: false,
    rexB: false,
    displacementBytes: 4,
    displacement: memory.displacement ?? 0n,
    ripRelative,
  };
}

function address32(memory: WrittenMemory, parts: Parts, addressSize: 32 | 64, bits: Bits): EffectiveAddress | string {
  if (parts.base === undefined && parts.index === undefined) return absolute(memory, addressSize, bits);
  const arranged = arrange(parts, memory.nosplit === true);
  if (typeof arranged === "string") return arranged;
  const { base, index, scale } = arranged;
  const displacement = memory.displacement ? BigInt.asIntN(32, memory.displacement) : 0n;
  const needsSib = index !== undefined || (base !== undefined && (base & 7) === stackPointer);
  const mod = base === undefined ? 0 : modFor(memory, displacement, (base & 7) !== basePointer);
  const low = base === undefined ? basePointer : base & 7;
  return {
    addressSize,
    mod,
    rm: needsSib ? stackPointer : low,
    sib: needsSib ? (Math.log2(scale) << 6) | (((index ?? stackPointer) & 7) << 3) | low : undefined,
    rexX: (index ?? 0) > 7,
    rexB: (base ?? 0) > 7,
    displacementBytes: base === undefined || mod === 2 ? 4 : mod,
    displacement: mod === 2 || base === undefined ? (memory.displacement ?? 0n) : displacement,
    ripRelative: false,
  };
}

/** ModRM, SIB and displacement of a memory operand as nasm encodes it, or a sentence that says why there is none. */
export function effectiveAddress(memory: WrittenMemory, bits: Bits, prefix?: Bits): EffectiveAddress | string {
  const addressSize = addressSizeOf(memory, bits, prefix);
  if (typeof addressSize === "string") return addressSize;
  const parts: Parts = { base: memory.base?.number, index: memory.index?.number, scale: memory.scale ?? 1 };
  if (memory.index === undefined) parts.scale = 1;
  return addressSize === 16 ? address16(memory, parts) : address32(memory, parts, addressSize, bits);
}
