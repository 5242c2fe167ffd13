import { fieldPlaces, lineAndColumn } from "../emulator/machine-file/places.ts";
import { checkTraceFile } from "./check-trace.ts";
import { coverageOf } from "./coverage-run.ts";
import { evaluate } from "./evaluate.ts";
import { readAssignment } from "./read-assignment.ts";
import type { Question, Questions, ReadFile, Reply } from "./worker-protocol.ts";

function readFile(text: string): ReadFile {
  const read = readAssignment(text);
  if ("problems" in read) return read;
  const places = fieldPlaces(text);
  const lines = read.assignment.checks.map((_, n) => lineAndColumn(text, places.get(`checks[${n}]`) ?? 0).line - 1);
  return { assignment: read.assignment, lines };
}

function found(question: Question): Promise<Questions[keyof Questions]["answer"]> {
  switch (question.kind) {
    case "read":
      return Promise.resolve(readFile(question.args.text));
    case "evaluate":
      return evaluate(question.args.assignment, question.args.submission, question.args.material);
    case "trace": {
      const { assignment, submission, material, check } = question.args;
      return checkTraceFile(assignment, submission, material, check);
    }
    case "coverage":
      return coverageOf(question.args.assignment, question.args.submission, question.args.material);
  }
}

/** Answers a question. What goes wrong in us is told, so that nobody waits for ever. */
export async function answer(question: Question): Promise<Reply> {
  const { id } = question;
  try {
    return { id, answer: await found(question) };
  } catch (error) {
    return { id, failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
