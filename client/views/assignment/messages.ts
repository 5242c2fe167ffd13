/** Messages between the page of an assignment and the extension that has read it. */
import type { CheckResult } from "../../../grader/worker-protocol.ts";

export type CheckShown = Pick<CheckResult, "id" | "title" | "of" | "hidden"> &
  Partial<Pick<CheckResult, "status" | "points" | "expected" | "happened" | "feedback" | "hint">>;

export interface AssignmentShown {
  readonly title: string;
  /** Markdown. */
  readonly text: string;
  readonly checks: readonly CheckShown[];
  /** What is handed in; each with whether it differs from what was given. */
  readonly files: readonly { readonly name: string; readonly changed: boolean }[];
  readonly running: boolean;
}

export type ToAssignmentPage =
  | { readonly kind: "assignment"; readonly assignment: AssignmentShown }
  | { readonly kind: "problems"; readonly problems: readonly string[] };

export type FromAssignmentPage =
  | { readonly kind: "ready" }
  | { readonly kind: "run" }
  | { readonly kind: "debug"; readonly check: string }
  | { readonly kind: "open" | "diff" | "reset"; readonly file: string };
