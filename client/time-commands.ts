import * as vscode from "vscode";
import type { RequestName, Requests } from "../debug-adapter/protocol.ts";

type Request = <K extends RequestName>(name: K, args: Requests[K]["args"]) => Promise<void>;

/** What the Variables view passes to the commands in its context menus. */
interface VariableItem {
  readonly variable?: { readonly name: string; readonly evaluateName?: string };
}

const moments = [
  { label: "Instruction", description: "instructions retired since the start", measure: "instruction" },
  { label: "Step", description: "steps of the machine, VM exits and interrupts included", measure: "step" },
  { label: "Cycle", description: "virtual time", measure: "cycle" },
  { label: "Event", description: "by its number in the trace and the VM Exits view", measure: "event" },
] as const;

async function goToMoment(request: Request): Promise<void> {
  const picked = await vscode.window.showQuickPick(moments, { title: "Go to a moment, counted in" });
  if (!picked) return;
  const typed = await vscode.window.showInputBox({
    title: `Go to ${picked.label.toLowerCase()}`,
    prompt: picked.description,
    ignoreFocusOut: true,
    validateInput: (text) => (/^\s*[\d,_ ]*\d\s*$/.test(text) ? undefined : "Write a whole number."),
  });
  if (typed === undefined) return;
  const value = Number(typed.replaceAll(/\D/g, ""));
  if (picked.measure === "event") await request("ringside/goToEvent", { sequence: value });
  else await request("ringside/goToMoment", { measure: picked.measure, value });
}

/** The word at the cursor; nothing elsewhere. */
function wordAt(editor: vscode.TextEditor | undefined): string {
  const range = editor?.document.getWordRangeAtPosition(editor.selection.active);
  return range ? editor!.document.getText(range) : "";
}

async function lastWrite(request: Request, item: VariableItem | undefined): Promise<void> {
  const expression =
    item?.variable?.evaluateName ??
    (await vscode.window.showInputBox({
      title: "Go to the last write of",
      prompt: 'A register, a label, memory such as "dword [counter]", or an address.',
      ignoreFocusOut: true,
      value: wordAt(vscode.window.activeTextEditor),
    }));
  if (expression) await request("ringside/lastWrite", { expression });
}

/** Commands that go to another moment of the run. */
export const timeCommands = (request: Request): Readonly<Record<string, (...args: never[]) => unknown>> => ({
  "ringside.reverseInto": () => request("ringside/reverse", { step: "into" }),
  "ringside.reverseOut": () => request("ringside/reverse", { step: "out" }),
  "ringside.runBackToCursor": () => {
    const editor = vscode.window.activeTextEditor;
    if (!editor) return undefined;
    const { uri } = editor.document;
    const file = uri.scheme === "file" ? uri.fsPath : uri.toString();
    return request("ringside/runBack", { file, line: editor.selection.active.line + 1 });
  },
  "ringside.lastWrite": (item?: VariableItem) => lastWrite(request, item),
  "ringside.toPresent": () => request("ringside/toPresent", {}),
  "ringside.goToMoment": () => goToMoment(request),
});
