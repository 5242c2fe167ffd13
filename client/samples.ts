import * as vscode from "vscode";
import { readBytes } from "./files.ts";

/** A guest that comes with the extension (`scripts/samples.ts`). */
interface Sample {
  readonly name: string;
  readonly title: string;
  readonly text: string;
}

async function shippedSamples(extension: vscode.Uri): Promise<readonly Sample[]> {
  const bytes = await readBytes(vscode.Uri.joinPath(extension, "dist", "samples.json").toString());
  if (!(bytes instanceof Uint8Array)) throw new Error("The samples that come with Ringside cannot be read.");
  return JSON.parse(new TextDecoder().decode(bytes)) as readonly Sample[];
}

/** Beside a page that is no text, such as the walkthrough that led here: it would be gone else. */
function columnForText(): vscode.ViewColumn {
  const { activeTab } = vscode.window.tabGroups.activeTabGroup;
  return activeTab && !(activeTab.input instanceof vscode.TabInputText)
    ? vscode.ViewColumn.Beside
    : vscode.ViewColumn.Active;
}

/**
 * Opens a sample as a file of one's own, to be changed and debugged: in the first folder of the workspace, or without one where the
 * extension keeps files. One that is there already is opened as it is.
 */
async function openSample({ extensionUri, globalStorageUri }: vscode.ExtensionContext, wanted?: string): Promise<void> {
  const samples = await shippedSamples(extensionUri);
  const items = samples.map((sample) => ({ label: sample.name, detail: sample.title, sample }));
  const chosen =
    items.find(({ label }) => label === wanted) ??
    (await vscode.window.showQuickPick(items, {
      placeHolder: "A guest: a copy of it is opened, to be changed and debugged",
      matchOnDetail: true,
    }));
  if (!chosen) return;
  const { name, text } = chosen.sample;
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.joinPath(globalStorageUri, "samples");
  const file = vscode.Uri.joinPath(folder, name);
  if (!((await readBytes(file.toString())) instanceof Uint8Array)) {
    await vscode.workspace.fs.createDirectory(folder);
    await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(text));
  }
  await vscode.window.showTextDocument(file, { viewColumn: columnForText(), preview: false });
}

/** The command that opens samples; a walkthrough or a link names one. */
export const sampleCommands = (
  context: vscode.ExtensionContext,
): Readonly<Record<string, (wanted?: string) => Promise<void>>> => ({
  "ringside.openSample": (wanted) => openSample(context, wanted),
});
