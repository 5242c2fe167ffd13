import * as vscode from "vscode";
import type { FromHost, FromWorker } from "../debug-adapter/worker-protocol.ts";
import { readBytes } from "./files.ts";

/** A debug adapter in a web worker, as VS Code wants to see one. Reads the files that the worker asks for. */
export class WorkerAdapter implements vscode.DebugAdapter {
  readonly #messages = new vscode.EventEmitter<vscode.DebugProtocolMessage>();
  readonly onDidSendMessage = this.#messages.event;
  readonly #worker: Worker;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === "protocol") this.#messages.fire(data.message as vscode.DebugProtocolMessage);
      else void this.#readFile(data.id, data.uri);
    };
  }

  async #readFile(id: number, uri: string): Promise<void> {
    this.#post({ kind: "file", id, bytes: await readBytes(uri) });
  }

  #post(message: FromHost): void {
    this.#worker.postMessage(message);
  }

  handleMessage(message: vscode.DebugProtocolMessage): void {
    this.#post({ kind: "protocol", message });
  }

  dispose(): void {
    this.#worker.terminate();
    this.#messages.dispose();
  }
}
