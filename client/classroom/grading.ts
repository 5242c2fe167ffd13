import * as vscode from "vscode";
import type { Question, Questions, Reply } from "../../grader/worker-protocol.ts";

/** A grader in a worker of its own. */
export interface GraderPort {
  post(question: Question): void;
  /** It has died. */
  onDeath(listener: (why: string) => void): void;
  onReply(listener: (reply: Reply) => void): void;
  dispose(): void;
}

interface Waiting {
  readonly resolve: (answer: Questions[keyof Questions]["answer"]) => void;
  readonly reject: (error: Error) => void;
}

/** Asks the grader. A guest that runs for long cannot be asked to stop: cancelling ends the worker, and the next question begins another. */
export class Grading implements vscode.Disposable {
  readonly #open: () => GraderPort;
  #port: GraderPort | undefined;
  #next = 1;
  readonly #waiting = new Map<number, Waiting>();

  constructor(open: () => GraderPort) {
    this.#open = open;
  }

  #begin(): GraderPort {
    const port = this.#open();
    port.onReply((reply) => this.#hear(reply));
    port.onDeath((why) => {
      if (port === this.#port) this.#end(new Error(`The grader has stopped: ${why}`));
    });
    this.#port = port;
    return port;
  }

  #hear(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("failed" in reply) waiting?.reject(new Error(reply.failed));
    else waiting?.resolve(reply.answer);
  }

  #end(error: Error): void {
    this.#port?.dispose();
    this.#port = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }

  /** @throws vscode.CancellationError if it is given up */
  async ask<K extends keyof Questions>(
    kind: K,
    args: Questions[K]["args"],
    token?: vscode.CancellationToken,
  ): Promise<Questions[K]["answer"]> {
    const id = this.#next++;
    const answer = new Promise<Questions[keyof Questions]["answer"]>((resolve, reject) =>
      this.#waiting.set(id, { resolve, reject }),
    );
    const cancelled = token?.onCancellationRequested(() => this.#end(new vscode.CancellationError()));
    try {
      (this.#port ?? this.#begin()).post({ id, kind, args } as Question);
      return (await answer) as Questions[K]["answer"];
    } finally {
      cancelled?.dispose();
    }
  }

  dispose(): void {
    this.#end(new vscode.CancellationError());
  }
}
