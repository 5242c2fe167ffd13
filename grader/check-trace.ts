import { recordingOf } from "../debug-adapter/recording.ts";
import { type Trace, writeTrace } from "../trace-file/index.ts";
import type { Assignment } from "./assignment.ts";
import { explanation } from "./formats/format.ts";
import { assignmentFor } from "./read-assignment.ts";
import type { CheckResult } from "./result.ts";
import { scenariosOf } from "./scenarios.ts";
import { loadScenario, situationOf } from "./situation.ts";
import type { Material, Submission } from "./submission.ts";

/** The run that decided a check, at the moment that did; undefined for checks that no moment of a run decided. */
export async function checkTrace(
  template: Assignment,
  submission: Submission,
  material: Material,
  check: CheckResult,
): Promise<Trace | undefined> {
  const { moment } = check;
  if (!moment) return undefined;
  const assignment = assignmentFor(template, submission.student);
  const scenario = scenariosOf(assignment).find(({ name }) => name === moment.scenario)!;
  const situation = situationOf(assignment, scenario, submission, material);
  const loaded = await loadScenario(situation);
  loaded.machine.goTo(moment.step);
  return recordingOf(loaded, situation.read, { title: check.title, note: explanation(check) });
}

/** The same as the bytes of a trace file. */
export async function checkTraceFile(...of: Parameters<typeof checkTrace>): Promise<Uint8Array | undefined> {
  const trace = await checkTrace(...of);
  return trace && writeTrace(trace);
}
