import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import {
  type CancellationToken,
  createProtocolConnection,
  type ProtocolConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-languageserver/node";

const server = join(import.meta.dirname, "..", "..", "dist", "server.cjs");

/** A client of the shipped language server, over stdio. */
export class LspClient {
  readonly published: unknown[] = [];
  readonly progress: { readonly kind: string }[] = [];
  /** Messages of `$/logTrace`. */
  readonly traced: string[] = [];
  /** Of the protocol's methods by which the server asks for something: those that were called, with what they said. */
  readonly asked: { readonly method: string; readonly params: unknown }[] = [];
  capabilities: object = {};
  /** What the section `ringside` of the settings says. */
  settings: object = {};
  /** What a folder says otherwise. */
  folderSettings: object = {};
  #process: ChildProcess | undefined;
  #connection: ProtocolConnection | undefined;
  readonly #versions = new Map<string, number>();

  async start(params: object): Promise<void> {
    const started = spawn(process.execPath, [server, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
    this.#process = started;
    const connection = createProtocolConnection(
      new StreamMessageReader(started.stdout),
      new StreamMessageWriter(started.stdin),
    );
    this.#connection = connection;
    connection.onNotification("textDocument/publishDiagnostics", (one) => void this.published.push(one));
    connection.onNotification("$/logTrace", ({ message }: { message: string }) => void this.traced.push(message));
    connection.onNotification("$/progress", ({ value }: { value: { kind: string } }) => void this.progress.push(value));
    connection.onRequest("workspace/configuration", ({ items }: { items: { scopeUri?: string }[] }) =>
      items.map(({ scopeUri }) =>
        scopeUri === undefined ? this.settings : { ...this.settings, ...this.folderSettings },
      ),
    );
    for (const method of [
      "window/workDoneProgress/create",
      "workspace/diagnostic/refresh",
      "workspace/inlayHint/refresh",
      "workspace/codeLens/refresh",
      "workspace/textDocumentContent/refresh",
      "client/registerCapability",
    ])
      connection.onRequest(method, (params) => {
        this.asked.push({ method, params });
        return null;
      });
    connection.listen();
    const answer = await this.request<{ capabilities: object }>("initialize", {
      processId: null,
      rootUri: null,
      ...params,
    });
    this.capabilities = answer.capabilities;
    await this.notify("initialized", {});
  }

  stop(): void {
    this.#connection?.dispose();
    this.#process?.kill();
  }

  request<R>(method: string, params: object, token?: CancellationToken): Promise<R> {
    return token
      ? this.#connection!.sendRequest<R>(method, params, token)
      : this.#connection!.sendRequest<R>(method, params);
  }

  notify(method: string, params: object): Promise<void> {
    return this.#connection!.sendNotification(method, params);
  }

  open(uri: string, text: string): Promise<void> {
    this.#versions.set(uri, 1);
    return this.notify("textDocument/didOpen", {
      textDocument: { uri, languageId: "ringside", version: 1, text },
    });
  }

  #changed(uri: string, change: object): Promise<void> {
    const version = this.#versions.get(uri)! + 1;
    this.#versions.set(uri, version);
    return this.notify("textDocument/didChange", { textDocument: { uri, version }, contentChanges: [change] });
  }

  /** Replaces columns of a line. */
  change(uri: string, line: number, start: number, end: number, text: string): Promise<void> {
    const range = { start: { line, character: start }, end: { line, character: end } };
    return this.#changed(uri, { range, text });
  }

  close(uri: string): Promise<void> {
    return this.notify("textDocument/didClose", { textDocument: { uri } });
  }

  replace(uri: string, text: string): Promise<void> {
    return this.#changed(uri, { text });
  }
}
