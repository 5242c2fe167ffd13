/** What students get of an assignment: its text, the files to start from, and the checks that they may see. */
import { utf8, utf8Text } from "../emulator/utf8.ts";
import type { Assignment, Predicate, RunFields, Scenario } from "./assignment.ts";
import { assignmentFor } from "./read-assignment.ts";
import { type Files, filesFor, type Material } from "./submission.ts";

/** The name of assignment files. */
export const assignmentFileName = "assignment.ringside.json";

/** The folder in which a bundle has the files as they were, for comparison; hidden, so that they are not taken for programs. */
const starterFolder = ".starter";

export interface Bundle {
  readonly files: Files;
  /** Names of the instructor's files, scenarios and checks that are not in it. */
  readonly leftOut: {
    readonly given: readonly string[];
    readonly scenarios: readonly string[];
    readonly checks: readonly string[];
  };
}

/** Adds the scenarios that a predicate names; an empty name stands for each. */
function addScenarios(predicate: Predicate, around: string, found: Set<string>): void {
  const scenario = predicate.scenario ?? around;
  if (predicate.kind === "not") addScenarios(predicate.of, scenario, found);
  else if (predicate.kind === "all" || predicate.kind === "any")
    for (const part of predicate.of) addScenarios(part, scenario, found);
  else {
    found.add(scenario);
    if (predicate.kind === "cost" && predicate.relativeTo !== undefined) found.add(predicate.relativeTo);
  }
}

/** Scenarios that only hidden checks are about. */
function hiddenScenarios({ scenarios = [], checks }: Assignment): readonly Scenario[] {
  const used = (hidden: boolean): ReadonlySet<string> => {
    const found = new Set<string>();
    for (const check of checks)
      if ((check.hidden ?? false) === hidden) addScenarios(check.expect, check.scenario ?? "", found);
    return found;
  };
  const [seen, unseen] = [used(false), used(true)];
  return seen.has("") ? [] : scenarios.filter(({ name }) => unseen.has(name) && !seen.has(name));
}

const filesOfRun = ({ program, machine, modules = [], floppies = [], disks = [] }: RunFields): readonly string[] => [
  ...(program === undefined ? [] : [program]),
  ...(machine === undefined ? [] : [machine]),
  ...modules,
  ...floppies,
  ...disks,
];

/** Given files that only hidden scenarios name. What they include stays: others may include it, too. */
function hiddenFiles(assignment: Assignment, hidden: readonly Scenario[]): ReadonlySet<string> {
  const shown = (assignment.scenarios ?? []).filter((scenario) => !hidden.includes(scenario));
  const kept = new Set([assignment, ...shown].flatMap(filesOfRun));
  return new Set(hidden.flatMap(filesOfRun).filter((name) => !kept.has(name)));
}

function visible(assignment: Assignment, hidden: readonly Scenario[], given: readonly string[]): Assignment {
  const { solution, scenarios, given: all, checks, ...rest } = assignment;
  const shown = scenarios?.filter((scenario) => !hidden.includes(scenario)) ?? [];
  return {
    ...rest,
    starter: starterFolder,
    ...(given.length > 0 && { given }),
    ...(shown.length > 0 && { scenarios: shown }),
    checks: checks.filter((check) => !check.hidden),
  };
}

/** Without the parameters that stand nowhere: they are of hidden checks. */
function withUsedParameters({ parameters = [], ...rest }: Assignment, files: Files): Assignment {
  const texts = [JSON.stringify(rest), ...[...files.values()].map(utf8Text)];
  const used = parameters.filter(({ name }) => texts.some((one) => one.includes(`\${${name}}`)));
  return used.length === 0 ? rest : { ...rest, parameters: used };
}

/** The assignment with the values of a student's parameters, and no parameters any more. */
function settled(assignment: Assignment, student: string): Assignment {
  const { parameters, edition, ...rest } = assignmentFor(assignment, student);
  return rest;
}

/**
 * Makes the bundle. Hidden checks, and what only they need, and the solution are not in it; so its points are fewer.
 *
 * @param text the file of `text`, if there is one
 * @param student whose parameters are filled in; without, they stay as they are
 */
export function studentBundle(
  template: Assignment,
  { given, starter }: Material,
  text: Files,
  student?: string,
): Bundle {
  const filled = (files: Files): Files => (student === undefined ? files : filesFor(template, files, student));
  const assignment = student === undefined ? template : settled(template, student);
  const hidden = hiddenScenarios(assignment);
  const unseen = hiddenFiles(assignment, hidden);
  const shown = [...given.keys()].filter((name) => !unseen.has(name));
  const handedOut = filled(starter);
  const others = new Map([
    ...filled(text),
    ...[...filled(given)].filter(([name]) => shown.includes(name)),
    ...handedOut,
  ]);
  const told = withUsedParameters(visible(assignment, hidden, shown), others);
  const json = `${JSON.stringify(told, null, 2)}\n`;
  return {
    files: new Map([
      [assignmentFileName, Uint8Array.from(utf8(json))],
      ...others,
      ...[...handedOut].map(([name, bytes]) => [`${starterFolder}/${name}`, bytes] as const),
    ]),
    leftOut: {
      given: [...unseen],
      scenarios: hidden.map(({ name }) => name),
      checks: assignment.checks.filter((check) => check.hidden).map(({ id }) => id),
    },
  };
}
