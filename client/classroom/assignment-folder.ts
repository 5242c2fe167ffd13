import * as vscode from "vscode";
import type { Assignment, Questions, Task } from "../../grader/worker-protocol.ts";
import { readBytes } from "../files.ts";
import type { Grading } from "./grading.ts";

export const assignmentName = "assignment.ringside.json";
export const assignmentPattern = `**/${assignmentName}`;

/** An assignment in the workspace: its file, and what lies beside it. */
export interface AssignmentFolder {
  /** Of the assignment's file. */
  readonly uri: vscode.Uri;
  readonly assignment: Assignment;
  /** Lines of the checks in that file, from 0. */
  readonly lines: readonly number[];
}

/** Folders below one of the workspace in which assignments are looked for, where the host cannot search. */
const deepest = 4;
const skipped = /^(node_modules|\..*)$/;

async function findBelow(folder: vscode.Uri, depth: number): Promise<vscode.Uri[]> {
  const entries = await vscode.workspace.fs.readDirectory(folder);
  const found = entries.some(([name]) => name === assignmentName) ? [vscode.Uri.joinPath(folder, assignmentName)] : [];
  if (depth === 0) return found;
  for (const [name, type] of entries)
    if (type === vscode.FileType.Directory && !skipped.test(name))
      found.push(...(await findBelow(vscode.Uri.joinPath(folder, name), depth - 1)));
  return found;
}

/** Kinds of folders that VS Code can search; of others it gives no answer, ever. */
const searchable = /^(file|vscode-remote|vscode-vfs)$/;

/** The assignments of the workspace. Folders that cannot be searched are walked through. */
export async function findAssignments(): Promise<vscode.Uri[]> {
  const found = (vscode.workspace.workspaceFolders ?? []).map((folder) =>
    searchable.test(folder.uri.scheme)
      ? vscode.workspace.findFiles(new vscode.RelativePattern(folder, assignmentPattern), "**/node_modules/**")
      : findBelow(folder.uri, deepest),
  );
  return (await Promise.all(found)).flat();
}

type Files = Map<string, Uint8Array>;

const within = (uri: vscode.Uri, ...parts: readonly string[]): vscode.Uri => vscode.Uri.joinPath(uri, "..", ...parts);

async function filesIn(uri: vscode.Uri, folder: string, names: readonly string[]): Promise<Files> {
  const files: Files = new Map();
  for (const name of names) {
    const bytes = await contents(within(uri, folder, name));
    if (bytes) files.set(name, bytes);
  }
  return files;
}

/** What a file holds, as the editor shows it: changes need not be saved. */
async function contents(uri: vscode.Uri): Promise<Uint8Array | undefined> {
  const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
  if (open?.isDirty) return new TextEncoder().encode(open.getText());
  const bytes = await readBytes(uri.toString());
  return bytes instanceof Uint8Array ? bytes : undefined;
}

/** Reads an assignment's file; its problems, if it has some. */
export async function readFolder(grading: Grading, uri: vscode.Uri): Promise<AssignmentFolder | Problems> {
  const bytes = await contents(uri);
  if (!bytes) return { problems: [{ path: "", line: 1, column: 1, message: "It cannot be read." }] };
  const read = await grading.ask("read", { text: new TextDecoder().decode(bytes) });
  return "problems" in read ? read : { uri, ...read };
}

type Problems = Extract<Questions["read"]["answer"], { readonly problems: unknown }>;

/** Where the student's file is: beside the assignment, or as it was given where that is not there yet. */
export async function fileOf({ uri, assignment }: AssignmentFolder, name: string): Promise<vscode.Uri> {
  const own = within(uri, name);
  if (await contents(own)) return own;
  const given = within(uri, assignment.starter ?? ".", name);
  return (await contents(given)) ? given : own;
}

/** The file as it was given. */
export const starterOf = ({ uri, assignment }: AssignmentFolder, name: string): vscode.Uri =>
  within(uri, assignment.starter ?? ".", name);

/** What is to be graded now. */
export async function taskOf(folder: AssignmentFolder): Promise<Task> {
  const { uri, assignment } = folder;
  const files: Files = new Map();
  for (const name of assignment.files) {
    const bytes = await contents(await fileOf(folder, name));
    if (bytes) files.set(name, bytes);
  }
  const student = vscode.workspace.getConfiguration("ringside", uri).get("student", "");
  return {
    assignment,
    submission: { student, files },
    material: {
      given: await filesIn(uri, ".", assignment.given ?? []),
      starter: await filesIn(uri, assignment.starter ?? ".", assignment.files),
    },
  };
}

/** The assignment's text. */
export async function textOf({ uri, assignment }: AssignmentFolder): Promise<string> {
  const bytes = assignment.text === undefined ? undefined : await contents(within(uri, assignment.text));
  return bytes ? new TextDecoder().decode(bytes) : "";
}
