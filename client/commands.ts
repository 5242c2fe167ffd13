import * as vscode from "vscode";
import { debugType, type RequestName, type Requests } from "../debug-adapter/protocol.ts";
import type { Techniques } from "./technique.ts";

async function start(uri: vscode.Uri | undefined, noDebug: boolean): Promise<void> {
  const target = uri ?? vscode.window.activeTextEditor?.document.uri;
  if (!target) {
    void vscode.window.showInformationMessage("Open a guest (an .asm file) first.");
    return;
  }
  await vscode.debug.startDebugging(
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

const activeThread = () => vscode.debug.activeStackItem?.threadId ?? 1;

/** Every command of package.json. */
export function registerCommands(techniques: Techniques): vscode.Disposable[] {
  const commands: Record<string, (...args: never[]) => unknown> = {
    "ringside.debugGuest": (uri?: vscode.Uri) => start(uri, false),
    "ringside.runGuest": (uri?: vscode.Uri) => start(uri, true),
    "ringside.chooseTechnique": () => techniques.choose(),
    "ringside.previousExit": () => request("ringside/toExit", { direction: "previous", threadId: activeThread() }),
    "ringside.nextExit": () => request("ringside/toExit", { direction: "next", threadId: activeThread() }),
    "ringside.showExits": () => vscode.commands.executeCommand("ringside.exits.focus"),
    "ringside.sendInput": async () => {
      const text = await vscode.window.showInputBox({
        title: "Type into the guest's serial port",
        prompt: "The text is sent as typed, with a line feed at its end.",
      });
      if (text !== undefined) await request("ringside/input", { text: `${text}\n` });
    },
  };
  return Object.entries(commands).map(([id, run]) => vscode.commands.registerCommand(id, run));
}
