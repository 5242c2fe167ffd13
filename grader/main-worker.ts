/** The grader as a web worker, for VS Code in the browser. */
import { answer } from "./answer.ts";
import type { Question, Reply } from "./worker-protocol.ts";

/** What is used of a worker's global scope. */
interface Scope {
  onmessage: ((event: { readonly data: Question }) => void) | null;
  postMessage(message: Reply): void;
}
const scope = globalThis as unknown as Scope;

scope.onmessage = async ({ data }) => scope.postMessage(await answer(data));
