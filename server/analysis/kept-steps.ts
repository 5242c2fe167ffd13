import type { Assembly, InstructionMention } from "../../assembler/index.ts";
import type { Decoded } from "../../isa/operands.ts";
import type { Code } from "./code.ts";
import { joinStates, type State, sameState } from "./state.ts";
import { effectOf } from "./transfer.ts";
import { isPlain, stepsFrom } from "./transitions.ts";

/** What was worked out for an instruction. */
interface Kept {
  readonly mention: InstructionMention;
  readonly decoded: Decoded | undefined;
  /** The effect is all there is to it. */
  readonly isPlain: boolean;
  readonly branches: boolean;
  /** Of a plain one: the state before it. */
  before: State | undefined;
  /** The states that it led to. */
  readonly outs: State[];
  readonly joins: Joins;
}

/** States that met before an instruction, two by two, and what both had in common. They mostly meet in the same order again. */
interface Joins {
  readonly list: (readonly [State, State, State])[];
  next: number;
}

const mostJoins = 500;

const fresh = (mention: InstructionMention): Kept => {
  const { decoded } = mention;
  return {
    ...{ mention, decoded, before: undefined, outs: [], joins: { list: [], next: 0 } },
    isPlain: decoded !== undefined && isPlain(decoded),
    branches: decoded?.operands[0]?.kind === "relative",
  };
};

/**
 * Most of a program is as it was before an edit, and so is what is known of it. What was worked out for an instruction is kept,
 * and the same objects are given again for the same objects: following a program again costs little more than comparing
 * references. What comes out is what comes out without: keeping saves work only.
 */
export class KeptSteps {
  private list: Kept[] = [];

  /** The instructions are these now; those that are no more are forgotten. */
  follow(mentions: readonly InstructionMention[]): void {
    const old = this.list;
    const shorter = Math.min(old.length, mentions.length);
    let first = 0;
    while (first < shorter && old[first]!.mention === mentions[first]) first++;
    let last = 0;
    while (last < shorter - first && old.at(-1 - last)!.mention === mentions.at(-1 - last)) last++;
    const between = new Map(old.slice(first, old.length - last).map((one) => [one.mention, one]));
    const put = mentions.slice(first, mentions.length - last).map((mention) => between.get(mention) ?? fresh(mention));
    this.list = [...old.slice(0, first), ...put, ...old.slice(old.length - last)];
  }

  /** Of an instruction that leads to the next one and nowhere else: the state behind it. Undefined for any other. */
  behind(n: number, state: State): State | undefined {
    const of = this.at(n);
    return of.isPlain && !of.branches ? this.effect(of, state) : undefined;
  }

  private effect(of: Kept, state: State): State {
    if (of.before === state) return of.outs[0]!;
    of.before = state;
    return this.same(of, 0, effectOf(state, of.decoded!));
  }

  private at(n: number): Kept {
    const known = this.list[n]!;
    if (known.decoded === known.mention.decoded) return known;
    // A jump whose distance has changed leads on with the same states.
    const renewed = { ...fresh(known.mention), outs: known.outs, joins: known.joins };
    this.list[n] = renewed;
    return renewed;
  }

  /** Says where an instruction leads, with the state there: the object of the last time where it is the same state. */
  lead(code: Code, n: number, state: State, to: (n: number, state: State) => void): void {
    const of = this.at(n);
    const next = of.isPlain || !of.decoded ? code.after(n) : undefined;
    if (!of.decoded) {
      if (next !== undefined) to(next, state);
      return;
    }
    if (!of.isPlain) {
      for (const [at, [target, after]] of stepsFrom(code, n, state, of.decoded).entries())
        to(target, this.same(of, at, after));
      return;
    }
    const after = this.effect(of, state);
    if (next !== undefined) to(next, after);
    const target = of.branches ? code.target(n) : undefined;
    if (target !== undefined) to(target, after);
  }

  private same({ outs }: Kept, at: number, state: State): State {
    const before = outs[at];
    if (before && sameState(before, state)) return before;
    outs[at] = state;
    return state;
  }

  /** What holds on both ways to an instruction; the first state itself where the second adds nothing. */
  joined(n: number, a: State, b: State): State {
    if (a === b) return a;
    const { joins } = this.list[n]!;
    const { list } = joins;
    for (let count = 0; count < list.length; count++) {
      const at = (joins.next + count) % list.length;
      const [one, other, known] = list[at]!;
      if (one !== a || other !== b) continue;
      joins.next = at + 1;
      return known;
    }
    const both = joinStates(a, b);
    const result = sameState(a, both) ? a : both;
    if (list.length >= mostJoins) list.length = 0;
    list.push([a, b, result]);
    joins.next = list.length;
    return result;
  }
}

const keptBy = new WeakMap<object, KeptSteps>();

/** What is kept for a program and its earlier versions. */
export function keptSteps({ lineage, mentions }: Assembly): KeptSteps {
  const kept = keptBy.get(lineage) ?? new KeptSteps();
  keptBy.set(lineage, kept);
  kept.follow(mentions);
  return kept;
}
