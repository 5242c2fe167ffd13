import type { VmmContext } from "./context.ts";

/**
 * The next sibling of the vCPU in the core, in the order of their numbers, that could run and does not: a preempted one may hold the
 * lock, or have to answer the interrupt, that the one in the core waits for.
 */
function preemptedSibling({ vcpus, options }: VmmContext): number | undefined {
  if (options.directedYield === false) return undefined;
  for (let n = 1; n < vcpus.count; n++) {
    const sibling = (vcpus.current + n) % vcpus.count;
    if (vcpus.state(sibling) === "runnable") return sibling;
  }
  return undefined;
}

/** The vCPU in the core yields, to `to` or whom the VMM guesses to be waited for; what was done, in words. */
export function yieldProcessor(context: VmmContext, why: string, to = preemptedSibling(context)): string {
  context.vcpus.yield(why, to);
  return to === undefined ? "yielded" : `yielded to vCPU ${to}`;
}
