import type * as vscode from "vscode";
import type { BaseLanguageClient, LanguageClientOptions } from "vscode-languageclient";
import type { GraderPort } from "./classroom/grading.ts";

/** What differs between VS Code on the desktop and in the browser. */
export interface Host {
  /** The language server, in a process or worker of its own. */
  languageClient(context: vscode.ExtensionContext, options: LanguageClientOptions): BaseLanguageClient;
  /** A debug adapter, in a process or worker of its own; `lost` is told if a worker ends by itself. */
  debugAdapter(context: vscode.ExtensionContext, lost: () => void): vscode.DebugAdapterDescriptor;
  /** A grader, in a worker of its own. */
  grader(context: vscode.ExtensionContext): GraderPort;
}
