import type { Cpu } from "../../cpu/cpu.ts";
import { accessBits, layout, segmentBytes, segmentLayout } from "../../cpu/layout.ts";
import { CS, SS } from "../../cpu/state.ts";

const dplShift = 5;
const segments = [0, 1, 2, 3, 4, 5] as const;

interface Visible {
  readonly selector: number;
  readonly access: number;
}

/** A segment register (ES to GS) at two levels. Plain JSON. */
export interface CompressedSegment {
  /** As the guest believes it to be. */
  readonly own: Visible;
  /** As it really was when the guest was resumed. */
  readonly real: Visible;
}

/** What there is to know of the descriptor that a selector names: in the guest's own table, and in the one the processor reads. */
export interface DescriptorFacts {
  /** DPL in the guest's own, as it was when the shadow was made. */
  levelOf(selector: number): number;
  /** AVL in the shadow. False of null selectors. */
  isAvailable(selector: number): boolean;
}

/**
 * AVL, which the hidden parts keep for software and show to nobody, is the opposite of that in the table: a register that has the
 * table's has been loaded by the guest.
 */
const avl = 0x1000;

function write({ u32 }: Cpu, segment: number, { selector, access }: Visible): void {
  const at = layout.segments + segment * segmentBytes;
  u32[(at + segmentLayout.selector) >> 2] = selector;
  u32[(at + segmentLayout.access) >> 2] = access;
}

const visible = (cpu: Cpu, segment: number): Visible => ({
  selector: cpu.selector(segment),
  access: cpu.access(segment),
});

const hasRing = (segment: number): boolean => segment === CS || segment === SS;
const withDpl = (access: number, dpl: number): number =>
  (access & accessBits.unusable) !== 0 ? access : (access & ~accessBits.dpl) | (dpl << dplShift);

/** Ring compression: what runs at any level of the guest runs at CPL 3 from now on. */
export function compress(cpu: Cpu, facts: DescriptorFacts): readonly CompressedSegment[] {
  const compressed = segments.map((segment) => {
    const own = visible(cpu, segment);
    const access = withDpl(own.access & ~avl, 3) | (facts.isAvailable(own.selector) ? 0 : avl);
    const real = { selector: hasRing(segment) ? own.selector | 3 : own.selector, access };
    write(cpu, segment, real);
    return { own, real };
  });
  cpu.setCpl(3);
  return compressed;
}

/**
 * Back to the level that the guest believes to be at. Registers that it has loaded meanwhile, by itself, have what its descriptors
 * say.
 */
export function expand(cpu: Cpu, cpl: number, compressed: readonly CompressedSegment[], facts: DescriptorFacts): void {
  for (const [segment, { own, real }] of compressed.entries()) {
    const { selector, access } = visible(cpu, segment);
    const unchanged = selector === real.selector && access === real.access;
    const loaded = {
      selector: hasRing(segment) ? (selector & ~3) | cpl : selector,
      access: withDpl(access, facts.levelOf(selector)),
    };
    write(cpu, segment, unchanged ? own : loaded);
  }
  cpu.setCpl(cpl);
}
