import type { Assignment, Check, PlainPredicate, Predicate, Scenario, SchedulePredicate } from "./assignment.ts";
import { costVerdict, type Figures } from "./figures.ts";
import { runGuest } from "./guest-run.ts";
import { keptVerdict } from "./kept.ts";
import { assignmentFor } from "./read-assignment.ts";
import type { CheckResult, Result, ScenarioResult } from "./result.ts";
import { scenariosOf } from "./scenarios.ts";
import { runModels, scheduleVerdict } from "./schedule-run.ts";
import { plain } from "./shown.ts";
import { type Situation, situationOf } from "./situation.ts";
import { filesFor, type Material, type Submission } from "./submission.ts";
import { all, any, baseless, not, undecided, type Verdict } from "./verdict.ts";
import type { RunPredicate } from "./watchers/index.ts";

/** A predicate without parts in the scenario in which it must hold. */
type Ask = (predicate: PlainPredicate, scenario: string) => void;

/** Names all that must be known to decide a predicate in a scenario. */
function gather(predicate: Predicate, around: string, ask: Ask): void {
  const scenario = predicate.scenario ?? around;
  if (predicate.kind === "not") gather(predicate.of, scenario, ask);
  else if (predicate.kind === "all" || predicate.kind === "any")
    for (const part of predicate.of) gather(part, scenario, ask);
  else ask(predicate, scenario);
}

type Answer = (predicate: PlainPredicate, scenario: string) => Verdict;

function decide(predicate: Predicate, around: string, answer: Answer): Verdict {
  const scenario = predicate.scenario ?? around;
  if (predicate.kind === "not") return not(decide(predicate.of, scenario, answer));
  if (predicate.kind === "all") return partsKept(predicate.of.map((part) => decide(part, scenario, answer)));
  if (predicate.kind === "any") return any(predicate.of.map((part) => decide(part, scenario, answer)));
  return answer(predicate, scenario);
}

/** `all`, with its parts even if there is only one. */
const partsKept = (parts: readonly Verdict[]): Verdict => ({ ...all(parts), parts });

/** The scenarios in which a check must hold. */
function scenariosFor({ scenario, expect }: Check, scenarios: readonly Scenario[]): readonly string[] {
  if (scenario !== undefined) return [scenario];
  let depends = false;
  // An empty name stands for the scenario that nobody has named.
  gather(expect, "", (_, name) => {
    depends ||= name === "";
  });
  return depends ? scenarios.map(({ name }) => name) : [scenarios[0]!.name];
}

/** What is known once all scenarios have run. */
interface Outcome {
  readonly scenarios: readonly ScenarioResult[];
  readonly answer: Answer;
}

interface ScenarioRun {
  readonly result: Omit<ScenarioResult, "name" | "title">;
  readonly verdicts: ReadonlyMap<PlainPredicate, Verdict>;
}

/** Gives the same verdict to all. */
const alike = (predicates: readonly PlainPredicate[], made: Verdict): ReadonlyMap<PlainPredicate, Verdict> =>
  new Map(predicates.map((predicate) => [predicate, made]));

const isSchedule = (predicate: PlainPredicate): predicate is SchedulePredicate & PlainPredicate =>
  predicate.kind === "schedule";

async function runPrograms(situation: Situation, predicates: readonly PlainPredicate[]): Promise<ScenarioRun> {
  const asked = predicates.filter(
    (predicate): predicate is RunPredicate =>
      predicate.kind !== "cost" && predicate.kind !== "schedule" && predicate.kind !== "kept",
  );
  const { ended, problem, figures, schedule, verdicts } = await runGuest(situation, asked);
  const result = { ...(ended && { ended }), ...(problem && { problem: problem.text }), ...(figures && { figures }) };
  const scheduled = predicates.filter(isSchedule).map((predicate): [PlainPredicate, Verdict] => {
    if (schedule) return [predicate, scheduleVerdict(predicate, { figures: schedule, workloads: {} })];
    return [predicate, baseless(predicate.measure, problem?.text ?? "there was no scheduler")];
  });
  return { result, verdicts: new Map<PlainPredicate, Verdict>([...verdicts, ...scheduled]) };
}

async function runScenario(
  assignment: Assignment,
  scenario: Scenario,
  predicates: readonly PlainPredicate[],
  { submission, material }: { readonly submission: Submission; readonly material: Material },
): Promise<ScenarioRun> {
  const situation = situationOf(assignment, scenario, submission, material);
  if (scenario.machine === undefined) return runPrograms(situation, predicates);
  const machine = await runModels(assignment, scenario, situation.read);
  if (machine.kind === "programs") return runPrograms(situation, predicates);
  if (machine.kind === "problem") {
    const { text, isAssignments } = machine;
    const made = (isAssignments ? undecided : baseless)("a machine file that can be run", text);
    return { result: { problem: text }, verdicts: alike(predicates, made) };
  }
  const verdicts = predicates
    .filter(isSchedule)
    .map((predicate) => [predicate, scheduleVerdict(predicate, machine.run)] as const);
  return { result: {}, verdicts: new Map<PlainPredicate, Verdict>(verdicts) };
}

/** Runs each scenario once, for all that is asked about it. */
async function runAll(assignment: Assignment, submission: Submission, material: Material): Promise<Outcome> {
  const scenarios = scenariosOf(assignment);
  const asked = new Map<string, Set<PlainPredicate>>(scenarios.map(({ name }) => [name, new Set()]));
  for (const check of assignment.checks)
    for (const name of scenariosFor(check, scenarios))
      gather(check.expect, name, (predicate, scenario) => void asked.get(scenario)!.add(predicate));
  const results: ScenarioResult[] = [];
  const verdicts = new Map<string, ReadonlyMap<PlainPredicate, Verdict>>();
  for (const scenario of scenarios) {
    const predicates = [...asked.get(scenario.name)!];
    const needed = predicates.length > 0 || isComparedWith(assignment, scenario.name);
    if (!needed) continue;
    const run = await runScenario(assignment, scenario, predicates, { submission, material });
    const { name, title } = scenario;
    results.push({ name, ...(title !== undefined && { title }), ...run.result });
    verdicts.set(scenario.name, run.verdicts);
  }
  const figuresOf = (name: string): Figures | undefined => results.find((run) => run.name === name)?.figures;
  const starter = filesFor(assignment, material.starter, submission.student);
  const answer: Answer = (predicate, scenario) =>
    predicate.kind === "cost"
      ? costVerdict(predicate, scenario, figuresOf)
      : predicate.kind === "kept"
        ? keptVerdict(predicate, submission.files, starter)
        : (verdicts.get(scenario)?.get(predicate) ??
          undecided(
            predicate.kind,
            `the scenario ${scenario} runs models, which do not tell about “${predicate.kind}”`,
          ));
  return { scenarios: results, answer };
}

/** Whether costs are divided by those of a scenario. */
function isComparedWith({ checks }: Assignment, name: string): boolean {
  let found = false;
  for (const { expect } of checks)
    gather(expect, "", (predicate) => {
      found ||= predicate.kind === "cost" && predicate.relativeTo === name;
    });
  return found;
}

const allAlike = ([first, ...others]: readonly Verdict[]): boolean =>
  others.every(
    ({ status, expected, happened }) =>
      status === first!.status && expected === first!.expected && happened === first!.happened,
  );

/** A check in all its scenarios; each is named where they differ. */
function inAll(verdicts: readonly Verdict[], names: readonly string[]): Verdict {
  if (allAlike(verdicts)) return verdicts[0]!;
  const named = verdicts.map((one, n) => ({ ...one, happened: `${names[n]}: ${one.happened}` }));
  return all(named);
}

const partOf = ({ status, parts }: Verdict): number =>
  parts ? parts.filter((part) => part.status === "passed").length / parts.length : status === "passed" ? 1 : 0;

/** Points in hundredths: what is written down is what is added up. */
const rounded = (points: number): number => Math.round(100 * points) / 100;

function checkResult(check: Check, names: readonly string[], answer: Answer): CheckResult {
  const { id, title, points: of, hidden = false, partial = false, feedback, hint } = check;
  const verdicts = names.map((name) => decide(check.expect, name, answer));
  const verdict = inAll(verdicts, names);
  const part = verdicts.reduce((sum, one) => sum + partOf(one), 0) / verdicts.length;
  const points = verdict.status === "passed" ? of : partial && verdict.status === "failed" ? rounded(of * part) : 0;
  const { status, expected, happened, moment, place } = verdict;
  const told = status === "failed" ? { ...(feedback && { feedback }), ...(hint && { hint }) } : {};
  const where = { ...(moment && { moment }), ...(place && { place }) };
  const texts = { expected: plain(expected), happened: plain(happened) };
  return { id, title, status, points, of, hidden, ...texts, ...where, ...told };
}

/** The result of a submission that could not be graded: its own fault, or ours. */
export function ungraded(template: Assignment, student: string, problem: string, status: "failed" | "error"): Result {
  const { title, checks } = assignmentFor(template, student);
  const texts = { expected: "", happened: plain(problem) };
  const of = status === "error" ? 0 : rounded(checks.reduce((sum, { points }) => sum + points, 0));
  return {
    assignment: title,
    student,
    points: 0,
    of,
    checks: checks.map(({ id, title, points, hidden = false }) => ({
      id,
      title,
      status,
      points: 0,
      of: points,
      hidden,
      ...texts,
    })),
    problem: plain(problem),
    scenarios: [],
  };
}

/**
 * Grades a submission. The result depends on nothing but the assignment, the material, and the submission's files and student.
 *
 * @param template the assignment as `readAssignment` gives it; its parameters are filled in here
 */
export async function evaluate(template: Assignment, submission: Submission, material: Material): Promise<Result> {
  const { student } = submission;
  const assignment = assignmentFor(template, student);
  const { scenarios, answer } = await runAll(assignment, submission, material);
  const all = scenariosOf(assignment);
  const checks = assignment.checks.map((check) => checkResult(check, scenariosFor(check, all), answer));
  const sum = (numbers: readonly number[]): number => rounded(numbers.reduce((a, b) => a + b, 0));
  return {
    assignment: assignment.title,
    student,
    points: sum(checks.map(({ points }) => points)),
    of: sum(checks.map(({ of, status }) => (status === "error" ? 0 : of))),
    checks,
    scenarios,
  };
}
