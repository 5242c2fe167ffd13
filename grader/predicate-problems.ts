import { parseExpression } from "../debug-adapter/expression.ts";
import { join } from "../emulator/machine-file/check.ts";
import { rowsOf } from "../isa/table.ts";
import type {
  Assignment,
  CoveragePredicate,
  EventPredicate,
  InstructionsPredicate,
  PlainPredicate,
  SchedulePredicate,
  TranslationPredicate,
} from "./assignment.ts";
import { eventNames } from "./event-names.ts";

/** Takes a wrong field and what is wrong with it. */
export type Found = (field: string, message: string) => void;

/** Says what is wrong with several fields of which exactly one is needed. */
function exactlyOne(predicate: object, fields: readonly string[], found: Found): void {
  const given = fields.filter((field) => Object.hasOwn(predicate, field));
  if (given.length !== 1) found("kind", `give one of ${fields.join(", ")}${given.length === 0 ? "" : " only"}.`);
}

function patternProblem(pattern: string | undefined, field: string, found: Found): void {
  if (pattern === undefined) return;
  try {
    new RegExp(pattern, "u");
  } catch (error) {
    found(field, `this is no regular expression: ${(error as Error).message}.`);
  }
}

function expressionProblem(text: string | undefined, field: string, found: Found): void {
  const problem = text === undefined ? undefined : parseExpression(text).problem;
  if (problem !== undefined) found(field, `${problem}.`);
}

function mnemonicProblem(names: readonly string[] | undefined, field: string, found: Found): void {
  for (const [n, name] of (names ?? []).entries())
    if (rowsOf(name).length === 0) found(join(field, n), `there is no instruction “${name}”.`);
}

type Files = Pick<Assignment, "files" | "given">;

function fileProblem({ files, given = [] }: Files, name: string, field: string, found: Found): void {
  if (!files.includes(name) && !given.includes(name)) found(field, `${name} is neither one of files nor of given.`);
}

function eventProblems(predicate: EventPredicate, found: Found): void {
  const { kind, name = [], order = [], exactly } = predicate;
  for (const [field, names] of [
    ["name", [name].flat()],
    ["order", order],
  ] as const)
    for (const one of names) {
      const problem = eventNames[kind].problem(one);
      if (problem !== undefined) found(field, problem);
    }
  for (const field of ["name", "count"] as const)
    if (order.length > 0 && predicate[field] !== undefined) found(field, "give either an order or this.");
  if (exactly !== undefined && order.length === 0) found("exactly", "this is for an order.");
  patternProblem(predicate.about, "about", found);
  if (predicate.kind === "ept" && predicate.access && [predicate.name].flat().includes("misconfiguration"))
    found("access", "misconfigurations are told apart by no access; name violations.");
}

function translationProblems(predicate: TranslationPredicate, found: Found): void {
  for (const field of ["gva", "gpa", "hpa"] as const) expressionProblem(predicate[field], field, found);
  const { gpa, hpa, mapped, writable, user, executable, references } = predicate;
  const expected = [gpa, hpa, mapped, writable, user, executable, references].filter((one) => one !== undefined);
  if (expected.length === 0) found("gva", "say what is expected: gpa, hpa, mapped, writable, …");
  if (mapped === false && expected.length > 1) found("mapped", "what is not mapped has nothing else to expect.");
}

function instructionsProblems(files: Files, predicate: InstructionsPredicate, found: Found): void {
  if (!predicate.forbidden && !predicate.required) found("kind", "give forbidden or required instructions.");
  mnemonicProblem(predicate.forbidden, "forbidden", found);
  mnemonicProblem(predicate.required, "required", found);
  for (const [n, name] of (predicate.files ?? []).entries()) fileProblem(files, name, join("files", n), found);
}

function coverageProblems(files: Files, predicate: CoveragePredicate, found: Found): void {
  exactlyOne(predicate, ["labels", "lines"], found);
  if (predicate.percent !== undefined && predicate.lines === undefined) found("percent", "this is for lines.");
  if (predicate.lines !== undefined) fileProblem(files, predicate.lines, "lines", found);
}

/** Figures of the whole host. */
const hostMeasures: readonly SchedulePredicate["measure"][] = ["utilisation-deviation", "jain", "context-switches"];

function scheduleProblems({ measure, of }: SchedulePredicate, found: Found): void {
  const ofHost = hostMeasures.includes(measure);
  if (ofHost && of !== undefined) found("of", `${measure} is a figure of the whole host.`);
  if (!ofHost && of === undefined) found("measure", "name a VM or vCPU with of.");
}

/** What does not go together in a check that has no parts. */
export function predicateProblems(assignment: Assignment, predicate: PlainPredicate, found: Found): void {
  if ("visit" in predicate && predicate.visit !== undefined && predicate.at === undefined)
    found("visit", "the end comes once; name a label with at.");
  switch (predicate.kind) {
    case "output":
    case "screen":
      exactlyOne(predicate, ["equals", "contains", "matches"], found);
      patternProblem(predicate.matches, "matches", found);
      break;
    case "state":
      expressionProblem(predicate.holds, "holds", found);
      break;
    case "memory":
      exactlyOne(predicate, ["bytes", "text"], found);
      expressionProblem(predicate.address, "address", found);
      break;
    case "translation":
      translationProblems(predicate, found);
      break;
    case "instructions":
      instructionsProblems(assignment, predicate, found);
      break;
    case "coverage":
      coverageProblems(assignment, predicate, found);
      break;
    case "schedule":
      scheduleProblems(predicate, found);
      break;
    case "stop":
      patternProblem(predicate.about, "about", found);
      break;
    case "cost":
      if (
        predicate.relativeTo !== undefined &&
        !assignment.scenarios?.some(({ name }) => name === predicate.relativeTo)
      )
        found("relativeTo", `there is no scenario ${predicate.relativeTo}.`);
      break;
    case "kept":
      if (!assignment.files.includes(predicate.file)) found("file", `${predicate.file} is not one of files.`);
      break;
    case "sensitive":
    case "equivalence":
      break;
    default:
      eventProblems(predicate, found);
  }
}
