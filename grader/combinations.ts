import { type FieldProblem, join } from "../emulator/machine-file/check.ts";
import {
  type Assignment,
  type Check,
  type CostPredicate,
  ofPrograms,
  type Predicate,
  type RunFields,
  type Scenario,
} from "./assignment.ts";
import { nameProblem } from "./file-names.ts";
import { type Found, predicateProblems } from "./predicate-problems.ts";
import { scenariosOf } from "./scenarios.ts";

const twice = <T>(items: readonly T[], of: (item: T) => string): { at: number; name: string }[] =>
  items.flatMap((item, at) =>
    items.findIndex((other) => of(other) === of(item)) === at ? [] : [{ at, name: of(item) }],
  );

/** What does not go together, although each field is well formed. */
export function combinationProblems(assignment: Assignment): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const found: Found = (path, message) => void problems.push({ path, message });
  fileProblems(assignment, found);
  runProblems(assignment, assignment, "", found);
  for (const [n, scenario] of (assignment.scenarios ?? []).entries())
    runProblems(assignment, scenario, `scenarios[${n}]`, found);
  for (const { at, name } of twice(assignment.scenarios ?? [], (one) => one.name))
    found(`scenarios[${at}].name`, `There are two scenarios named ${name}.`);
  for (const { at, name } of twice(assignment.checks, ({ id }) => id))
    found(`checks[${at}].id`, `There are two checks with the id ${name}.`);
  for (const [n, check] of assignment.checks.entries()) checkProblems(assignment, check, `checks[${n}]`, found);
  return problems;
}

function fileProblems({ files, given = [], text, starter, solution }: Assignment, found: Found): void {
  const named = [
    ...files.map((name, n) => [`files[${n}]`, name] as const),
    ...given.map((name, n) => [`given[${n}]`, name] as const),
    ...Object.entries({ text, starter, solution }).flatMap(([path, name]) =>
      name === undefined ? [] : [[path, name]],
    ),
  ] as const;
  for (const [path, name] of named) {
    const problem = nameProblem(name!);
    if (problem) found(path!, `${path}: “${name}” ${problem}.`);
  }
  for (const { at, name } of twice(files, (name) => name)) found(`files[${at}]`, `${name} is named twice.`);
  for (const [n, name] of given.entries())
    if (files.includes(name))
      found(`given[${n}]`, `${name} is given, so it cannot be handed in: take it out of files.`);
}

const fileFields = ["program", "machine", "modules", "floppies", "disks"] as const;

function runProblems({ files, given = [] }: Assignment, run: RunFields, path: string, found: Found): void {
  const at = (field: string): string => (path === "" ? field : `${path}.${field}`);
  for (const field of fileFields)
    for (const name of [run[field] ?? []].flat())
      if (!files.includes(name) && !given.includes(name))
        found(at(field), `${at(field)}: ${name} is neither one of files nor of given.`);
  if (run.program !== undefined && run.machine !== undefined)
    found(at("machine"), `${at("machine")}: give either a program or a machine file.`);
  const wrong = run.machine === undefined ? undefined : ofPrograms.find((field) => run[field] !== undefined);
  if (wrong !== undefined) found(at(wrong), `${at(wrong)}: the machine file says that itself, of each VM.`);
}

function checkProblems(assignment: Assignment, check: Check, path: string, found: Found): void {
  if (check.partial && check.expect.kind !== "all")
    found(`${path}.partial`, `${path}.partial: only the parts of an all can have points in proportion.`);
  if (check.scenario !== undefined) scenarioProblem(assignment, check.scenario, `${path}.scenario`, found);
  const scenario = scenariosOf(assignment).find(({ name }) => name === check.scenario);
  partProblems({ assignment, scenario }, check.expect, `${path}.expect`, found);
}

function scenarioProblem(assignment: Assignment, name: string, path: string, found: Found): void {
  const names = scenariosOf(assignment).map((scenario) => scenario.name);
  if (!names.includes(name)) found(path, `${path}: there is no scenario ${name}; there are ${names.join(", ")}.`);
}

interface Surroundings {
  readonly assignment: Assignment;
  /** Undefined: every one. */
  readonly scenario: Scenario | undefined;
}

function partProblems(around: Surroundings, predicate: Predicate, path: string, found: Found): void {
  const { assignment } = around;
  const named = predicate.scenario;
  if (named !== undefined) scenarioProblem(assignment, named, `${path}.scenario`, found);
  const scenario = named === undefined ? around.scenario : scenariosOf(assignment).find(({ name }) => name === named);
  if (predicate.kind === "not") partProblems({ assignment, scenario }, predicate.of, `${path}.of`, found);
  else if (predicate.kind === "all" || predicate.kind === "any") {
    for (const [n, part] of predicate.of.entries())
      partProblems({ assignment, scenario }, part, join(`${path}.of`, n), found);
  } else {
    predicateProblems(assignment, predicate, (field, message) =>
      found(`${path}.${field}`, `${path}.${field}: ${message}`),
    );
    kindProblems(scenario ? [scenario] : scenariosOf(assignment), predicate, path, found);
    if (predicate.kind === "cost") relativeProblem(predicate, scenario, path, found);
  }
}

/** A run is divided by another one, so it must be said which is which. */
function relativeProblem(
  { relativeTo }: CostPredicate,
  scenario: Scenario | undefined,
  path: string,
  found: Found,
): void {
  if (relativeTo === undefined) return;
  if (!scenario)
    found(`${path}.scenario`, `${path}.relativeTo: say in which scenario, to be divided by ${relativeTo}.`);
  else if (scenario.name === relativeTo)
    found(`${path}.relativeTo`, `${path}.relativeTo: this is the scenario itself.`);
}

/** Kinds of checks that are about one program, and not about several VMs. */
const ofOneProgram: readonly Predicate["kind"][] = ["instructions", "sensitive", "equivalence"];

/** What a scenario does not tell: such a check could not be decided. */
function kindProblems(scenarios: readonly Scenario[], { kind, vm }: Predicate, path: string, found: Found): void {
  for (const { name, machine } of scenarios)
    if (vm !== undefined && machine === undefined)
      found(`${path}.vm`, `${path}.vm: the scenario ${name} runs a program, not a machine file with VMs.`);
    else if (kind === "schedule" && machine === undefined)
      found(path, `${path}: the scenario ${name} runs a program; figures of a schedule are of machine files.`);
    else if (machine !== undefined && ofOneProgram.includes(kind))
      found(
        path,
        `${path}: the scenario ${name} runs a machine file; “${kind}” is about one program: name a scenario that runs that.`,
      );
}
