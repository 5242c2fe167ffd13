import * as vscode from "vscode";
import { debugType, type RequestName, type Requests } from "../debug-adapter/protocol.ts";
import type { VirtualKind } from "../server/protocol.ts";
import { type EventTree, eventCommands } from "./event-commands.ts";
import { guestInEditor } from "./guest-in-editor.ts";
import type { Panel } from "./panel.ts";
import { programUri } from "./program-uri.ts";
import { sampleCommands } from "./samples.ts";
import { saveTrace } from "./save-trace.ts";
import type { Techniques } from "./technique.ts";
import { timeCommands } from "./time-commands.ts";

/** False if it did not start; the person has been told why. */
async function start(uri: vscode.Uri | string | undefined, noDebug: boolean): Promise<boolean> {
  const target =
    (typeof uri === "string" ? vscode.Uri.parse(uri) : uri) ??
    guestInEditor() ??
    vscode.window.activeTextEditor?.document.uri;
  if (!target) {
    void vscode.window.showInformationMessage("Open a guest (an .asm file) first.");
    return false;
  }
  return vscode.debug.startDebugging(
    vscode.workspace.getWorkspaceFolder(target),
    {
      type: debugType,
      request: "launch",
      name: `${noDebug ? "Run" : "Debug"} ${target.path.split("/").pop()}`,
      program: target.toString(),
    },
    { noDebug },
  );
}

async function request<K extends RequestName>(name: K, args: Requests[K]["args"]): Promise<void> {
  const session = vscode.debug.activeDebugSession;
  if (session?.type !== debugType) {
    void vscode.window.showInformationMessage("Start debugging a guest first (F5).");
    return;
  }
  await session.customRequest(name, args);
}

const isDebugging = ({ type, configuration, workspaceFolder }: vscode.DebugSession, guest: vscode.Uri): boolean =>
  type === debugType && programUri(configuration["program"], workspaceFolder).toString() === guest.toString();

/** Compares the guest in the editor, or else the one being debugged, once its session has begun. */
async function compare(panel: Panel, uri: vscode.Uri | undefined): Promise<void> {
  const guest = uri ?? guestInEditor();
  const session = vscode.debug.activeDebugSession;
  const isShown = session !== undefined && (guest ? isDebugging(session, guest) : session.type === debugType);
  if (!isShown && !(await start(guest, false))) return;
  await panel.begin("ringside.compare");
}

/** Opens a read-only document that the language server makes of the program in the editor. */
async function showVirtual(kind: VirtualKind): Promise<void> {
  const source = vscode.window.activeTextEditor?.document.uri;
  if (!source) {
    void vscode.window.showInformationMessage("Open a guest (an .asm file) first.");
    return;
  }
  // With an extension of its own it is not taken for source.
  const path = `${source.path.split("/").pop() ?? ""}.${kind.replace("ringside-", "")}`;
  const uri = vscode.Uri.from({ scheme: kind, path, query: source.toString() });
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside, preview: true });
}

/** What a code lens asks for: the places where the symbol there is used. */
async function showReferences(uri: string, at: { readonly line: number; readonly character: number }): Promise<void> {
  const target = vscode.Uri.parse(uri);
  const position = new vscode.Position(at.line, at.character);
  const found = await vscode.commands.executeCommand("vscode.executeReferenceProvider", target, position);
  await vscode.commands.executeCommand("editor.action.showReferences", target, position, found);
}

/** Every command of package.json. */
export function registerCommands(
  context: vscode.ExtensionContext,
  techniques: Techniques,
  panel: Panel,
  events: EventTree,
): vscode.Disposable[] {
  const commands: Record<string, (...args: never[]) => unknown> = {
    "ringside.debugGuest": (uri?: vscode.Uri | string) => start(uri, false),
    "ringside.runGuest": (uri?: vscode.Uri | string) => start(uri, true),
    "ringside.compare": (uri?: vscode.Uri) => compare(panel, uri),
    "ringside.chooseTechnique": () => techniques.choose(),
    "ringside.previousExit": () => request("ringside/toExit", { direction: "previous" }),
    "ringside.nextExit": () => request("ringside/toExit", { direction: "next" }),
    "ringside.saveTrace": () => saveTrace(),
    ...sampleCommands(context),
    ...timeCommands(request),
    ...eventCommands(events),
    "ringside.showExits": () => vscode.commands.executeCommand("ringside.exits.focus"),
    "ringside.showVmcs": () => vscode.commands.executeCommand("ringside.vmcs.focus"),
    "ringside.showTranslation": () => vscode.commands.executeCommand("ringside.translation.focus"),
    "ringside.showTranslationCache": () => vscode.commands.executeCommand("ringside.cache.focus"),
    "ringside.showHypercalls": () => vscode.commands.executeCommand("ringside.hypercalls.focus"),
    "ringside.showListing": () => showVirtual("ringside-listing"),
    "ringside.showPreprocessed": () => showVirtual("ringside-preprocessed"),
    "ringside.showDisassembly": () => showVirtual("ringside-disassembly"),
    "ringside.showReferences": showReferences,
    "ringside.showSchedule": () => vscode.commands.executeCommand("ringside.schedule.focus"),
    "ringside.showDevices": () => vscode.commands.executeCommand("ringside.devices.focus"),
    "ringside.showRings": () => vscode.commands.executeCommand("ringside.rings.focus"),
    "ringside.sendInput": async () => {
      const text = await vscode.window.showInputBox({
        title: "Type into the guest's serial port",
        prompt: "The text is sent as typed, with a line feed at its end.",
        ignoreFocusOut: true,
      });
      if (text !== undefined) await request("ringside/input", { text: `${text}\n` });
    },
  };
  return Object.entries(commands).map(([id, run]) => vscode.commands.registerCommand(id, run));
}
