import { describeEvent } from "../../debug-adapter/event-text.ts";
import type { EventKind, MachineEvent } from "../../emulator/index.ts";
import type { EventPredicate } from "../assignment.ts";
import { type Comparison, comparison, comparisonText, holds } from "../comparison.ts";
import { eventNames, translationKinds } from "../event-names.ts";
import { listed, plain } from "../shown.ts";
import { type Moment, type Verdict, verdict } from "../verdict.ts";
import {
  type Extent,
  extentOf,
  isVerdict,
  isWithin,
  momentOf,
  momentOfEvent,
  type Subject,
  type Watcher,
} from "../watcher.ts";

/** Singular, plural, and the events behind it. */
const nouns: Readonly<Record<EventPredicate["kind"], readonly [string, string, ...EventKind[]]>> = {
  exits: ["exit", "exits", "exit"],
  hypercalls: ["hypercall", "hypercalls", "hypercall"],
  exceptions: ["exception", "exceptions", "exception"],
  injections: ["injection", "injections", "inject"],
  interrupts: ["interrupt", "interrupts", "interrupt"],
  io: ["port access", "port accesses", "io"],
  shadow: ["shadow event", "shadow events", "shadow"],
  translations: ["event of the translation cache", "events of the translation cache", ...translationKinds],
  ept: ["EPT exit", "EPT exits", "exit"],
};

function kindsOf({ kind }: EventPredicate): readonly EventKind[] {
  const [, , ...kinds] = nouns[kind];
  return kinds;
}

/** Which of the events a check means. */
class Selection {
  readonly #predicate: EventPredicate;
  readonly #about: RegExp | undefined;
  readonly #extent: Extent | undefined;

  constructor(predicate: EventPredicate, extent: Extent | undefined) {
    this.#predicate = predicate;
    this.#about = predicate.about === undefined ? undefined : new RegExp(predicate.about, "u");
    this.#extent = extent;
  }

  /** The names of an event that is meant, but for `name`; undefined for others. */
  namesOf(event: MachineEvent): readonly string[] | undefined {
    const names = eventNames[this.#predicate.kind].of(event);
    if (names.length === 0) return undefined;
    if (this.#extent && !isWithin(BigInt(`0x${event.rip}`), this.#extent)) return undefined;
    if (!this.#isAccess(event) || (this.#about && !this.#about.test(describeEvent(event)))) return undefined;
    return names;
  }

  #isAccess(event: MachineEvent): boolean {
    const access = this.#predicate.kind === "ept" ? this.#predicate.access : undefined;
    return access === undefined || (event.kind === "exit" && event.what.startsWith(access));
  }
}

/** What is counted, in words. */
function noun({ kind, name, about, within, ...more }: EventPredicate, isOne: boolean): string {
  const [one, many] = nouns[kind];
  const names = name === undefined ? "" : ` of ${[name].flat().join(" or ")}`;
  const access = "access" in more && more.access ? ` (${more.access})` : "";
  const pattern = about === undefined ? "" : ` that ${isOne ? "says" : "say"} /${about}/`;
  return `${isOne ? one : many}${names}${access}${pattern}${within ? ` from ${within[0]} to ${within[1]}` : ""}`;
}

const counted = (predicate: EventPredicate, count: number): string =>
  `${count === 0 ? "no" : count.toLocaleString("en")} ${noun(predicate, count === 1)}`;

/** Names kept of what came instead. */
const mostShown = 24;

/** Counts events, and remembers the one that was too many. */
class Count implements Watcher {
  readonly kinds: readonly EventKind[];
  readonly #subject: Subject;
  readonly #predicate: EventPredicate;
  readonly #selection: Selection;
  readonly #bound: Comparison;
  readonly #wanted: ReadonlySet<string> | undefined;
  readonly #others = new Map<string, number>();
  #count = 0;
  #tooMany: Moment | undefined;

  constructor(subject: Subject, predicate: EventPredicate, extent: Extent | undefined) {
    this.kinds = kindsOf(predicate);
    this.#subject = subject;
    this.#predicate = predicate;
    this.#selection = new Selection(predicate, extent);
    this.#bound = comparison(predicate.count ?? ">= 1");
    this.#wanted = predicate.name === undefined ? undefined : new Set([predicate.name].flat());
  }

  see(event: MachineEvent): void {
    const names = this.#selection.namesOf(event);
    if (!names) return;
    if (this.#wanted && !names.some((name) => this.#wanted!.has(name))) {
      this.#other(names[0]!);
      return;
    }
    const held = holds(this.#count, this.#bound);
    this.#count++;
    if (holds(this.#count, this.#bound)) this.#tooMany = undefined;
    else if (held) this.#tooMany = momentOfEvent(this.#subject, event);
  }

  /** A guest can make as many names as it likes. */
  #other(name: string): void {
    const count = this.#others.get(name);
    if (count !== undefined || this.#others.size < mostShown) this.#others.set(name, (count ?? 0) + 1);
  }

  verdict(): Verdict {
    const count = this.#count;
    const met = holds(count, this.#bound);
    const bound = comparisonText(this.#bound);
    const expected = `${bound} ${noun(this.#predicate, bound === "1")}`;
    const others = [...this.#others].sort(([, a], [, b]) => b - a).map(([name, n]) => `${n} ${plain(name)}`);
    const instead = !met && others.length > 0 ? `, but ${listed(others)}` : "";
    const moment = this.#tooMany ?? momentOf(this.#subject);
    return verdict(met, { expected, happened: counted(this.#predicate, count) + instead }, met ? {} : { moment });
  }
}

/** Follows an order of names. */
class Order implements Watcher {
  readonly kinds: readonly EventKind[];
  readonly #subject: Subject;
  readonly #predicate: EventPredicate;
  readonly #selection: Selection;
  readonly #order: readonly string[];
  readonly #seen: string[] = [];
  #at = 0;
  #wrong: Moment | undefined;

  constructor(subject: Subject, predicate: EventPredicate, extent: Extent | undefined) {
    this.kinds = kindsOf(predicate);
    this.#subject = subject;
    this.#predicate = predicate;
    this.#selection = new Selection(predicate, extent);
    this.#order = predicate.order!;
  }

  see(event: MachineEvent): void {
    const names = this.#selection.namesOf(event);
    if (!names) return;
    if (this.#seen.length <= mostShown) this.#seen.push(plain(names[0]!));
    const next = this.#order[this.#at];
    if (next !== undefined && names.includes(next)) this.#at++;
    else if (this.#predicate.exactly) this.#wrong ??= momentOfEvent(this.#subject, event);
  }

  verdict(): Verdict {
    const complete = this.#at === this.#order.length;
    const expected = `${this.#predicate.exactly ? "exactly " : ""}the ${nouns[this.#predicate.kind][1]} ${this.#order.join(", ")} in this order`;
    const what = this.#seen.length === 0 ? "there were none" : `they were ${listed(this.#seen, mostShown)}`;
    const missed = complete ? "" : `; ${this.#order[this.#at]} did not come in its place`;
    const moment = this.#wrong ?? momentOf(this.#subject);
    const met = complete && !this.#wrong;
    return verdict(met, { expected, happened: what + missed }, met ? {} : { moment });
  }
}

/** For checks that count events, or want them in an order. */
export async function eventWatcher(subject: Subject, predicate: EventPredicate): Promise<Watcher | Verdict> {
  const extent = await extentOf(subject, predicate.within, `${predicate.count ?? ">= 1"} ${noun(predicate, false)}`);
  if (extent && isVerdict(extent)) return extent;
  return predicate.order ? new Order(subject, predicate, extent) : new Count(subject, predicate, extent);
}
