import type { TechniqueId } from "./technique.ts";

/** Exits of one reason from one place. */
export interface MeasuredReason {
  /** As exit events name it: a basic exit reason, an exit code, an exception. */
  readonly reason: string;
  readonly count: number;
  /** Cycles from exit to entry of all of them, with what the hypervisor did in between. */
  readonly cycles: number;
}

/** What left the guest at one line of source. */
export interface MeasuredLine {
  readonly uri: string;
  /** 0-based. */
  readonly line: number;
  /** The line as it was assembled; undefined where that is not known. */
  readonly text?: string;
  /** The most frequent first. */
  readonly reasons: readonly MeasuredReason[];
}

/** What a run has measured of exits, for putting it beside what was predicted (`prediction.ts`). */
export interface MeasuredRun {
  /** The program's main file, as a URI. */
  readonly program: string;
  readonly technique: TechniqueId;
  /** Name of the cost profile. */
  readonly costs: string;
  /** Virtual time that had passed. */
  readonly cycles: number;
  readonly lines: readonly MeasuredLine[];
  /** Events of the beginning that the recorder did not keep: what they measured is not in the lines. */
  readonly dropped: number;
}
