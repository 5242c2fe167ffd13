/** Measures grading: 300 submissions of a lab in one run against single runs, start-up, memory. node scripts/bench-grade.ts [N] */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type Course, readCourse } from "../cli/grade/material.ts";
import { gradeAll } from "../cli/grade/pool.ts";
import type { Done, Job } from "../cli/grade/protocol.ts";
import { nodeIo } from "../cli/io.ts";
import { readAssignment } from "../grader/read-assignment.ts";
import type { Files } from "../grader/submission.ts";

const lab = join(import.meta.dirname, "..", "examples", "labs", "05-shadow-paging");
const total = Number(process.argv[2] ?? 300);
const cores = availableParallelism();
const timeout = 600_000;

const encoded = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Submissions that differ: solutions, starters, and one in ten that does not assemble, each with lines of its own. */
function submissions({ solution, material }: Course, count: number): Job[] {
  return Array.from({ length: count }, (_, n) => {
    const base: Files = n % 3 === 0 ? material.starter : solution!;
    const extra = encoded(`\n; submission ${n}\n${n % 10 === 9 ? "no_such_instruction\n" : ""}`);
    const files = new Map([...base].map(([name, bytes]) => [name, Uint8Array.from([...bytes, ...extra])]));
    return { student: `student-${n}`, files };
  });
}

interface Timed {
  /** Wall time, and CPU time of all threads. */
  readonly seconds: number;
  readonly cpu: number;
  readonly done: readonly Done[];
}

async function timed(course: Course, jobs: readonly Job[], workers: number): Promise<Timed> {
  const { assignment, material } = course;
  const setup = { assignment, material, traces: "none" as const, similarity: false };
  const start = performance.now();
  const before = process.cpuUsage();
  const done = await gradeAll(setup, jobs, { workers, timeout, done: () => undefined });
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6, done };
}

/** The most memory of the process while something is done, in MiB. */
async function watchingMemory<T>(work: () => Promise<T>): Promise<{ result: T; most: number }> {
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss() / 2 ** 20);
  }, 50);
  const result = await work();
  clearInterval(timer);
  return { result, most };
}

/** An assignment that asks for next to nothing: what is left is the cost of being graded. */
function leastCourse(): Course {
  const text = JSON.stringify({
    title: "Nothing",
    files: ["a.asm"],
    checks: [{ id: "stops", title: "It stops", points: 1, expect: { kind: "stop", reason: "halted" } }],
  });
  const read = readAssignment(text);
  if ("problems" in read) throw new Error("the assignment is wrong");
  return {
    assignment: read.assignment,
    material: { given: new Map(), starter: new Map() },
    solution: undefined,
    fingerprint: "",
  };
}

const row = (name: string, value: string): void => console.log(`${name.padEnd(52)} ${value}`);
const milliseconds = (seconds: number): string => `${(1000 * seconds).toFixed(0)} ms`;

async function speedUp(course: Course, jobs: readonly Job[]): Promise<void> {
  const sample = jobs.slice(0, Math.ceil(jobs.length / 3));
  const before = await timed(course, sample, 1);
  const { result: all, most } = await watchingMemory(() => timed(course, jobs, cores));
  const after = await timed(course, sample, 1);
  const single = (before.seconds + after.seconds) / 2 / sample.length;
  const singleCpu = (before.cpu + after.cpu) / 2 / sample.length;
  const factor = (single * jobs.length) / all.seconds;
  const each = (seconds: number, cpu: number): string => `${milliseconds(seconds)}, ${milliseconds(cpu)} of CPU time`;
  row(`one after the other, each (${sample.length} before and after)`, each(single, singleCpu));
  row(`${jobs.length} in one run on ${cores} cores, each`, each(all.seconds / jobs.length, all.cpu / jobs.length));
  row("speed-up against the sum of single runs", `${factor.toFixed(2)} = ${(factor / cores).toFixed(2)} × cores`);
  row("the same by CPU time, were the cores idle", `${((singleCpu * jobs.length) / all.cpu).toFixed(2)} × cores`);
  row("memory of the process at most", `${most.toFixed(0)} MiB`);
  const lost = all.done.filter(({ result }) => result.points === 0).length;
  row("points", `${all.done.length - lost} submissions with points, ${lost} without`);
}

async function startUp(): Promise<void> {
  const course = leastCourse();
  const jobs = (count: number): Job[] =>
    Array.from({ length: count }, (_, n) => ({ student: `${n}`, files: new Map([["a.asm", encoded("cli\nhlt\n")]]) }));
  const first = await timed(course, jobs(1), 1);
  const many = await timed(course, jobs(101), 1);
  row("start of a thread, with the first submission", milliseconds(first.seconds));
  row("each further submission that does nothing", milliseconds((many.seconds - first.seconds) / 100));
}

const course = readCourse(nodeIo, lab);
if (!course) throw new Error(`${lab} has errors`);
await startUp();
await speedUp(course, submissions(course, total));
