import * as vscode from "vscode";
import { LanguageClient } from "vscode-languageclient/browser";
import { activate as activateIn } from "./extension.ts";
import { WorkerAdapter } from "./worker-adapter.ts";

const worker = (context: vscode.ExtensionContext, name: string) =>
  new Worker(vscode.Uri.joinPath(context.extensionUri, "dist", name).toString(true));

/** VS Code in the browser: server and adapter are web workers. */
export const activate = (context: vscode.ExtensionContext) =>
  activateIn(context, {
    languageClient: (_, options) =>
      new LanguageClient("ringside", "Ringside", worker(context, "server-worker.js"), options),
    debugAdapter: () =>
      new vscode.DebugAdapterInlineImplementation(new WorkerAdapter(worker(context, "adapter-worker.js"))),
  });
