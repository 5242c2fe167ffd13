import type { WalkStep } from "../trace/event.ts";

/** Memory references for one translation. */
export interface References {
  /** With nothing cached. */
  readonly cold: number;
  /** With all that paging-structure caches and cached nested translations can hold, but not the translation itself. */
  readonly warm: number;
}

type Spared = NonNullable<WalkStep["spared"]>;

const isRegister = ({ address }: WalkStep): boolean => address.startsWith("register");

/**
 * Says of each step what spares it once it is warm: paging-structure caches hold all entries that refer to tables, where they
 * lie in memory included; nested translations of the last table and of the page itself are cached too (SDM Vol. 3, 4.10.3 and 29.4). The
 * entry that maps the page must be read, unless the TLB has the translation.
 */
function annotated(steps: readonly WalkStep[]): readonly WalkStep[] {
  const last = steps.findLastIndex(({ of }) => of !== "nested");
  const before = steps.findLastIndex(({ of }, n) => n < last && of !== "nested");
  const sparedAt = (step: WalkStep, n: number): Spared | undefined => {
    if (isRegister(step)) return "register";
    if (n <= before) return "paging-structure caches";
    return step.of === "nested" ? "nested translations" : undefined;
  };
  return steps.map((step, n) => {
    const spared = sparedAt(step, n);
    return spared === undefined ? step : { ...step, spared };
  });
}

/** The steps of a walk with what spares each, and what the processor refers to: under shadow paging, only the shadow's entries. */
export function explained(steps: readonly WalkStep[]): {
  readonly steps: readonly WalkStep[];
  readonly references: References;
} {
  const shadow = annotated(steps.filter(({ of }) => of === "shadow"));
  const others = steps.filter(({ of }) => of !== "shadow");
  const walked = shadow.length > 0 ? shadow : annotated(others);
  const count = (counts: (step: WalkStep) => boolean): number => walked.filter(counts).length;
  return {
    steps: shadow.length > 0 ? [...others, ...shadow] : walked,
    references: {
      cold: count((step) => step.spared !== "register"),
      warm: count((step) => step.spared === undefined),
    },
  };
}
