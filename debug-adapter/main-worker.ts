/** The debug adapter as a web worker: VS Code in the browser talks to it by messages, and reads files for it. */
import type { DebugProtocol } from "@vscode/debugprotocol";
import type { FileBytes } from "../assembler/index.ts";
import { restTime } from "./readers.ts";
import { Session } from "./session.ts";
import type { FromHost, FromWorker } from "./worker-protocol.ts";

/** What is used of a worker's global scope. */
interface Scope {
  onmessage: ((event: { readonly data: FromHost }) => void) | null;
  postMessage(message: FromWorker): void;
  /** Only in pages that came over a secure connection. */
  readonly navigator?: { readonly locks?: { request(name: string, hold: () => Promise<never>): Promise<unknown> } };
  setTimeout(done: () => void, milliseconds: number): void;
  MessageChannel: new () => {
    readonly port1: { postMessage(message: undefined): void };
    readonly port2: { onmessage: (() => void) | null };
  };
}
const scope = globalThis as unknown as Scope;

const waiting = new Map<number, (bytes: FileBytes) => void>();
let nextId = 1;

function readFile(uri: string): Promise<FileBytes> {
  const id = nextId++;
  scope.postMessage({ kind: "read", id, uri });
  return new Promise((resolve) => waiting.set(id, resolve));
}

// A message to oneself comes in after those that wait already; a timer would be held back when the page is hidden.
const { port1, port2 } = new scope.MessageChannel();
let inhale = () => {};
port2.onmessage = () => inhale();

const session = new Session({
  readFile,
  breathe: () =>
    new Promise((resolve) => {
      inhale = resolve;
      port1.postMessage(undefined);
    }),
  rest: () => new Promise((resolve) => scope.setTimeout(resolve, restTime)),
});

/** Nobody is told when a worker ends that was ended from outside or ran out of memory; but then its locks are free. */
function hold(lock: string): void {
  void scope.navigator?.locks?.request(lock, () => {
    scope.postMessage({ kind: "holds" });
    return new Promise<never>(() => {});
  });
}

session.onDidSendMessage((message) => scope.postMessage({ kind: "protocol", message }));
scope.onmessage = ({ data }) => {
  if (data.kind === "protocol") return session.handleMessage(data.message as DebugProtocol.ProtocolMessage);
  if (data.kind === "hold") return hold(data.lock);
  waiting.get(data.id)?.(data.bytes);
  waiting.delete(data.id);
};
