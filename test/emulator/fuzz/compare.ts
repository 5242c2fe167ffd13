import { layout } from "../../../emulator/cpu/layout.ts";
import type { EngineStop } from "../../../emulator/engine/interpreter.ts";
import { flagMask } from "../../../isa/flags.ts";
import { randomNumbers } from "../engine/random-code.ts";
import { type Random, randomWorld, Subject, type World } from "./worlds.ts";

/** What went wrong, with all it takes to see it again. */
export interface Finding {
  readonly world: string;
  readonly seed: number;
  /** Steps taken before. */
  readonly steps: number;
  readonly what: string;
}

const IF = flagMask("IF");
const longestSlice = 400;

/** Runs the same random world on interpreter and translator, and looks for exceptions, hangs and differences. */
export class Comparison {
  readonly #interpreted = new Subject();
  readonly #translated = new Subject();
  /** Steps that were taken so far, and as translated code. */
  steps = 0;
  translatedSteps = 0;

  run(world: World, seed: number, steps: number): Finding | undefined {
    const random = randomNumbers(seed);
    const image = randomWorld(this.#interpreted, world, random);
    this.#interpreted.begin(image, undefined);
    this.#translated.begin(image, 20 + random(60));
    const before = this.#now;
    let what: string | undefined;
    // Slices that end without a step, halted, are not without end either.
    for (let slices = 0; what === undefined && this.#now - before < steps && slices < steps; slices++) {
      disturb(random(2 ** 31), [this.#interpreted, this.#translated]);
      const outcome = this.#slice(1 + random(random(3) === 0 ? 4 : longestSlice));
      if (outcome === "over") break;
      what = outcome;
    }
    const taken = this.#now - before;
    this.steps += taken;
    this.translatedSteps += this.#translated.engine.translatedSteps;
    return what === undefined ? undefined : { world: world.name, seed, steps: taken, what };
  }

  get #now(): number {
    return this.#interpreted.cpu.f64[layout.steps >> 3]!;
  }

  /** "over" where the processor cannot go on; undefined if all is well; else what is not. */
  #slice(steps: number): "over" | string | undefined {
    const before = this.#now;
    const one = attempt(this.#interpreted, steps);
    const other = attempt(this.#translated, steps);
    const [a, b] = [one, other].map((stop) => JSON.stringify(stop, (_, v) => (typeof v === "bigint" ? `${v}` : v)));
    if (a !== b) return `the interpreter stops with ${a}, the translator with ${b}`;
    if (typeof one === "string") return one;
    const difference = this.#difference();
    if (difference !== undefined) return difference;
    if (this.#now - before > steps) return `${this.#now - before} steps were taken, where ${steps} were asked for`;
    if (one.kind === "unsupported") return `unsupported: ${one.what}`;
    // Shut down, or halted with interrupts off: nothing comes any more.
    const over = one.kind === "shutdown" || (one.kind === "idle" && (this.#interpreted.cpu.flags & IF) === 0);
    return over ? "over" : undefined;
  }

  #difference(): string | undefined {
    const [a, b] = [this.#interpreted.memory, this.#translated.memory];
    if (Buffer.compare(a, b) === 0) return undefined;
    const at = a.findIndex((byte, n) => byte !== b[n]);
    return `byte ${at.toString(16)}h of the machine's memory is ${a[at]} interpreted and ${b[at]} translated, at RIP ${this.#interpreted.cpu.rip.toString(16)}h`;
  }
}

/** How a run ended, or the text of what it threw. */
function attempt({ engine }: Subject, steps: number): EngineStop | string {
  try {
    return engine.run({ steps });
  } catch (thrown) {
    return `threw ${thrown instanceof Error ? thrown.stack : JSON.stringify(thrown)}`;
  }
}

/** Now and then an interrupt or an NMI comes. */
function disturb(choice: number, subjects: readonly Subject[]): void {
  for (const { cpu, bus } of subjects) {
    const idle = cpu.activity !== 0;
    if (choice % 16 === 0) cpu.nonMaskableInterrupt();
    if (choice % 8 === 1 || idle) {
      if (bus.vectors.length < 2) bus.vectors.push((choice >>> 8) & 0xff);
      cpu.attention = true;
    }
  }
}

/** Calls for as many random worlds of every kind as it takes; gives what was found. */
export function* fuzz(
  worlds: readonly World[],
  { seed, steps, perWorld }: { readonly seed: number; readonly steps: number; readonly perWorld: number },
): Generator<{ readonly world: World; readonly steps: number; readonly finding: Finding | undefined }> {
  const comparison = new Comparison();
  const next: Random = randomNumbers(seed);
  const target = comparison.steps + steps;
  while (comparison.steps < target)
    for (const world of worlds) {
      const before = comparison.steps;
      const finding = comparison.run(world, next(2 ** 31), perWorld);
      yield { world, steps: comparison.steps - before, finding };
    }
}
