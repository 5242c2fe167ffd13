import type { Cpu } from "../../cpu/cpu.ts";
import { mayUseSse } from "../../cpu/fpu/availability.ts";
import { CS } from "../../cpu/state.ts";
import type { Context, SegmentKind } from "./frame.ts";

const kinds: readonly SegmentKind[] = ["slow", "flat", "flat-read-only", "based", "based-read-only"];
const fourGibibytes = 2 ** 32;
const canonicalLimit = 2 ** 47 - 1;

/** Index in `kinds` of how accesses through a segment register are checked now. */
function kindOf(cpu: Cpu, segment: number, wide: boolean): number {
  const base = cpu.bases[segment]!;
  const end = cpu.readEnds[segment]!;
  if (end <= cpu.starts[segment]!) return 0;
  if (wide) return base === 0 ? 1 : 3;
  const readOnly = cpu.writeEnds[segment] === end ? 0 : 1;
  if (base === 0 && end === fourGibibytes) return 1 + readOnly;
  // A segment that wraps around the end of the address space is not worth code of its own.
  return end === cpu.limit(segment) + 1 ? 3 + readOnly : 0;
}

/** A context and a number that tells it from others of the same code segment. */
export interface KeyedContext extends Context {
  readonly key: number;
}

/** What translated code would take for granted now. */
export function contextOf(cpu: Cpu): KeyedContext {
  const { bits, stackBits } = cpu;
  const wide = bits === 64;
  const user = cpu.cpl === 3;
  const kernel = cpu.cpl === 0;
  const monitored = cpu.monitor !== undefined;
  const vectors = mayUseSse(cpu);
  let key = 8 * (bits + stackBits / 8 + (user ? 1 : 0)) + (kernel ? 4 : 0) + (monitored ? 2 : 0) + (vectors ? 1 : 0);
  const segments: SegmentKind[] = [];
  for (let segment = 0; segment < 6; segment++) {
    const kind = kindOf(cpu, segment, wide);
    key = key * kinds.length + kind;
    segments.push(kinds[kind]!);
  }
  return {
    bits,
    stackBits,
    monitored,
    user,
    kernel,
    vectors,
    segments,
    key,
    codeBase: cpu.bases[CS]!,
    codeLimit: wide ? canonicalLimit : cpu.limit(CS),
  };
}

export const sameContext = (a: KeyedContext, b: KeyedContext): boolean =>
  a.key === b.key && a.codeBase === b.codeBase && a.codeLimit === b.codeLimit;
