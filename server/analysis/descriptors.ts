import type { Bits } from "../../isa/operands.ts";
import type { Constants } from "./fixed-memory.ts";

/** A descriptor table that LGDT loaded: linear address, and the offset of its last byte. */
export interface Table {
  readonly base: number;
  readonly limit: number;
}

/** What bits 40 to 55 of a segment descriptor say (SDM Vol. 3, Segment Descriptors). */
export interface Descriptor {
  readonly kind: "code" | "data" | "system";
  readonly isPresent: boolean;
  readonly dpl: 0 | 1 | 2 | 3;
  /** Of code: it runs at the privilege level of who goes there. */
  readonly isConforming: boolean;
  /** Of data. */
  readonly isWritable: boolean;
  /** D or B. */
  readonly is32: boolean;
  /** L, which counts only in long mode. */
  readonly isLong: boolean;
}

/** What a selector names: a descriptor, nothing (null, or beyond the limit), or undefined where that is not known. */
export type Named = Descriptor | "null" | "beyond" | undefined;

const descriptorBytes = 8;
const localTable = 4;

function descriptorOf(bits: bigint): Descriptor {
  const has = (at: bigint): boolean => ((bits >> at) & 1n) === 1n;
  const isCode = has(43n);
  return {
    kind: has(44n) ? (isCode ? "code" : "data") : "system",
    isPresent: has(47n),
    dpl: Number((bits >> 45n) & 3n) as Descriptor["dpl"],
    isConforming: isCode && has(42n),
    isWritable: !isCode && has(41n),
    is32: has(54n),
    isLong: has(53n),
  };
}

/** The descriptor of a selector in the GDT, if the program has it as constant data. */
export function descriptorIn(constants: Constants, table: Table | undefined, selector: number | undefined): Named {
  if (selector === undefined) return undefined;
  if ((selector & 0xfffc) === 0) return "null";
  if (!table || selector & localTable) return undefined;
  const offset = selector & 0xfff8;
  if (offset + descriptorBytes - 1 > table.limit) return "beyond";
  const bits = constants.read(table.base + offset, descriptorBytes);
  return bits === undefined ? undefined : descriptorOf(bits);
}

/** The size of code in a segment; undefined if that depends on whether long mode is active, which is not known. */
export function codeSize({ is32, isLong }: Descriptor, longMode: boolean | undefined): Bits | undefined {
  if (isLong && longMode !== false) return longMode ? 64 : undefined;
  return is32 ? 32 : 16;
}

const errorCode = (selector: number): string => `${(selector & 0xfffc).toString(16).toUpperCase()}h`;

/** Privilege levels that a load of CS is checked by. */
interface CodeLoad {
  readonly selector: number;
  readonly cpl: 0 | 1 | 2 | 3 | undefined;
  /** Of a RETF or IRET, which takes its new CPL from the selector; else a JMP or CALL, which keeps it. */
  readonly returns: boolean;
  readonly longMode: boolean | undefined;
}

function wrongLevel({ isConforming, dpl }: Descriptor, { selector, cpl, returns }: CodeLoad): string | undefined {
  const rpl = selector & 3;
  if (returns) {
    if (cpl !== undefined && rpl < cpl) return `a return cannot lead from CPL ${cpl} inward to ring ${rpl}`;
    if (isConforming ? dpl <= rpl : dpl === rpl) return undefined;
    return `its RPL is ${rpl} and the descriptor's DPL ${dpl}`;
  }
  if (cpl === undefined || (isConforming ? dpl <= cpl : dpl === cpl && rpl <= cpl)) return undefined;
  return `CPL is ${cpl}, its RPL ${rpl} and the descriptor's DPL ${dpl}`;
}

/**
 * Why CS cannot be loaded so; undefined if it can, or that is not known (SDM Vol. 2, JMP, CALL, RET, IRET). System descriptors are
 * gates and task state segments, of which JMP and CALL may go through some.
 */
export function codeFault(named: Named, load: CodeLoad): string | undefined {
  if (named === undefined) return undefined;
  const { selector } = load;
  const at = errorCode(selector);
  if (named === "null") return "the selector is null: #GP(0)";
  if (named === "beyond") return `selector ${at} is beyond the limit of the GDT: #GP(${at})`;
  if (named.kind === "data") return `selector ${at} names a data segment: #GP(${at})`;
  if (named.kind === "system") return load.returns ? `selector ${at} names no code segment: #GP(${at})` : undefined;
  if (load.longMode && named.isLong && named.is32) return `the descriptor of ${at} has both L and D set: #GP(${at})`;
  const wrong = wrongLevel(named, load);
  if (wrong) return `${wrong}: #GP(${at})`;
  return named.isPresent ? undefined : `the descriptor of ${at} is not present: #NP(${at})`;
}

/** Why SS cannot be loaded so; undefined if it can, or that is not known (SDM Vol. 2, MOV; LSS). */
export function stackFault(
  named: Named,
  selector: number,
  cpl: 0 | 1 | 2 | 3 | undefined,
  code: Bits | undefined,
): string | undefined {
  const at = errorCode(selector);
  const rpl = selector & 3;
  if (named === "null") {
    // In 64-bit code a null SS is taken but in ring 3.
    if (code !== 64) return code === undefined ? undefined : "a null selector in SS: #GP(0)";
    return cpl === 3 ? "a null selector in SS at CPL 3: #GP(0)" : undefined;
  }
  if (named === "beyond") return `selector ${at} is beyond the limit of the GDT: #GP(${at})`;
  if (cpl !== undefined && rpl !== cpl) return `SS needs RPL = CPL, and these are ${rpl} and ${cpl}: #GP(${at})`;
  if (named === undefined) return undefined;
  if (named.kind !== "data" || !named.isWritable) return `selector ${at} names no writable data segment: #GP(${at})`;
  if (named.dpl !== rpl) return `SS needs DPL = CPL, and the descriptor of ${at} has DPL ${named.dpl}: #GP(${at})`;
  return named.isPresent ? undefined : `the descriptor of ${at} is not present: #SS(${at})`;
}
