/** A thread that grades one submission after another. It knows the assignment; what is handed in it reads itself. */
import { parentPort, workerData } from "node:worker_threads";
import { checkTraceFile } from "../../grader/check-trace.ts";
import { evaluate, ungraded } from "../../grader/evaluate.ts";
import type { CheckResult } from "../../grader/result.ts";
import { fingerprints } from "../../grader/similarity.ts";
import type { Files } from "../../grader/submission.ts";
import { type Done, type Job, ready, type Setup } from "./protocol.ts";
import { readSubmission, UnreadableSubmission } from "./read-folder.ts";

const isTraced = ({ status, hidden }: CheckResult, traces: Setup["traces"]): boolean =>
  status === "failed" && (traces === "all" || (traces === "visible" && !hidden));

async function grade({ student, path, files }: Job): Promise<Done> {
  const { assignment, material, traces, similarity } = workerData as Setup;
  let handedIn: Files;
  try {
    handedIn = files ?? readSubmission(path!, assignment.files);
  } catch (error) {
    if (!(error instanceof UnreadableSubmission)) throw error;
    return { result: ungraded(assignment, student, error.message, "failed"), traces: [] };
  }
  const submission = { student, files: handedIn };
  const result = await evaluate(assignment, submission, material);
  const written: [string, Uint8Array][] = [];
  for (const check of result.checks.filter((one) => isTraced(one, traces))) {
    const bytes = await checkTraceFile(assignment, submission, material, check);
    if (bytes) written.push([check.id, bytes]);
  }
  const marks = similarity ? { fingerprints: await fingerprints(assignment, submission, material) } : {};
  return { result, ...marks, traces: written };
}

parentPort!.postMessage(ready);
parentPort!.on("message", async (job: Job) => {
  parentPort!.postMessage(await grade(job));
});
