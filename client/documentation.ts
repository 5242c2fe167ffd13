import * as vscode from "vscode";

/** Shows a page of docs/, from a heading on where one is named: "vmx.md#entries". */
export async function showDocumentation(extension: vscode.Uri, page: string): Promise<void> {
  const [file = "", fragment = ""] = page.split("#");
  const uri = vscode.Uri.joinPath(extension, "docs", file).with({ fragment });
  await vscode.commands.executeCommand("markdown.showPreview", uri);
}
