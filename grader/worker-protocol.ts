/** What an editor asks a grader in a worker, and what that answers. All of it can be copied from one to the other. */
import type { PlacedProblem } from "../emulator/machine-file/read.ts";
import type { Assignment } from "./assignment.ts";
import type { ScenarioLines } from "./coverage-run.ts";
import type { CheckResult, Result } from "./result.ts";
import type { Material, Submission } from "./submission.ts";

export type { Assignment } from "./assignment.ts";
export type { CheckResult, Result } from "./result.ts";
export type { Material, Submission } from "./submission.ts";

/** A submission with all that grading it needs. */
export interface Task {
  readonly assignment: Assignment;
  readonly submission: Submission;
  readonly material: Material;
}

/** An assignment file that has been read. */
export type ReadFile =
  | {
      readonly assignment: Assignment;
      /** Lines of its checks in the file, from 0. */
      readonly lines: readonly number[];
    }
  | { readonly problems: readonly PlacedProblem[] };

export interface Questions {
  read: { args: { readonly text: string }; answer: ReadFile };
  evaluate: { args: Task; answer: Result };
  /** The bytes of a trace that ends where the check was decided; undefined if no moment of a run decided it. */
  trace: { args: Task & { readonly check: CheckResult }; answer: Uint8Array | undefined };
  coverage: { args: Task; answer: readonly ScenarioLines[] };
}

export type Question = {
  readonly [K in keyof Questions]: { readonly id: number; readonly kind: K; readonly args: Questions[K]["args"] };
}[keyof Questions];

export type Reply =
  | { readonly id: number; readonly answer: Questions[keyof Questions]["answer"] }
  | { readonly id: number; readonly failed: string };
