import { Worker } from "node:worker_threads";
import * as vscode from "vscode";
import { LanguageClient, TransportKind } from "vscode-languageclient/node";
import { activate as activateIn } from "./extension.ts";

const bundled = (context: vscode.ExtensionContext, name: string) =>
  vscode.Uri.joinPath(context.extensionUri, "dist", name).fsPath;

/** VS Code on the desktop (and remote): server and adapter are processes. */
export const activate = (context: vscode.ExtensionContext) =>
  activateIn(context, {
    languageClient: (_, options) => {
      const server = { module: bundled(context, "server.cjs"), transport: TransportKind.ipc };
      return new LanguageClient("ringside", "Ringside", { run: server, debug: server }, options);
    },
    // With the command "node" VS Code forks its own Node, so that none has to be installed.
    debugAdapter: () => new vscode.DebugAdapterExecutable("node", [bundled(context, "adapter.cjs")]),
    grader: () => {
      const thread = new Worker(bundled(context, "grader.cjs"));
      return {
        post: (question) => thread.postMessage(question),
        onReply: (listener) => void thread.on("message", listener),
        onDeath: (listener) => void thread.on("error", (error) => listener(error.message)),
        dispose: () => void thread.terminate(),
      };
    },
  });
