import type { Block } from "./plan.ts";

/** Blocks that are written as a loop, by their numbers: those from `first` to `last`, some of them in loops within it. */
export interface Loop {
  readonly first: number;
  readonly last: number;
  readonly children: readonly (number | Loop)[];
}

export const firstOf = (child: number | Loop): number => (typeof child === "number" ? child : child.first);
const lastOf = (child: number | Loop): number => (typeof child === "number" ? child : child.last);

/** Whether a child is a block or has it. */
export const contains = (child: number | Loop, block: number): boolean =>
  firstOf(child) <= block && block <= lastOf(child);

/**
 * The last block of each loop, by its first: where a jump goes back to a block, all up to the jump. Overlapping ones are extended
 * until one lies within the other. Blocks from which a jump goes to a place known only then belong to no loop but the whole.
 */
function extents(blocks: readonly Block[]): Map<number, number> {
  const index = new Map(blocks.map(({ offset }, n) => [offset, n]));
  const lasts = new Map<number, number>();
  for (const [n, { targets }] of blocks.entries())
    for (const target of targets) {
      const head = index.get(target);
      if (head !== undefined && head <= n) lasts.set(head, Math.max(lasts.get(head) ?? 0, n));
    }
  const heads = [...lasts.keys()].sort((a, b) => a - b);
  for (let changed = true; changed; ) {
    changed = false;
    for (const outer of heads)
      for (const inner of heads) {
        const end = lasts.get(outer)!;
        if (outer >= inner || inner > end || lasts.get(inner)! <= end) continue;
        lasts.set(outer, lasts.get(inner)!);
        changed = true;
      }
  }
  for (const [head, last] of lasts)
    if (blocks.slice(head, last + 1).some(({ indirect }) => indirect)) lasts.delete(head);
  return lasts;
}

/** The loops of a region, as the one loop that is all of it. */
export function loopsOf(blocks: readonly Block[]): Loop {
  const lasts = extents(blocks);
  const within = (first: number, last: number, head: number): (number | Loop)[] => {
    const children: (number | Loop)[] = [];
    for (let at = first; at <= last; ) {
      const end = at === head ? undefined : lasts.get(at);
      children.push(end === undefined ? at : { first: at, last: end, children: within(at, end, at) });
      at = (end ?? at) + 1;
    }
    return children;
  };
  return { first: 0, last: blocks.length - 1, children: within(0, blocks.length - 1, -1) };
}
