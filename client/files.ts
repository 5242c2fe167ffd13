import * as vscode from "vscode";
import { type FileText, unread } from "../assembler/text-file.ts";

/** Reads a file for a worker, which cannot; what goes wrong is an answer, reported where the file is named. */
export async function readText(uri: string): Promise<FileText> {
  try {
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(vscode.Uri.parse(uri)));
  } catch (error) {
    return unread(error);
  }
}
