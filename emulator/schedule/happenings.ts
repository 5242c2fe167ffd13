import type { Parameters } from "./vcpu.ts";

/** What a vCPU does, or what is done to it, for the scheduler. */
export type Happening = {
  /** When, in cycles of host time. */
  readonly at: number;
  /** The vCPU, as `VM/number`. */
  readonly id: string;
} & (
  | { readonly what: "wake" | "block" | "unplug"; readonly why: string }
  | { readonly what: "yield"; readonly why: string; readonly to?: string }
  | { readonly what: "plug" }
  | { readonly what: "adjust"; readonly parameters: Partial<Parameters> }
);

/** What happens at moments that host time has not reached yet, in the order of time; at one moment, in the order it was added. */
export class Happenings {
  #all: readonly Happening[] = [];

  /** When the first happens; infinite if none does. */
  get next(): number {
    return this.#all[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  add(happening: Happening): void {
    const after = this.#all.findIndex(({ at }) => at > happening.at);
    const place = after < 0 ? this.#all.length : after;
    this.#all = [...this.#all.slice(0, place), happening, ...this.#all.slice(place)];
  }

  /** The block of a vCPU that is still to come. */
  blockOf(id: string): Happening | undefined {
    return this.#all.find((happening) => happening.what === "block" && happening.id === id);
  }

  drop(happening: Happening): void {
    this.#all = this.#all.filter((other) => other !== happening);
  }

  /** Takes the first if its time has come. */
  take(now: number): Happening | undefined {
    const [first, ...rest] = this.#all;
    if (!first || first.at > now) return undefined;
    this.#all = rest;
    return first;
  }

  /** Whether anything is to come for a vCPU. */
  concerns(id: string): boolean {
    return this.#all.some((happening) => happening.id === id);
  }

  /** Plain JSON, never changed. */
  save(): readonly Happening[] {
    return this.#all;
  }

  restore(state: unknown): void {
    this.#all = state as readonly Happening[];
  }
}
