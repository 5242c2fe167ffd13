import type { Ending } from "../emulator/index.ts";
import type { Figures } from "./figures.ts";
import type { Moment, Place, Verdict } from "./verdict.ts";

/** What a check of an assignment came to. All texts are plain: on one line, without control characters. */
export interface CheckResult {
  readonly id: string;
  readonly title: string;
  readonly status: Verdict["status"];
  /** Points got, and to be got. */
  readonly points: number;
  readonly of: number;
  readonly hidden: boolean;
  readonly expected: string;
  readonly happened: string;
  /** What decided that it failed. */
  readonly moment?: Moment;
  readonly place?: Place;
  /** Of those that failed. */
  readonly feedback?: string;
  readonly hint?: string;
}

export interface ScenarioResult {
  readonly name: string;
  readonly title?: string;
  readonly ended?: Ending;
  /** Why it did not run. */
  readonly problem?: string;
  readonly figures?: Figures;
}

/** What a submission came to: the same wherever and whenever it is graded. */
export interface Result {
  readonly assignment: string;
  readonly student: string;
  readonly points: number;
  /** Of the checks that could be decided. */
  readonly of: number;
  readonly checks: readonly CheckResult[];
  /** Why it could not be graded to its end, if so. */
  readonly problem?: string;
  readonly scenarios: readonly ScenarioResult[];
}
