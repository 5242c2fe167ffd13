import type { Assembly, InstructionMention } from "../../assembler/index.ts";
import { splice } from "../../assembler/splice.ts";
import type { Decoded } from "../../isa/operands.ts";
import type { Code } from "./code.ts";
import { joinStates, type State, sameState } from "./state.ts";
import { effectOf } from "./transfer.ts";
import { isPlain, stepsFrom } from "./transitions.ts";

/** Results by what they were made of. They are mostly asked for in the same order again. */
class Results {
  private list: (readonly [State, State | undefined, State])[] = [];
  private next = 0;

  find(a: State, b?: State): State | undefined {
    const { list } = this;
    const expected = list[this.next];
    if (expected?.[0] === a && expected[1] === b) {
      this.next++;
      return expected[2];
    }
    for (let count = 0, at = this.next; count < list.length; count++, at++) {
      if (at >= list.length) at -= list.length;
      const one = list[at]!;
      if (one[0] !== a || one[1] !== b) continue;
      this.next = at + 1;
      return one[2];
    }
    return undefined;
  }

  /** Keeps a result, and gives it: `a` itself or the object of before, if it is the same state. */
  keep(a: State, b: State | undefined, result: State): State {
    if (this.list.length >= mostResults) this.list = [];
    const kept = sameState(a, result) ? a : (this.list.find(([, , one]) => sameState(one, result))?.[2] ?? result);
    this.list.push([a, b, kept]);
    this.next = this.list.length;
    return kept;
  }
}

/** Kept for one instruction: a routine may be called from many places, a loop be gone through several times. */
const mostResults = 200;

/** What was worked out for an instruction. */
interface Kept {
  readonly statement: object;
  readonly decoded: Decoded | undefined;
  /** The effect is all there is to it. */
  readonly isPlain: boolean;
  readonly branches: boolean;
  /** Of a plain one: what comes of a state. */
  readonly effects: Results;
  /** Of any other: the states that it has led to. */
  readonly outs: State[];
  /** What states that met before it have in common. */
  readonly joins: Results;
}

/** States that one instruction leads to are recognized among so many. */
const mostOuts = 16;

const fresh = ({ statement, decoded }: InstructionMention): Kept => {
  return {
    ...{ statement, decoded, outs: [], effects: new Results(), joins: new Results() },
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
  private readonly list: Kept[] = [];

  /** The instructions are these now; those that are no more are forgotten. */
  follow(mentions: readonly InstructionMention[]): void {
    const old = this.list;
    const shorter = Math.min(old.length, mentions.length);
    let first = 0;
    while (first < shorter && old[first]!.statement === mentions[first]!.statement) first++;
    let last = 0;
    while (last < shorter - first && old.at(-1 - last)!.statement === mentions.at(-1 - last)!.statement) last++;
    const between = new Map(old.slice(first, old.length - last).map((one) => [one.statement, one]));
    const put = mentions
      .slice(first, mentions.length - last)
      .map((mention) => between.get(mention.statement) ?? fresh(mention));
    splice(old, first, old.length - last - first, put);
    for (let n = 0; n < this.list.length; n++) {
      const one = this.list[n]!;
      const mention = mentions[n]!;
      // A branch does the same to the state, however far it leads.
      const isSame = one.branches ? one.decoded?.row === mention.row : one.decoded === mention.decoded;
      if (!isSame) this.list[n] = { ...fresh(mention), outs: one.outs, joins: one.joins };
    }
  }

  /** Of an instruction that leads to the next one and nowhere else: the state behind it. Undefined for any other. */
  behind(n: number, state: State): State | undefined {
    const of = this.list[n]!;
    return of.isPlain && !of.branches ? this.effect(of, state) : undefined;
  }

  private effect({ effects, decoded }: Kept, state: State): State {
    return effects.find(state) ?? effects.keep(state, undefined, effectOf(state, decoded!));
  }

  /** Says where an instruction leads, with the state there: the object of the last time where it is the same state. */
  lead(code: Code, n: number, state: State, to: (n: number, state: State) => void): void {
    const of = this.list[n]!;
    const next = of.isPlain || !of.decoded ? code.after(n) : undefined;
    if (!of.decoded) {
      if (next !== undefined) to(next, state);
      return;
    }
    if (!of.isPlain) {
      for (const [target, after] of stepsFrom(code, n, state, of.decoded)) to(target, this.same(of, after));
      return;
    }
    const after = this.effect(of, state);
    if (next !== undefined) to(next, after);
    const target = of.branches ? code.target(n) : undefined;
    if (target !== undefined) to(target, after);
  }

  private same({ outs }: Kept, state: State): State {
    const before = outs.find((one) => sameState(one, state));
    if (before) return before;
    if (outs.length >= mostOuts) outs.length = 0;
    outs.push(state);
    return state;
  }

  /** What holds on both ways to an instruction; the first state itself where the second adds nothing. */
  joined(n: number, a: State, b: State): State {
    if (a === b) return a;
    const { joins } = this.list[n]!;
    const known = joins.find(a, b);
    if (known) return known;
    return joins.keep(a, b, joinStates(a, b));
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
