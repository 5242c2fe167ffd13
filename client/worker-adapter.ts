import * as vscode from "vscode";
import type { FromHost, FromWorker } from "../debug-adapter/worker-protocol.ts";
import { readBytes } from "./files.ts";

/** What is read of a message, and what an answer is made of. */
interface Message {
  readonly type: string;
  readonly seq: number;
  readonly command?: string;
  readonly request_seq?: number;
}

/**
 * A debug adapter in a web worker, as VS Code wants to see one. Reads the files that the worker asks for. If the worker ends by itself,
 * `lost` is told, what waits for an answer is refused, and the session ends.
 */
export class WorkerAdapter implements vscode.DebugAdapter {
  readonly #messages = new vscode.EventEmitter<vscode.DebugProtocolMessage>();
  readonly onDidSendMessage = this.#messages.event;
  readonly #worker: Worker;
  readonly #lost: () => void;
  /** Requests without an answer, by number. */
  readonly #open = new Map<number, Message>();
  readonly #disposed = new AbortController();
  #isLost = false;

  constructor(worker: Worker, lost: () => void) {
    this.#worker = worker;
    this.#lost = lost;
    const lock = `ringside-adapter-${crypto.randomUUID()}`;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === "protocol") this.#hear(data.message as Message);
      else if (data.kind === "holds") void this.#wait(lock);
      else void this.#readFile(data.id, data.uri);
    };
    worker.onerror = () => this.#end();
    this.#post({ kind: "hold", lock });
  }

  #hear(message: Message): void {
    if (message.request_seq !== undefined) this.#open.delete(message.request_seq);
    this.#messages.fire(message);
  }

  /** Gets the lock that the worker holds when that has ended. */
  async #wait(lock: string): Promise<void> {
    try {
      await navigator.locks.request(lock, { signal: this.#disposed.signal }, () => this.#end());
    } catch (error) {
      // Disposed of: nobody waits any more.
      if (!this.#disposed.signal.aborted) throw error;
    }
  }

  #end(): void {
    if (this.#isLost || this.#disposed.signal.aborted) return;
    this.#isLost = true;
    this.#worker.terminate();
    this.#lost();
    for (const request of this.#open.values()) this.#answer(request);
    this.#messages.fire({ type: "event", seq: 0, event: "terminated" });
  }

  /** Answers in place of the worker: a session can always be ended. */
  #answer({ seq, command }: Message): void {
    const success = command === "disconnect" || command === "terminate";
    const response = { type: "response", seq: 0, request_seq: seq, command, success };
    this.#messages.fire(success ? response : { ...response, message: "The debug session has ended." });
  }

  async #readFile(id: number, uri: string): Promise<void> {
    this.#post({ kind: "file", id, bytes: await readBytes(uri) });
  }

  #post(message: FromHost): void {
    this.#worker.postMessage(message);
  }

  handleMessage(message: vscode.DebugProtocolMessage): void {
    const request = message as Message;
    if (request.type === "request") this.#open.set(request.seq, request);
    if (this.#isLost) this.#answer(request);
    else this.#post({ kind: "protocol", message });
  }

  dispose(): void {
    this.#disposed.abort();
    this.#worker.terminate();
    this.#messages.dispose();
  }
}
