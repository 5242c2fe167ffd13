import * as vscode from "vscode";
import { readBytes } from "../files.ts";
import { assignmentName } from "./assignment-folder.ts";

/** A lab that comes with the extension, as students get it (`scripts/labs.ts`). */
interface Lab {
  readonly name: string;
  readonly title: string;
  readonly points: number;
  /** Texts by name. */
  readonly files: Readonly<Record<string, string>>;
}

async function shippedLabs(extension: vscode.Uri): Promise<readonly Lab[]> {
  const bytes = await readBytes(vscode.Uri.joinPath(extension, "dist", "labs.json").toString());
  if (!(bytes instanceof Uint8Array)) throw new Error("The labs that come with Ringside cannot be read.");
  return JSON.parse(new TextDecoder().decode(bytes)) as readonly Lab[];
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  return (await readBytes(uri.toString())) instanceof Uint8Array;
}

/** Puts a lab that a person chooses into a folder of the workspace; its assignment's file, or nothing if that was given up. */
export async function newLab(extension: vscode.Uri): Promise<vscode.Uri | undefined> {
  const [workspace] = vscode.workspace.workspaceFolders ?? [];
  if (!workspace) {
    void vscode.window.showInformationMessage("Open a folder first: the lab is put into it.");
    return undefined;
  }
  const labs = (await shippedLabs(extension)).map((lab) => ({
    label: lab.title,
    description: `${lab.points} points`,
    detail: lab.name,
    lab,
  }));
  const chosen = await vscode.window.showQuickPick(labs, { placeHolder: "Lab", matchOnDetail: true });
  if (!chosen) return undefined;
  const { name, files } = chosen.lab;
  const folder = vscode.Uri.joinPath(workspace.uri, name);
  const assignment = vscode.Uri.joinPath(folder, assignmentName);
  if (await exists(assignment)) {
    void vscode.window.showInformationMessage(`${name} is there already.`);
    return assignment;
  }
  for (const [file, text] of Object.entries(files))
    await vscode.workspace.fs.writeFile(vscode.Uri.joinPath(folder, file), new TextEncoder().encode(text));
  return assignment;
}
