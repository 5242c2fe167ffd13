/** What a guest could find out about its processor, as words that are quick to compare. */
import { flagBits } from "../../isa/flags.ts";
import { registerName, segmentNames } from "../../isa/registers.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { layout, segmentBytes, segmentLayout } from "../cpu/layout.ts";
import { type State, segmentNumber } from "../cpu/state.ts";

/** One thing to be found out: `words` 32-bit words from `offset` of the state block on. */
interface Part {
  readonly name: string;
  readonly offset: number;
  readonly words: number;
}

const part = (name: string, offset: number, words = 1): Part => ({ name, offset, words });
const segment = (name: keyof typeof segmentNumber): number => layout.segments + segmentNumber[name] * segmentBytes;

/** The flags are not among them: they are kept unevaluated, in forms that the engines choose. */
const parts: readonly Part[] = [
  ...Array.from({ length: 16 }, (_, n) =>
    part(registerName("general", n, 64).toUpperCase(), layout.registers + 8 * n, 2),
  ),
  part("RIP", layout.rip, 2),
  ...segmentNames.flatMap((name) => [
    part(name.toUpperCase(), segment(name) + segmentLayout.selector),
    part(`${name.toUpperCase()}.base`, segment(name) + segmentLayout.base, 2),
  ]),
  part("LDTR", segment("ldtr") + segmentLayout.selector),
  part("TR", segment("tr") + segmentLayout.selector),
  part("GDTR.base", layout.gdtrBase, 2),
  part("GDTR.limit", layout.gdtrLimit),
  part("IDTR.base", layout.idtrBase, 2),
  part("IDTR.limit", layout.idtrLimit),
  part("CR0", layout.cr0),
  part("CR2", layout.cr2, 2),
  part("CR3", layout.cr3, 2),
  part("CR4", layout.cr4),
  part("IA32_EFER", layout.efer),
  ...Array.from({ length: 8 }, (_, n) => part(`x87 register ${n}`, layout.x87Registers + 16 * n, 3)),
  ...Array.from({ length: 16 }, (_, n) => part(`XMM${n}`, layout.xmm + 16 * n, 4)),
  part("x87 control", layout.x87Control),
  part("x87 status", layout.x87Status),
  part("MXCSR", layout.mxcsr),
];

const flagsPlace = parts.reduce((sum, { words }) => sum + words, 0);
/** Where each word is in the state block. */
const places = parts.flatMap(({ offset, words }) => Array.from({ length: words }, (_, n) => (offset >> 2) + n));
/** RF is the processor's memory of a fault, and no instruction of the guest reads it but from a frame. */
const flagsCompared = ~(1 << flagBits.RF);

export type Observation = Uint32Array;
export const observationWords = flagsPlace + 1;

/** Fills in what a guest could find out now, registers as it is meant to see them. */
export function observe(cpu: Cpu, into: Observation): Observation {
  const look = () => {
    read(cpu, into);
    into[flagsPlace] = cpu.flags & flagsCompared;
  };
  if (cpu.monitor) cpu.monitor.viewGuest(look);
  else look();
  return into;
}

function read({ u32 }: State, into: Observation): void {
  for (let n = 0; n < flagsPlace; n++) into[n] = u32[places[n]!]!;
}

export function same(a: Observation, b: Observation): boolean {
  for (let n = 0; n < observationWords; n++) if (a[n] !== b[n]) return false;
  return true;
}

/** A register that has one value on bare metal and another under a technique. Hexadecimal without prefix. */
export interface RegisterDifference {
  readonly name: string;
  readonly bare: string;
  readonly hosted: string;
}

const wordsValue = (observation: Observation, first: number, words: number): bigint => {
  let value = 0n;
  for (let n = words - 1; n >= 0; n--) value = (value << 32n) | BigInt(observation[first + n]!);
  return value;
};

const difference = (name: string, bare: bigint, hosted: bigint): RegisterDifference[] =>
  bare === hosted ? [] : [{ name, bare: bare.toString(16), hosted: hosted.toString(16) }];

/** What differs, by register; flags one by one. */
export function differences(bare: Observation, hosted: Observation): readonly RegisterDifference[] {
  const found: RegisterDifference[] = [];
  let first = 0;
  for (const { name, words } of parts) {
    found.push(...difference(name, wordsValue(bare, first, words), wordsValue(hosted, first, words)));
    first += words;
  }
  for (const [name, bit] of Object.entries(flagBits)) {
    const mask = name === "IOPL" ? 3n : 1n;
    const flag = (observation: Observation) => (BigInt(observation[flagsPlace]!) >> BigInt(bit)) & mask;
    found.push(...difference(name, flag(bare), flag(hosted)));
  }
  return found;
}
