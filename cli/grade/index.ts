import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { byName, gradesOf } from "../../grader/grades.ts";
import type { Result } from "../../grader/result.ts";
import { plain } from "../../grader/shown.ts";
import { likenesses } from "../../grader/similarity.ts";
import { type Arguments, type Command, wholeNumber } from "../command.ts";
import { type ExitCode, exitCode, UsageError } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { type Course, readCourse } from "./material.ts";
import { merge } from "./merge.ts";
import { checkOutputs, outputOptions, outputsOf, putOut } from "./outputs.ts";
import { gradeAll } from "./pool.ts";
import { Progress } from "./progress.ts";
import type { Done, Job } from "./protocol.ts";
import { inShard, shardOf } from "./shard.ts";
import { submissionsOf } from "./submissions.ts";

/** Seconds of one submission. */
const defaultTimeout = 60;

/** A part of a file's name made of somebody's words. */
const safeName = (text: string): string =>
  text
    .replace(/[^A-Za-z0-9._-]/g, "_")
    .replace(/^\.+/, "_")
    .slice(0, 100);

/** A name that no other submission's traces have. */
function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let n = 2; taken.has(free.toLowerCase()); n++) free = `${name}~${n}`;
  taken.add(free.toLowerCase());
  return free;
}

const isComplete = ({ points, of, problem }: Result): boolean => points === of && problem === undefined;

function patternOf(args: Arguments, option: string): RegExp | undefined {
  const text = args.text(option);
  try {
    return text === undefined ? undefined : new RegExp(text, "u");
  } catch (error) {
    throw new UsageError(`--${option} needs a regular expression: ${(error as Error).message}.`);
  }
}

function jobsOf(args: Arguments, { assignment, material, solution }: Course): readonly Job[] {
  const paths = args.files.slice(1);
  if (paths.length === 0)
    return [
      { student: "starter", files: material.starter },
      ...(solution ? [{ student: "solution", files: solution }] : []),
    ];
  const all = submissionsOf(paths, {
    each: args.flag("each"),
    students: patternOf(args, "students"),
    files: assignment.files,
  });
  if (all.length === 0) throw new UsageError(`There are no submissions to “${assignment.title}” there.`);
  const student = args.text("student");
  if (student !== undefined && all.length > 1)
    throw new UsageError(`--student is for one submission; these are ${all.length}.`);
  const shard = args.text("shard");
  if (student !== undefined) return all.map((job) => ({ ...job, student }));
  return shard === undefined ? all : inShard(all, shardOf(shard, process.env));
}

function leastSimilarity(args: Arguments): number | undefined {
  const percent = wholeNumber(args, "similarity", 1);
  if (percent !== undefined && percent > 100) throw new UsageError("--similarity needs a percentage of at most 100.");
  return percent;
}

/** Pairs that anybody would look at. */
const mostPairs = 200;

/** With the table, or where it does not get into another format. */
function reportSimilarity(tell: (text: string) => void, done: readonly Done[], least: number): void {
  const found = likenesses(
    done.flatMap(({ fingerprints }) => fingerprints ?? []),
    least / 100,
  );
  tell(found.length === 0 ? `\nNo two submissions are alike by ${least} % or more.\n` : "\nAlike:\n");
  for (const { a, b, part, common } of found.slice(0, mostPairs))
    tell(`  ${(100 * part).toFixed(0).padStart(3)} %  ${plain(a)}, ${plain(b)} (${common} fingerprints)\n`);
  if (found.length > mostPairs) tell(`  and ${found.length - mostPairs} more pairs\n`);
}

const tracesOf = (args: Arguments): "none" | "visible" | "all" => {
  if (args.text("traces") === undefined) return "none";
  return args.flag("for-students") ? "visible" : "all";
};

function writeTraces(args: Arguments, io: Io, done: readonly Done[]): void {
  const folder = args.text("traces");
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  const taken = new Set<string>();
  for (const { result, traces } of done.toSorted((a, b) => byName(a.result.student, b.result.student))) {
    const name = freeName(safeName(result.student), taken);
    for (const [check, bytes] of traces) io.writeBytes(join(folder, `${name}-${check}.rstrace`), bytes);
  }
}

/** Says where the assignment itself is wrong; true if it is. */
function reportErrors(io: Io, results: readonly Result[]): boolean {
  const wrong = results.flatMap(({ student, checks }) =>
    checks.filter(({ status }) => status === "error").map((check) => ({ student, ...check })),
  );
  for (const { student, id, happened } of wrong)
    io.error(`The check ${id} could not be decided for ${plain(student)}: ${happened}.\n`);
  return wrong.length > 0;
}

/** Without submissions the assignment is tried: the solution must get all points, and the starter not. */
function reportTrial(io: Io, results: readonly Result[]): boolean {
  const of = (student: string): Result | undefined => results.find((result) => result.student === student);
  const [starter, solution] = [of("starter"), of("solution")];
  if (starter && isComplete(starter)) io.error("The starter gets all points already.\n");
  if (solution && !isComplete(solution)) io.error("The solution does not get all points.\n");
  return (starter !== undefined && isComplete(starter)) || (solution !== undefined && !isComplete(solution));
}

/** Grades all, while a terminal shows how far it has come. */
async function gradedAll(args: Arguments, io: Io, course: Course, jobs: readonly Job[]): Promise<readonly Done[]> {
  const { assignment, material } = course;
  const setup = { assignment, material, traces: tracesOf(args), similarity: leastSimilarity(args) !== undefined };
  const workers = wholeNumber(args, "jobs", 1) ?? availableParallelism();
  const timeout = 1000 * (wholeNumber(args, "timeout", 1) ?? defaultTimeout);
  const progress = new Progress(jobs.length, io.isTerminal ? (text) => io.error(text) : undefined);
  const step = ({ result }: Done): void => progress.step(isComplete(result));
  const done = await gradeAll(setup, jobs, { workers, timeout, done: step });
  progress.end();
  return done;
}

async function grade(args: Arguments, io: Io): Promise<ExitCode> {
  const outputs = outputsOf(args);
  const similarity = leastSimilarity(args);
  const course = readCourse(io, args.file);
  if (!course) return exitCode.problems;
  const jobs = jobsOf(args, course);
  checkOutputs(outputs, jobs.length);
  const done = await gradedAll(args, io, course, jobs);
  const { assignment, fingerprint } = course;
  const grades = gradesOf(
    { title: assignment.title, fingerprint },
    done.map(({ result }) => result),
  );
  putOut(args, io, outputs, grades);
  const isTable = outputs[0]!.format.name === "table";
  const tell = (text: string): void => (isTable ? io.out(text) : io.error(text));
  if (similarity !== undefined) reportSimilarity(tell, done, similarity);
  writeTraces(args, io, done);
  const wrong = reportErrors(io, grades.results);
  const trialFailed = args.files.length === 1 && reportTrial(io, grades.results);
  if (wrong || trialFailed) return exitCode.problems;
  return args.flag("strict") && !grades.results.every(isComplete) ? exitCode.guest : exitCode.ok;
}

export const gradeCommand: Command = {
  name: "grade",
  operands: "ASSIGNMENT SUBMISSION… | merge FILE…",
  summary: "Runs submissions to an assignment and gives points; or puts the grades of several runs together.",
  details: `ASSIGNMENT is an assignment.ringside.json or its folder (docs/assignment.md); each SUBMISSION a folder, or the one file that is
asked for, by the name of its student. Without submissions the assignment is tried on its own starter and solution. Submissions run side
by side, each by itself; one that hangs or breaks costs its own points only. The same files get the same points anywhere.
merge reads what several runs with --shard have written by --write json=FILE.
Exits with 0 when all is graded, whatever the points; 1 if the assignment has an error; with --strict 3 if points were lost.`,
  options: {
    each: { doc: "every file and folder in SUBMISSION is one" },
    students: { value: "RE", doc: "regular expression whose first group is the student in a submission's name" },
    student: { value: "NAME", doc: "whose the submission is, where it is one" },
    ...outputOptions,
    traces: {
      value: "DIR",
      doc: "write a trace for each failed check into DIR, which opens at the moment that decided it",
    },
    similarity: { value: "PERCENT", doc: "list pairs of submissions whose code is alike by so much" },
    shard: {
      value: "I/N",
      doc: "grade only the I-th of N parts; auto: as the environment of a CI system or indexed job says",
    },
    jobs: { short: "j", value: "N", doc: "submissions graded at the same time (default: one a processor)" },
    timeout: { value: "S", doc: `give up a submission after S seconds (default ${defaultTimeout})` },
    strict: { doc: "exit with 3 if any submission lost points" },
    help: { doc: "print this" },
  },
  run: (args, io) => (args.file === "merge" ? merge(args, args.files.slice(1), io) : grade(args, io)),
};
