import * as vscode from "vscode";
import { LanguageClient } from "vscode-languageclient/browser";
import type { Reply } from "../grader/worker-protocol.ts";
import { activate as activateIn } from "./extension.ts";
import { WorkerAdapter } from "./worker-adapter.ts";

const worker = (context: vscode.ExtensionContext, name: string) =>
  new Worker(vscode.Uri.joinPath(context.extensionUri, "dist", name).toString(true));

/** VS Code in the browser: server and adapter are web workers. */
export const activate = (context: vscode.ExtensionContext) =>
  activateIn(context, {
    languageClient: (_, options) =>
      new LanguageClient("ringside", "Ringside", worker(context, "server-worker.js"), options),
    debugAdapter: (_, lost) =>
      new vscode.DebugAdapterInlineImplementation(new WorkerAdapter(worker(context, "adapter-worker.js"), lost)),
    grader: () => {
      const grader = worker(context, "grader-worker.js");
      return {
        post: (question) => grader.postMessage(question),
        onReply: (listener) => grader.addEventListener("message", ({ data }: MessageEvent<Reply>) => listener(data)),
        onDeath: (listener) => grader.addEventListener("error", ({ message }) => listener(message)),
        dispose: () => grader.terminate(),
      };
    },
  });
