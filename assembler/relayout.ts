import { isFixed } from "./dependence.ts";
import { nearLength, shortJump } from "./instruction.ts";
import { Anchor, type Item } from "./item.ts";
import { measure, settle } from "./layout.ts";
import { jump, kindBits, label, measured, type Row, Rows, varied } from "./layout-rows.ts";
import { limits } from "./limits.ts";
import { nearConditions } from "./processors.ts";
import type { Program } from "./program.ts";
import type { Section } from "./section.ts";
import { splice } from "./splice.ts";
import { finish } from "./steps.ts";
import type { SymbolEntry } from "./symbols.ts";

/**
 * The layout of a program that was laid out before, worked out again after an edit: the same passes from the first guess
 * on, so that they end where those over a new program would end, but over what can still move only.
 *
 * The items are cut into stretches. A stretch has a head, which has a label or a length that is not settled, and behind it
 * items whose lengths are settled; these are tied to the stretch and move with it. What a pass needs of a stretch is in
 * columns of numbers, so that a pass costs a few nanoseconds for each label and each jump.
 *
 * Invariants: the stretches hold all items of the program in order; an item is tied to the stretch it is in; the columns
 * of a stretch are what `rowOf` says, as long as its items are as they were when it was made; the target of a jump is the
 * index of the stretch that has the label.
 */
export class Relayout {
  private readonly program: Program;
  private stretches: Stretch[] = [];
  private readonly rows = new Rows();
  /** Indices in columns. */
  private readonly sections: Section[] = [];
  /** Where the labels are. */
  private readonly labels = new Map<SymbolEntry, Stretch>();
  /** By section, in this pass. */
  private sizes = new Int32Array(1);
  /**
   * Indices of the stretches that a pass looks at with care: what is measured or varies, labels that something measured
   * uses, and those that begin in another section than the stretch before them.
   */
  private special = new Int32Array();
  /** The first stretch whose label moved in the pass before. */
  private firstMoved = 0;
  /** For each block of stretches, the first jump that goes there or further down. */
  private earliest = new Int32Array();

  constructor(program: Program) {
    this.program = program;
    this.restart();
  }

  /** Everything is otherwise than it was. */
  restart(): void {
    this.rebuild(0, this.stretches.length, this.program.items);
  }

  /**
   * `count` items from index `at` on came in the place of others, or are otherwise than they were. False if that makes no
   * difference to a pass.
   */
  replaced(at: number, count: number): boolean {
    const { items } = this.program;
    const left = items[at - 1]?.anchor;
    const right = items[at + count]?.anchor;
    let from = at;
    while (from > 0 && items[from - 1]!.anchor === left) from--;
    let to = at + count;
    while (to < items.length && items[to]!.anchor === right) to++;
    const first = left ? this.find(left as Stretch) : 0;
    const last = right ? this.find(right as Stretch) : this.stretches.length - 1;
    return this.rebuild(first, last - first + 1, items.slice(from, to));
  }

  /** The index of a stretch, which is not far from where it was last found. */
  private find(stretch: Stretch): number {
    const { stretches } = this;
    const { index } = stretch;
    for (let away = 0; ; away++) {
      if (stretches[index - away] === stretch) stretch.index = index - away;
      else if (stretches[index + away] === stretch) stretch.index = index + away;
      else continue;
      return stretch.index;
    }
  }

  private rebuild(at: number, removed: number, items: readonly Item[]): boolean {
    const stretches: Stretch[] = [];
    const rows: Row[] = [];
    for (const item of items) {
      const kind = kindOf(item);
      const last = stretches.at(-1);
      if (kind === "settled" && !hasPlace(item) && last?.section === item.context.section) {
        item.tie(last, rows.at(-1)!.after);
        rows.at(-1)!.after += item.length;
        continue;
      }
      const stretch = new Stretch(item);
      stretch.offset = item.offset + item.length;
      stretches.push(stretch);
      rows.push(this.rowOf(item, kind));
      item.tie(stretch, -item.length);
    }
    for (let n = at; n < at + removed; n++) this.unregister(this.stretches[n]!);
    splice(this.stretches, at, removed, stretches);
    for (const [n, stretch] of stretches.entries()) {
      stretch.index = at + n;
      if (hasPlace(stretch.head)) this.labels.set(stretch.head.label!, stretch);
    }
    const isSame = this.rows.splice(at, removed, rows);
    return this.retarget(at, removed, rows.length) || !isSame;
  }

  private unregister({ head }: Stretch): void {
    if (head.label && this.labels.get(head.label)?.head === head) this.labels.delete(head.label);
  }

  /** Jumps find their targets again. True if one of the new ones goes elsewhere than the old one there. */
  private retarget(at: number, removed: number, added: number): boolean {
    const { kind, target } = this.rows;
    const by = added - removed;
    let isOther = false;
    for (let n = 0; n < this.stretches.length; n++) {
      if ((kind[n]! & kindBits) !== jump) {
        target[n] = n;
        continue;
      }
      const old = target[n]!;
      if (n >= at && n < at + added) {
        target[n] = this.targetOf(n);
        isOther ||= target[n] !== old;
      } else if (old >= at + removed) target[n] = old + by;
      else if (old >= at || old < 0) target[n] = this.targetOf(n);
    }
    return isOther;
  }

  private targetOf(n: number): number {
    const there = this.labels.get(this.stretches[n]!.head.symbols[0]!);
    return there ? this.find(there) : -1;
  }

  private rowOf(item: Item, kind: Kind): Row {
    return {
      kind: kinds.indexOf(kind) | (hasPlace(item) ? label : 0),
      section: this.sectionNumber(item.context.section),
      mask: hasPlace(item) ? -1 : 0,
      target: -1,
      length: kind === "jump" ? shortJump : item.length,
      extra: kind === "jump" ? nearLength(item) - shortJump : 0,
      first: item.firstLength,
      after: 0,
      start: item.offset,
    };
  }

  private sectionNumber(section: Section): number {
    const known = this.sections.indexOf(section);
    if (known >= 0) return known;
    this.sizes = new Int32Array(this.sections.length + 1);
    return this.sections.push(section) - 1;
  }

  /** Lays out the program. False if it does not come to rest, or a length is wrong. */
  run(): boolean {
    this.prepare();
    this.pass(true);
    const settled = finish(
      settle(this.program, () => {
        this.pass(false);
        return this.program;
      }),
    );
    return settled && !this.program.ties.unsteady;
  }

  /** Before the first pass: nothing has a place. */
  private prepare(): void {
    const { kind, section } = this.rows;
    const special = new Set<number>();
    for (const one of this.sections) one.place(0, 0);
    for (let n = 0; n < this.stretches.length; n++) {
      if (section[n] !== section[n - 1]) special.add(n);
      const k = kind[n]! & kindBits;
      if (k === varied || k === measured) special.add(n);
      if (k === measured) for (const there of this.unplace(this.stretches[n]!.head)) special.add(there);
    }
    this.special = Int32Array.from(special).sort();
    this.earliest = this.earliestJumps();
    this.program.restart();
  }

  private earliestJumps(): Int32Array<ArrayBuffer> {
    const { kind, target } = this.rows;
    const count = this.stretches.length;
    const earliest = new Int32Array((count >> blockBits) + 1).fill(count);
    for (let n = 0; n < count; n++) {
      const block = target[n]! >> blockBits;
      if ((kind[n]! & kindBits) === jump && n < earliest[block]!) earliest[block] = n;
    }
    for (let n = earliest.length - 2; n >= 0; n--) earliest[n] = Math.min(earliest[n]!, earliest[n + 1]!);
    return earliest;
  }

  /** What is measured begins anew. Gives the stretches of the labels that it looks at. */
  private unplace(head: Item): number[] {
    head.reset();
    if (head.statement?.kind === "equ") head.label?.forget();
    return head.symbols.flatMap((entry) => {
      const stretch = this.labels.get(entry);
      if (!stretch) return [];
      entry.forget();
      return this.find(stretch);
    });
  }

  private pass(isFirst: boolean): void {
    const { sizes, special, sections, stretches } = this;
    const from = isFirst || special.length > 1 ? 0 : this.firstTouched();
    this.firstMoved = stretches.length;
    sizes.fill(0);
    if (from > 0) this.passPlain(from, stretches.length, this.rows.start[from]!);
    else
      for (let n = 0; n < special.length; n++) {
        const at = special[n]!;
        const end = special[n + 1] ?? stretches.length;
        const size = this.passSpecial(at, isFirst);
        if (isFirst) this.passFirst(at + 1, end, size);
        else this.passPlain(at + 1, end, size);
      }
    for (const [n, section] of sections.entries()) {
      section.size = sizes[n]!;
      if (section.size > limits.outputBytes) this.program.ties.unsteady = true;
    }
    const head = stretches[this.firstMoved]?.head;
    if (head) this.program.changed = head;
    if (isFirst) this.firstMoved = 0;
  }

  /** Where this pass may begin: before it, nothing jumps to what moved in the pass before. */
  private firstTouched(): number {
    const moved = this.firstMoved;
    if (moved >= this.stretches.length) return 0;
    return Math.min(moved, this.earliest[moved >> blockBits]!);
  }

  /** One stretch with all there is to it. Gives the size of its section behind it. */
  private passSpecial(n: number, isFirst: boolean): number {
    const { kind, section, target, length, extra, first, after, start } = this.rows;
    const s = section[n]!;
    const at = this.sizes[s]!;
    const { head } = this.stretches[n]!;
    if ((kind[n]! & label) !== 0 && start[n] !== at && n < this.firstMoved) this.firstMoved = n;
    start[n] = at;
    if (kind[n]! & label) head.label!.moveTo(this.sections[s]!, at);
    let size = length[n]!;
    switch (kind[n]! & kindBits) {
      case jump: {
        const distance = start[target[n]!]! - at - shortJump;
        if ((distance < -128 || distance > 127) && !(isFirst && target[n]! > n)) size += extra[n]!;
        break;
      }
      case varied:
        if (isFirst) size = first[n]!;
        break;
      case measured:
        this.sections[s]!.size = at;
        this.program.place(head, measure);
        if (isFirst) head.firstLength = head.length;
        size = head.length;
    }
    this.sizes[s] = at + size + after[n]!;
    return this.sizes[s];
  }

  /** Settled stretches and jumps of one section. In the first pass labels further down have no place, and are taken as near. */
  private passFirst(from: number, end: number, size: number): void {
    const { kind, section, target, length, extra, after, start } = this.rows;
    if (from >= end) return;
    let at = size;
    for (let n = from; n < end; n++) {
      start[n] = at;
      const t = target[n]!;
      let own = length[n]!;
      if ((kind[n]! & kindBits) === jump && t <= n) {
        const distance = start[t]! - at - shortJump;
        if (distance < -128 || distance > 127) own += extra[n]!;
      }
      at += own + after[n]!;
    }
    this.sizes[section[from]!] = at;
  }

  /** The same in a later pass. There are many passes and stretches, so most of the loop has no branches. */
  private passPlain(from: number, end: number, size: number): void {
    const { section, target, length, extra, after, start, mask } = this.rows;
    if (from >= end) return;
    let n = from;
    let at = size;
    for (let moved = 0; n < end && moved === 0; n++) {
      moved = (start[n]! ^ at) & mask[n]!;
      if (moved !== 0 && n < this.firstMoved) this.firstMoved = n;
      start[n] = at;
      // From 0 to 255 if the short form reaches; the sign of `far` says otherwise.
      const reach = (start[target[n]!]! - at - shortJump + 128) | 0;
      const far = reach | (255 - reach);
      at = (at + length[n]! + after[n]! + (extra[n]! & (far >> 31))) | 0;
    }
    for (; n < end; n++) {
      start[n] = at;
      const reach = (start[target[n]!]! - at - shortJump + 128) | 0;
      const far = reach | (255 - reach);
      at = (at + length[n]! + after[n]! + (extra[n]! & (far >> 31))) | 0;
    }
    this.sizes[section[from]!] = at;
  }

  /** The length of a head after the last pass. */
  private lengthOf(n: number): number {
    const { kind, target, length, extra, start } = this.rows;
    if ((kind[n]! & kindBits) === measured) return this.stretches[n]!.head.length;
    const distance = start[target[n]!]! - start[n]! - shortJump;
    return distance < -128 || distance > 127 ? length[n]! + extra[n]! : length[n]!;
  }

  /** Makes places and lengths known to items and labels. Gives the items whose bytes may be others than before. */
  finish(): Item[] {
    const { kind, start } = this.rows;
    const changed: Item[] = [];
    for (let n = 0; n < this.stretches.length; n++) {
      const stretch = this.stretches[n]!;
      const { head } = stretch;
      const k = kind[n]!;
      const length = this.lengthOf(n);
      stretch.offset = start[n]! + length;
      if (k & label) head.label!.moveTo(stretch.section, start[n]!);
      if ((k & kindBits) === measured) changed.push(head);
      else if (head.length !== length) {
        head.length = length;
        head.reach = length === shortJump ? "short" : "near";
        changed.push(head);
      } else continue;
      head.tie(stretch, -length);
    }
    return changed;
  }
}

/** Stretches in a block, as a power of two. */
const blockBits = 6;

/** The head is the first item; the offset is that of its end. */
class Stretch extends Anchor {
  readonly head: Item;
  /** Among the stretches, when it was last looked for. */
  index = 0;

  constructor(head: Item) {
    super();
    this.head = head;
  }
  get section(): Section {
    return this.head.context.section;
  }
}

/** How the length of an item comes about; one that varies is another in the first pass. */
const kinds = ["settled", "jump", "measured", "varied"] as const;
type Kind = (typeof kinds)[number];

/** It has a label that is no constant. */
const hasPlace = ({ label, statement }: Item): boolean => label !== undefined && statement?.kind !== "equ";

function kindOf(item: Item): Kind {
  const { statement, label, reach, symbols, context } = item;
  if (item.firstLength < 0) return "measured";
  if (statement?.kind === "equ") return label && !label.isFixed ? "measured" : "settled";
  if (statement?.kind === "absolute" || statement?.kind === "align") return "measured";
  if (item.settled || isFixed(item)) return item.firstLength === item.length ? "settled" : "varied";
  const isJump = reach && context.processor >= nearConditions && symbols[0]?.offsetIn(context.section) !== undefined;
  return isJump ? "jump" : "measured";
}
