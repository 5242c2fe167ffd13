import type { Standing } from "../../../emulator/trace/event.ts";
import { Numbers } from "../shared/numbers.ts";

/** The number by which the scheduler orders one vCPU, as events told it. */
export class Standings {
  readonly time = new Numbers();
  readonly value = new Numbers();
  readonly #event = new Numbers();
  readonly #band = new Numbers();
  readonly #bands: string[] = [];

  learn(time: number, { value, before, band }: Omit<Standing, "vcpu">, event: number): void {
    let n = this.#bands.indexOf(band);
    if (n < 0) n = this.#bands.push(band) - 1;
    for (const one of before === undefined ? [value] : [before, value]) {
      this.time.push(time);
      this.value.push(one);
      this.#event.push(event);
      this.#band.push(n);
    }
  }

  get length(): number {
    return this.time.length;
  }

  /** The class that counts before the number: "UNDER"; empty where there is none. */
  bandAt(n: number): string {
    return this.#bands[this.#band.at(n)]!;
  }

  /** The last that was told up to a time: "UNDER 112"; empty if nothing was. */
  textAt(time: number): string {
    const n = this.time.upTo(time) - 1;
    return n < 0 ? "" : `${this.bandAt(n)} ${this.value.at(n).toLocaleString("en")}`.trim();
  }

  rewind(event: number): void {
    const length = this.#event.upTo(event - 1);
    for (const column of [this.time, this.value, this.#event, this.#band]) column.length = length;
  }
}
