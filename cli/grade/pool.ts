import { Worker } from "node:worker_threads";
import { ungraded } from "../../grader/evaluate.ts";
import { type Done, type Job, ready, type Setup } from "./protocol.ts";

export interface PoolOptions {
  readonly workers: number;
  /** Wall time of one submission in milliseconds: whatever takes longer is given up, and its thread with it. */
  readonly timeout: number;
  /** Called as each is done. */
  readonly done: (done: Done) => void;
}

/** Memory of a worker's objects, MiB; guests' memory comes on top. */
const workerMemory = 1024;

const newWorker = (setup: Setup): Worker =>
  new Worker(new URL("./worker.ts", import.meta.url), {
    workerData: setup,
    resourceLimits: { maxOldGenerationSizeMb: workerMemory },
  });

/** A thread of the pool, which is another after it has had to be ended. */
class Thread {
  readonly #setup: Setup;
  readonly #timeout: number;
  #worker: Worker | undefined;
  #job: Job | undefined;
  #resolve: ((done: Done) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(setup: Setup, timeout: number) {
    this.#setup = setup;
    this.#timeout = timeout;
  }

  /** Grades a submission. Never fails: what goes wrong costs this submission only. */
  grade(job: Job): Promise<Done> {
    this.#job = job;
    if (this.#worker) this.#post();
    else this.#worker = this.#start();
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Gives the job to the worker, whose time counts from now. */
  #post(): void {
    this.#timer = setTimeout(
      () => this.#giveUp(`It was not done after ${this.#timeout / 1000} s.`, "failed"),
      this.#timeout,
    );
    this.#worker!.postMessage(this.#job);
  }

  #start(): Worker {
    const worker = newWorker(this.#setup);
    worker.on("message", (told: Done | typeof ready) => (told === ready ? this.#post() : this.#finish(told)));
    worker.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ERR_WORKER_OUT_OF_MEMORY"
        ? this.#giveUp(`It needed more than ${workerMemory} MiB.`, "failed")
        : this.#giveUp(`The grader failed: ${error.message}. Please report this with the submission.`, "error"),
    );
    return worker;
  }

  #finish(done: Done): void {
    clearTimeout(this.#timer);
    this.#resolve?.(done);
    this.#resolve = undefined;
  }

  /** Ends the thread: the next submission gets another. */
  #giveUp(problem: string, status: "failed" | "error"): void {
    const worker = this.#worker;
    this.#worker = undefined;
    worker
      ?.removeAllListeners("message")
      .removeAllListeners("error")
      .on("error", () => undefined);
    void worker?.terminate();
    this.#finish({ result: ungraded(this.#setup.assignment, this.#job!.student, problem, status), traces: [] });
  }

  async end(): Promise<void> {
    await this.#worker?.terminate();
  }
}

/** Grades submissions in threads of their own, in no particular order. */
export async function gradeAll(setup: Setup, jobs: readonly Job[], options: PoolOptions): Promise<readonly Done[]> {
  const { workers, timeout, done } = options;
  const waiting = jobs.values();
  const all: Done[] = [];
  const threads = Array.from({ length: Math.min(workers, jobs.length) }, () => new Thread(setup, timeout));
  await Promise.all(
    threads.map(async (thread) => {
      for (const job of waiting) {
        const one = await thread.grade(job);
        all.push(one);
        done(one);
      }
      await thread.end();
    }),
  );
  return all;
}
