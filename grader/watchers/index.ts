import type { PlainPredicate } from "../assignment.ts";
import type { Verdict } from "../verdict.ts";
import type { Subject, Watcher } from "../watcher.ts";
import { coverageWatcher } from "./coverage.ts";
import { equivalenceWatcher, stopWatcher } from "./endings.ts";
import { eventWatcher } from "./events.ts";
import { memoryWatcher, stateWatcher } from "./state.ts";
import { textWatcher } from "./text.ts";
import { translationWatcher } from "./translation.ts";
import { instructionsVerdict, sensitiveVerdict } from "./written.ts";

/** Predicates that one run of a program decides. */
export type RunPredicate = Exclude<PlainPredicate, { readonly kind: "schedule" | "cost" | "kept" }>;

/** Who sees a run for a check; or the verdict, where it needs no run. */
export async function watcherFor(subject: Subject, predicate: RunPredicate, most: number): Promise<Watcher | Verdict> {
  switch (predicate.kind) {
    case "output":
    case "screen":
      return textWatcher(subject, predicate);
    case "state":
      return stateWatcher(subject, predicate);
    case "memory":
      return memoryWatcher(subject, predicate);
    case "translation":
      return translationWatcher(subject, predicate);
    case "instructions":
      return instructionsVerdict(subject, predicate);
    case "sensitive":
      return sensitiveVerdict(subject, predicate);
    case "equivalence":
      return equivalenceWatcher(subject, predicate, most);
    case "coverage":
      return coverageWatcher(subject, predicate);
    case "stop":
      return stopWatcher(subject, predicate);
    default:
      return eventWatcher(subject, predicate);
  }
}
