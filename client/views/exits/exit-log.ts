import type { LocatedEvent } from "../../../debug-adapter/protocol.ts";
import { exitName } from "../../../emulator/trace/exit-name.ts";
import { EventLog } from "../shared/event-log.ts";
import { accent } from "../shared/format.ts";
import { Numbers } from "../shared/numbers.ts";
import { Sharing, sameItems } from "../shared/sharing.ts";
import type { Mark } from "../shared/time-marks.ts";

export type Exit = LocatedEvent & { readonly kind: "exit" };
type Entry = LocatedEvent & { readonly kind: "entry" };

export interface Bar {
  /** As `exitName` tells them apart. */
  readonly reason: string;
  readonly count: number;
  /** Cycles spent outside of the guest for this reason. */
  readonly cost: number;
}

type Bars = Map<string, { reason: string; count: number; cost: number }>;

function barOf(bars: Bars, reason: string) {
  const bar = bars.get(reason) ?? { reason, count: 0, cost: 0 };
  bars.set(reason, bar);
  return bar;
}

/** The exits of a vCPU over time, by their colours. */
export interface ExitLane {
  /** "vm0/1". */
  readonly vcpu: string;
  readonly groups: readonly (readonly [colour: string, marks: readonly Mark<Exit>[]])[];
}

/** The exits with how they ended. It grows in place. */
export class ExitLog extends EventLog<Exit> {
  readonly #sharing = new Sharing();
  /** By the place of the exit: the number of the entry that ended it, 0 while it is pending, and what it cost. */
  readonly #entry = new Numbers();
  readonly #cost = new Numbers();
  readonly #handled: (string | undefined)[] = [];
  #bars: Bars = new Map();
  /** Of the exits that were given up. */
  #formerBars: Bars = new Map();

  constructor(most?: number) {
    super({ group: (exit) => `${accent(exitName(exit))} ${exit.vm}/${exit.vcpu}` }, most);
  }

  /** Gives how many were given up for that. */
  learn(events: readonly LocatedEvent[]): number {
    for (const event of events)
      if (event.kind === "exit") this.#left(event);
      else if (event.kind === "entry") this.#entered(event);
    return this.trim();
  }

  protected override giveUp(count: number): void {
    for (let n = 0; n < count; n++) this.#addTo(this.#formerBars, n);
    for (const column of [this.#entry, this.#cost]) column.drop(count);
    this.#handled.splice(0, count);
    super.giveUp(count);
  }

  #addTo(bars: Bars, n: number): void {
    const bar = barOf(bars, exitName(this.all[n]!));
    bar.count++;
    bar.cost += this.#cost.at(n);
  }

  #left(exit: Exit): void {
    this.add(this.#shared(exit));
    this.#entry.push(0);
    this.#cost.push(0);
    this.#handled.push(undefined);
    barOf(this.#bars, exitName(exit)).count++;
  }

  #entered({ exit, sequence, cost, handled }: Entry): void {
    const place = this.placeOf(exit);
    if (place === undefined) return;
    this.#entry.set(place, sequence);
    this.#cost.set(place, cost);
    this.#handled[place] = this.#sharing.text(handled);
    barOf(this.#bars, exitName(this.all[place]!)).cost += cost;
  }

  /** The same, with what others have in common kept once. */
  #shared(exit: Exit): Exit {
    const { reason, qualification, why, fields, source, what, vm, rip } = exit;
    const sharing = this.#sharing;
    return {
      ...exit,
      ...{ vm: sharing.text(vm), rip: sharing.text(rip), reason: sharing.text(reason), what: sharing.text(what) },
      qualification: sharing.text(qualification),
      why: sharing.value(why.sentence, why, (a, b) => a.rule === b.rule && a.source === b.source),
      fields: sharing.value(`${reason} ${qualification}`, fields, (a, b) =>
        sameItems(
          a,
          b,
          (one, other) => one.name === other.name && one.value === other.value && one.bits === other.bits,
        ),
      ),
      ...(source && { source: sharing.source(rip, source) }),
    };
  }

  /** What has not happened is forgotten: the end of an exit that is pending again, too. */
  override rewind(sequence: number): boolean {
    const gone = super.rewind(sequence);
    const kept = this.all.length;
    for (const column of [this.#entry, this.#cost, this.#handled]) column.length = kept;
    for (let n = 0; n < kept; n++) {
      if (this.#entry.at(n) <= sequence) continue;
      this.#entry.set(n, 0);
      this.#cost.set(n, 0);
      this.#handled[n] = undefined;
    }
    if (kept === 0) this.#formerBars.clear();
    this.#bars = new Map([...this.#formerBars].map(([reason, bar]) => [reason, { ...bar }]));
    for (let n = 0; n < kept; n++) this.#addTo(this.#bars, n);
    return gone;
  }

  /** Cycles from an exit to the entry that ended it; 0 while it is pending. */
  costOf(exit: Exit): number {
    const place = this.placeOf(exit.sequence);
    return place === undefined ? 0 : this.#cost.at(place);
  }

  /** What the VMM did; undefined while the exit is pending. */
  handledOf(exit: Exit): string | undefined {
    return this.#handled[this.placeOf(exit.sequence) ?? -1];
  }

  /** Of each vCPU that has left, in the order of their names. */
  lanes(end: number): readonly ExitLane[] {
    const lanes = new Map<string, [string, readonly Mark<Exit>[]][]>();
    for (const [group, marks] of this.marks(end)) {
      const colour = group.slice(0, group.indexOf(" "));
      const vcpu = group.slice(colour.length + 1);
      const groups = lanes.get(vcpu) ?? [];
      lanes.set(vcpu, groups);
      groups.push([colour, marks]);
    }
    return [...lanes]
      .map(([vcpu, groups]) => ({ vcpu, groups }))
      .sort((a, b) => a.vcpu.localeCompare(b.vcpu, "en", { numeric: true }));
  }

  /** All by reason, most frequent first. */
  get bars(): readonly Bar[] {
    return [...this.#bars.values()].sort((a, b) => b.count - a.count || a.reason.localeCompare(b.reason));
  }
}
