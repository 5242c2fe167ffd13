import type { LocatedEvent } from "../../../debug-adapter/protocol.ts";
import { EventLog } from "../shared/event-log.ts";
import { Sharing, sameItems } from "../shared/sharing.ts";
import type { Mark } from "../shared/time-marks.ts";

export type Hypercall = LocatedEvent & { readonly kind: "hypercall" };

/** The calls of one name over time. */
export interface Lane {
  readonly name: string;
  readonly count: number;
  readonly refused: number;
  /** Those that have a refused call are `special`. */
  readonly marks: readonly Mark<Hypercall>[];
}

/** The result of a call that was refused is an error by number and name, and why. */
export const isRefused = ({ result }: Pick<Hypercall, "result">): boolean => /^-\d+ \(\w+\)/.test(result);

type Tallies = Map<string, { count: number; refused: number }>;

function count(tallies: Tallies, call: Hypercall): void {
  const tally = tallies.get(call.name) ?? { count: 0, refused: 0 };
  tally.count++;
  if (isRefused(call)) tally.refused++;
  tallies.set(call.name, tally);
}

/** The hypercalls, and how many of each there are. It grows in place. */
export class CallLog extends EventLog<Hypercall> {
  readonly #sharing = new Sharing();
  /** In the order in which they were first called. */
  #tallies: Tallies = new Map();
  /** Of the calls that were given up. */
  #former: Tallies = new Map();

  constructor(most?: number) {
    super({ group: ({ name }) => name, isSpecial: isRefused, marksAll: true }, most);
  }

  /** Gives how many were given up for that. */
  learn(events: readonly LocatedEvent[]): number {
    for (const event of events) {
      if (event.kind !== "hypercall") continue;
      const call = this.#shared(event);
      this.add(call);
      count(this.#tallies, call);
    }
    return this.trim();
  }

  protected override giveUp(number: number): void {
    for (const call of this.all.slice(0, number)) count(this.#former, call);
    super.giveUp(number);
  }

  /** The same, with what others have in common kept once. */
  #shared(call: Hypercall): Hypercall {
    const { name, result, vm, rip, number, source } = call;
    const sharing = this.#sharing;
    return {
      ...call,
      ...{ vm: sharing.text(vm), rip: sharing.text(rip), number: sharing.text(number), name: sharing.text(name) },
      result: sharing.text(result),
      arguments: sharing.value(`arguments ${call.arguments.join()}`, call.arguments, sameItems),
      ...(source && { source: sharing.source(rip, source) }),
    };
  }

  /** What has not happened is forgotten. */
  override rewind(sequence: number): boolean {
    if (!super.rewind(sequence)) return false;
    if (this.all.length === 0) this.#former.clear();
    this.#tallies = new Map([...this.#former].map(([name, tally]) => [name, { ...tally }]));
    for (const call of this.all) count(this.#tallies, call);
    return true;
  }

  get refused(): number {
    return [...this.#tallies.values()].reduce((sum, { refused }) => sum + refused, 0);
  }

  /** A lane for each name, up to a virtual time. */
  lanes(now: number): readonly Lane[] {
    const marks = this.marks(this.end(now));
    return [...this.#tallies].map(([name, tally]) => ({ name, ...tally, marks: marks.get(name) ?? [] }));
  }

  /** Virtual time at the right of the lanes. */
  end(now: number): number {
    return Math.max(1, now, this.all.at(-1)?.cycle ?? 0);
  }
}
