import * as vscode from "vscode";
import { type FileBytes, type FileText, unread } from "../assembler/text-file.ts";

/** Reads a file for a worker, which cannot; what goes wrong is an answer, reported where the file is named. */
export async function readBytes(uri: string): Promise<FileBytes> {
  try {
    return await vscode.workspace.fs.readFile(vscode.Uri.parse(uri));
  } catch (error) {
    return unread(error);
  }
}

export async function readText(uri: string): Promise<FileText> {
  const bytes = await readBytes(uri);
  return bytes instanceof Uint8Array ? new TextDecoder().decode(bytes) : bytes;
}
