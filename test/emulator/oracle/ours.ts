import { isFault } from "../../../emulator/cpu/fault.ts";
import { ramBase } from "../../../emulator/cpu/layout.ts";
import type { Bits } from "../../../isa/operands.ts";
import { codeAt, createProcessor, type Processor } from "../../support/processor.ts";
import { type Case, type Outcome, windowAt, windowBytes } from "./state.ts";

/** Runs cases on the processor of this project, in one mode. */
export class OwnProcessor {
  readonly #processor: Processor;
  readonly #base: Uint8Array;

  constructor(mode: Bits, base: Uint8Array) {
    this.#processor = createProcessor({ bits: mode, code: [] });
    this.#base = base;
    this.#window.set(base);
  }

  get #window(): Uint8Array {
    return this.#processor.cpu.bytes.subarray(ramBase + windowAt, ramBase + windowAt + windowBytes);
  }

  run({ code, registers, flags, patches, straight }: Case): Outcome {
    const { cpu } = this.#processor;
    for (const [at, bytes] of patches) cpu.bytes.set(bytes, ramBase + at);
    cpu.bytes.set(code, ramBase + codeAt);
    registers.forEach((value, n) => {
      cpu.r64[n] = value;
    });
    cpu.flags = flags;
    cpu.rip = codeAt;
    // No boundaries are looked at between instructions here.
    cpu.attention = false;
    const fault = this.#execute(straight ? codeAt + code.length : undefined);
    return {
      registers: registers.map((_, n) => cpu.r64[n]!),
      ip: BigInt(cpu.rip),
      flags: cpu.flags,
      changes: this.#changes(),
      fault,
    };
  }

  /** One instruction, or all up to `end`; the vector of the exception if there is one. */
  #execute(end: number | undefined): number | undefined {
    const { cpu, engine } = this.#processor;
    try {
      do engine.interpret();
      while (end !== undefined && cpu.rip !== end);
      return undefined;
    } catch (thrown) {
      if (isFault(thrown)) return thrown.vector;
      throw thrown;
    }
  }

  #changes(): Map<number, number> {
    const window = this.#window;
    const base = this.#base;
    const changes = new Map<number, number>();
    if (Buffer.compare(window, base) === 0) return changes;
    for (let at = 0; at < windowBytes; at++) if (window[at] !== base[at]) changes.set(windowAt + at, window[at]!);
    window.set(base);
    return changes;
  }
}
