/** The grader as a worker thread, for VS Code on the desktop. */
import { parentPort } from "node:worker_threads";
import { answer } from "./answer.ts";
import type { Question } from "./worker-protocol.ts";

parentPort!.on("message", async (question: Question) => parentPort!.postMessage(await answer(question)));
