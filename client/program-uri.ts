import * as vscode from "vscode";

/** A path from a launch configuration as a URI: `${file}` has no scheme in the browser. */
export function programUri(program: string, folder: vscode.WorkspaceFolder | undefined): vscode.Uri {
  if (/^[a-z][a-z0-9+.-]+:/i.test(program)) return vscode.Uri.parse(program);
  if (!folder) return vscode.Uri.file(program);
  return program.startsWith("/") || /^[a-z]:[\\/]/i.test(program)
    ? folder.uri.with({ path: vscode.Uri.file(program).path })
    : vscode.Uri.joinPath(folder.uri, program);
}
