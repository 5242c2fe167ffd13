/** What the main thread and those that grade tell each other. */
import type { Assignment } from "../../grader/assignment.ts";
import type { Result } from "../../grader/result.ts";
import type { Fingerprints } from "../../grader/similarity.ts";
import type { Files, Material } from "../../grader/submission.ts";

/** What a worker tells first: from then on its time counts. */
export const ready = "ready";

/** What each worker is made with. */
export interface Setup {
  readonly assignment: Assignment;
  readonly material: Material;
  /** Of which failed checks traces are made. */
  readonly traces: "none" | "visible" | "all";
  readonly similarity: boolean;
}

/** One submission: files in memory, or a path. */
export interface Job {
  readonly student: string;
  readonly path?: string;
  readonly files?: Files;
}

/** What came of it. */
export interface Done {
  readonly result: Result;
  readonly fingerprints?: Fingerprints;
  /** Trace files by the id of their check. */
  readonly traces: readonly (readonly [check: string, bytes: Uint8Array])[];
}
