import type { Settings } from "../../assembler/index.ts";
import type { Bits } from "../../isa/operands.ts";
import type { Table } from "./descriptors.ts";
import { bit, join, type KnownBits, someBits, unknown } from "./known-bits.ts";

/** What is known of the processor before an instruction, on all ways that lead there. */
export interface State {
  readonly cr0: KnownBits;
  readonly cr4: KnownBits;
  readonly efer: KnownBits;
  readonly flags: KnownBits;
  /** Size of the code that the CS in force makes the processor execute; undefined: it depends on a descriptor that is not known. */
  readonly code: Bits | undefined;
  /** As the guest believes. */
  readonly cpl: 0 | 1 | 2 | 3 | undefined;
  /** The GDT that was loaded last, if the program has it as a constant. */
  readonly gdt: Table | undefined;
  /** Low halves of the general registers. */
  readonly registers: readonly KnownBits[];
  /** What was pushed, the last at the end; below that nothing is known. */
  readonly stack: readonly KnownBits[];
  /** The guest has asked CPUID who its hypervisor is (leaf 1 or 4000_0000h and up). */
  readonly asked: boolean;
}

/** Bit numbers. */
export const PE = 0;
export const PG = 31;
export const LME = 8;
export const IF = 9;
export const IOPL = 12;
export const VM = 17;
export const UMIP = 11;
export const TSD = 2;

export const noRegisters: readonly KnownBits[] = new Array<KnownBits>(16).fill(unknown);

/** Nothing is known. */
export const anyState: State = {
  ...{ cr0: unknown, cr4: unknown, efer: unknown, flags: unknown },
  ...{ code: undefined, cpl: undefined, gdt: undefined, registers: noRegisters, stack: [], asked: false },
};

const paging = 1 << PG;
const protection = 1 << PE;
const longMode = 1 << LME;
const virtual8086 = 1 << VM;

const cr0 = (value: number): KnownBits => someBits(paging | protection, value);

/** The start of a guest (docs/launch.md), or what a statement says of the mode. */
const modes: Readonly<Record<NonNullable<Settings["mode"]>, (bits: Bits) => Partial<State>>> = {
  real: () => ({ cr0: cr0(0), efer: someBits(longMode, 0), code: 16, cpl: 0, flags: someBits(virtual8086, 0) }),
  protected: (bits) => ({
    cr0: someBits(protection, protection),
    efer: someBits(longMode, 0),
    code: bits === 16 ? 16 : 32,
    flags: someBits(virtual8086, 0),
  }),
  long: (bits) => ({ cr0: cr0(paging | protection), efer: someBits(longMode, longMode), code: bits }),
  xen: (bits) => ({
    cr0: cr0(paging | protection),
    efer: someBits(longMode, bits === 64 ? longMode : 0),
    code: bits,
    cpl: bits === 64 ? 3 : 1,
  }),
};

/** What holds at the instruction behind a statement. A mode says nothing of the ring, except where it has only one. */
export const stated = (
  before: State,
  said: { readonly mode?: Settings["mode"] | undefined; readonly cpl?: Settings["cpl"] },
  bits: Bits,
): State => ({
  ...(said.mode ? { ...anyState, cpl: before.cpl, ...modes[said.mode](bits) } : before),
  ...(said.cpl !== undefined && { cpl: said.cpl }),
});

/** A guest's first instruction. CR4 is 0 but in modes that need more. */
export function startState(mode: NonNullable<Settings["mode"]>, bits: Bits): State {
  const state = { ...anyState, cpl: 0 as const, ...modes[mode](bits) };
  if (mode === "xen") return state;
  const protectedMode = mode === "protected" ? { cr0: cr0(protection) } : {};
  return { ...state, ...protectedMode, cr4: someBits((1 << UMIP) | (1 << TSD), 0) };
}

export const startModeOf = (bits: Bits): NonNullable<Settings["mode"]> =>
  bits === 16 ? "real" : bits === 32 ? "protected" : "long";

/** In long mode the processor is once LME and PG are both set. */
export function longModeActive({ cr0, efer }: State): boolean | undefined {
  const enabled = bit(efer, LME);
  const paged = bit(cr0, PG);
  if (enabled === false || paged === false) return false;
  return enabled && paged ? true : undefined;
}

function joinStacks(a: State["stack"], b: State["stack"]): State["stack"] {
  if (a === b) return a;
  const length = Math.min(a.length, b.length);
  return Array.from({ length }, (_, n) => join(a[a.length - length + n]!, b[b.length - length + n]!));
}

const sameTable = (a: Table | undefined, b: Table | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.base === b.base && a.limit === b.limit);

/** What holds on both ways. */
export const joinStates = (a: State, b: State): State => ({
  cr0: join(a.cr0, b.cr0),
  cr4: join(a.cr4, b.cr4),
  efer: join(a.efer, b.efer),
  flags: join(a.flags, b.flags),
  code: a.code === b.code ? a.code : undefined,
  cpl: a.cpl === b.cpl ? a.cpl : undefined,
  gdt: sameTable(a.gdt, b.gdt) ? a.gdt : undefined,
  registers: a.registers === b.registers ? a.registers : a.registers.map((one, n) => join(one, b.registers[n]!)),
  stack: joinStacks(a.stack, b.stack),
  asked: a.asked && b.asked,
});

const sameBits = (a: KnownBits, b: KnownBits): boolean => a.mask === b.mask && a.value === b.value;
const sameList = (a: readonly KnownBits[], b: readonly KnownBits[]): boolean =>
  a === b || (a.length === b.length && a.every((one, n) => sameBits(one, b[n]!)));

export const sameState = (a: State, b: State): boolean =>
  a === b ||
  (sameBits(a.cr0, b.cr0) &&
    sameBits(a.cr4, b.cr4) &&
    sameBits(a.efer, b.efer) &&
    sameBits(a.flags, b.flags) &&
    a.code === b.code &&
    a.cpl === b.cpl &&
    a.asked === b.asked &&
    sameTable(a.gdt, b.gdt) &&
    sameList(a.registers, b.registers) &&
    sameList(a.stack, b.stack));
