import * as vscode from "vscode";
import { type FileBytes, unread } from "../assembler/text-file.ts";

/** Reads a file for a worker, which cannot; what goes wrong is an answer, reported where the file is named. */
export async function readBytes(uri: string): Promise<FileBytes> {
  try {
    return await vscode.workspace.fs.readFile(vscode.Uri.parse(uri));
  } catch (error) {
    return unread(error);
  }
}
