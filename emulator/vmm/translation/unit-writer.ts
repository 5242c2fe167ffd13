import { conditionalCode, jumpCode, longTrapCode, trapCode } from "./code.ts";
import type { Exit, GuestState, Site } from "./unit.ts";

/** A guest instruction while it is translated. */
export interface Source {
  readonly rip: number;
  /** Offset of the one after it. */
  readonly next: number;
  readonly bytes: readonly number[];
}

interface Facts {
  readonly retires?: boolean;
  readonly trap?: Site["trap"];
}

/** The code of a unit in the making: its bytes, and for each instruction what it is about. */
export class UnitWriter {
  readonly start: number;
  readonly bytes: number[] = [];
  readonly sites: Site[] = [];
  readonly exits: Exit[] = [];
  readonly #stub: () => number;
  #starts = true;
  /** Offset behind an STI that was just translated. */
  #shadow: number | undefined;
  source: Source = { rip: 0, next: 0, bytes: [] };

  /** @param stub takes room for the trap of an exit */
  constructor(start: number, stub: () => number) {
    this.start = start;
    this.#stub = stub;
  }

  get at(): number {
    return this.start + this.bytes.length;
  }

  begin(source: Source): void {
    this.source = source;
    this.#starts = true;
  }

  /** The instruction after this one is in the shadow of STI. */
  castShadow(): void {
    this.#shadow = this.source.next;
  }

  /** An instruction before which the guest's state is `state`. */
  put(bytes: readonly number[], state: GuestState, { retires = false, trap }: Facts = {}): void {
    const shadowed = this.#shadow !== undefined && state.rip === this.#shadow;
    this.sites.push({ ...state, at: this.at, starts: this.#starts, retires, shadowed, ...(trap && { trap }) });
    this.#starts = false;
    this.bytes.push(...bytes);
  }

  /** The guest is before the instruction at hand, but for … */
  before(changed: Omit<GuestState, "rip"> = {}): GuestState {
    return { rip: this.source.rip, ...changed };
  }

  after(changed: Omit<GuestState, "rip"> = {}): GuestState {
    return { rip: this.source.next, ...changed };
  }

  callout(state: GuestState): void {
    this.put(trapCode, state, { trap: "callout" });
  }

  /** A jump to a guest address, which leads to a trap until it is chained. */
  jump(kind: "taken" | "jump", target: number, state: GuestState, facts: Facts = {}, condition?: number): void {
    const { at } = this;
    const stub = this.#stub();
    this.exits.push({ kind, target, at, stub });
    this.put(condition === undefined ? jumpCode(at, stub) : conditionalCode(condition, at, stub), state, facts);
    this.sites.push({ rip: target, at: stub, starts: false, retires: false, shadowed: false, trap: "exit" });
  }

  /** What follows in the guest comes next: at first a trap, which a jump or the next unit itself replaces. */
  fallThrough(target: number): void {
    const { at } = this;
    this.exits.push({ kind: "fall-through", target, at, stub: at });
    this.put(longTrapCode, { rip: target }, { trap: "exit" });
  }
}
