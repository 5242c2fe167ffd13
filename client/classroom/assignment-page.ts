import * as vscode from "vscode";
import type { Questions, Result } from "../../grader/worker-protocol.ts";
import { showPage } from "../page.ts";
import type { AssignmentShown, FromAssignmentPage, ToAssignmentPage } from "../views/assignment/messages.ts";
import {
  type AssignmentFolder,
  assignmentName,
  fileOf,
  findAssignments,
  readFolder,
  starterOf,
  taskOf,
  textOf,
} from "./assignment-folder.ts";
import type { CheckTests } from "./check-tests.ts";
import { debugCheck } from "./debug-check.ts";
import type { Grading } from "./grading.ts";

/** The page of an assignment, and what has come of its checks. */
interface Page {
  readonly panel: vscode.WebviewPanel;
  readonly uri: vscode.Uri;
  result: Result | undefined;
  running: boolean;
}

const isFolder = (read: AssignmentFolder | Questions["read"]["answer"]): read is AssignmentFolder => "uri" in read;

/** The assignment that a file belongs to, or the only one there is; a person chooses among several. */
async function assignmentFor(uri: vscode.Uri | undefined): Promise<vscode.Uri | undefined> {
  if (uri?.path.endsWith(`/${assignmentName}`)) return uri;
  const found = await findAssignments();
  const near = vscode.window.activeTextEditor?.document.uri.toString();
  const around = found.find((one) => near?.startsWith(vscode.Uri.joinPath(one, "..").toString()));
  if (around || found.length < 2) return around ?? found[0];
  const names = found.map((one) => ({ label: vscode.workspace.asRelativePath(vscode.Uri.joinPath(one, "..")), one }));
  return (await vscode.window.showQuickPick(names, { placeHolder: "Assignment" }))?.one;
}

/** Shows assignments: text, progress, what to do about checks that failed. */
export class AssignmentPages implements vscode.Disposable {
  readonly #extension: vscode.Uri;
  readonly #grading: Grading;
  readonly #tests: CheckTests;
  readonly #pages = new Map<string, Page>();
  readonly #listeners: readonly vscode.Disposable[];

  constructor(extension: vscode.Uri, grading: Grading, tests: CheckTests) {
    this.#extension = extension;
    this.#grading = grading;
    this.#tests = tests;
    this.#listeners = [
      tests.onDidGrade(({ folder, result }) => {
        const page = this.#pages.get(folder.uri.toString());
        if (!page) return;
        page.result = result;
        void this.#tell(page);
      }),
      vscode.workspace.onDidSaveTextDocument(() => {
        for (const page of this.#pages.values()) void this.#tell(page);
      }),
    ];
  }

  dispose(): void {
    for (const listener of this.#listeners) listener.dispose();
    for (const { panel } of this.#pages.values()) panel.dispose();
  }

  async show(wanted: vscode.Uri | undefined): Promise<void> {
    const uri = await assignmentFor(wanted);
    if (!uri) {
      void vscode.window.showInformationMessage(
        `There is no ${assignmentName} in this workspace. “Ringside: New Lab from Template” makes one.`,
      );
      return;
    }
    const known = this.#pages.get(uri.toString());
    if (known) {
      known.panel.reveal();
      return;
    }
    const panel = vscode.window.createWebviewPanel("ringside.assignment", "Assignment", vscode.ViewColumn.Active, {
      retainContextWhenHidden: true,
    });
    const page: Page = { panel, uri, result: undefined, running: false };
    this.#pages.set(uri.toString(), page);
    panel.onDidDispose(() => this.#pages.delete(uri.toString()));
    panel.webview.onDidReceiveMessage((message: FromAssignmentPage) => this.#hear(page, message));
    showPage(panel.webview, this.#extension, { name: "assignment", title: undefined });
  }

  async #tell(page: Page): Promise<void> {
    const read = await readFolder(this.#grading, page.uri);
    const message: ToAssignmentPage = isFolder(read)
      ? { kind: "assignment", assignment: await shown(read, page) }
      : {
          kind: "problems",
          problems: "problems" in read ? read.problems.map(({ line, message }) => `Line ${line}: ${message}`) : [],
        };
    if (message.kind === "assignment") page.panel.title = message.assignment.title;
    await page.panel.webview.postMessage(message);
  }

  async #hear(page: Page, message: FromAssignmentPage): Promise<void> {
    if (message.kind === "ready") return this.#tell(page);
    if (message.kind === "run") return this.#run(page);
    const folder = await this.#tests.folderAt(page.uri);
    if (!folder) return;
    if (message.kind === "debug") {
      const check = page.result?.checks.find(({ id }) => id === message.check);
      if (check) await debugCheck(this.#grading, folder, await taskOf(folder), check);
      return;
    }
    const own = await fileOf(folder, message.file);
    if (message.kind === "open") await vscode.window.showTextDocument(own, { viewColumn: vscode.ViewColumn.Beside });
    else if (message.kind === "diff")
      await vscode.commands.executeCommand(
        "vscode.diff",
        starterOf(folder, message.file),
        own,
        `${message.file}: as given ↔ yours`,
      );
    else await this.#reset(page, folder, message.file);
  }

  async #run(page: Page): Promise<void> {
    page.running = true;
    await this.#tell(page);
    try {
      await this.#tests.runAll(page.uri);
    } finally {
      page.running = false;
      await this.#tell(page);
    }
  }

  async #reset(page: Page, folder: AssignmentFolder, name: string): Promise<void> {
    const put = "Put Back";
    const chosen = await vscode.window.showWarningMessage(
      `Put ${name} back to what it was when it was given? What you have written is gone then.`,
      { modal: true },
      put,
    );
    if (chosen !== put) return;
    const own = vscode.Uri.joinPath(folder.uri, "..", name);
    await vscode.workspace.fs.copy(starterOf(folder, name), own, { overwrite: true });
    await this.#tell(page);
  }
}

const sameBytes = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && a.length === b?.length && a.every((byte, n) => byte === b[n]);

async function shown(folder: AssignmentFolder, { result, running }: Page): Promise<AssignmentShown> {
  const { assignment } = folder;
  const { submission, material } = await taskOf(folder);
  return {
    title: assignment.title,
    text: await textOf(folder),
    running,
    files: assignment.files.map((name) => ({
      name,
      changed: !sameBytes(submission.files.get(name), material.starter.get(name)),
    })),
    checks: assignment.checks.map(({ id, title, points: of, hidden = false }) => {
      const came = result?.checks.find((check) => check.id === id);
      if (!came) return { id, title, of, hidden };
      const { status, points, expected, happened, feedback, hint } = came;
      const told = hidden ? {} : { expected, happened };
      return { id, title, of, hidden, status, points, ...told, ...(feedback && { feedback }), ...(hint && { hint }) };
    }),
  };
}
