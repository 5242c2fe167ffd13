import * as vscode from "vscode";
import { registerClassroom } from "./classroom/index.ts";
import { registerCommands } from "./commands.ts";
import { registerDebugging } from "./debug.ts";
import { EventView } from "./event-tree.ts";
import type { Host } from "./host.ts";
import { startLanguage } from "./language.ts";
import { Panel } from "./panel.ts";
import { registerTraces } from "./trace-editor.ts";

/** Connects everything; both entry points call it. */
export async function activate(context: vscode.ExtensionContext, host: Host): Promise<void> {
  const language = await startLanguage(context, host);
  const panel = new Panel(context.extensionUri);
  const events = new EventView(context.workspaceState, language.techniques);
  context.subscriptions.push(
    language,
    events,
    ...Panel.views.map((view) =>
      vscode.window.registerWebviewViewProvider(view, panel, { webviewOptions: { retainContextWhenHidden: true } }),
    ),
    ...registerDebugging(context, host, language.techniques, panel, events, language.measurements),
    ...registerTraces(context.extensionUri),
    ...registerClassroom(context.extensionUri, () => host.grader(context)),
    ...registerCommands(context, language.techniques, panel, events),
  );
}
