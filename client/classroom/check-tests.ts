import * as vscode from "vscode";
import type { CheckResult, Questions, Result } from "../../grader/worker-protocol.ts";
import {
  type AssignmentFolder,
  assignmentPattern,
  fileOf,
  findAssignments,
  readFolder,
  taskOf,
} from "./assignment-folder.ts";
import { debugCheck } from "./debug-check.ts";
import type { Grading } from "./grading.ts";

type ScenarioLines = Questions["coverage"]["answer"][number];

const pointsText = (points: number): string => `${points} point${points === 1 ? "" : "s"}`;

/** Details of what ran are asked for later, file by file. */
class RanLines extends vscode.FileCoverage {
  readonly details: vscode.StatementCoverage[];

  constructor(uri: vscode.Uri, lines: ReadonlyMap<number, boolean>) {
    const ran = [...lines.values()].filter(Boolean).length;
    super(uri, new vscode.TestCoverageCount(ran, lines.size));
    this.details = [...lines].map(([line, did]) => new vscode.StatementCoverage(did, new vscode.Position(line, 0)));
  }
}

/** The checks of all assignments of the workspace in the Testing view. */
export class CheckTests implements vscode.Disposable {
  readonly #grading: Grading;
  readonly #controller = vscode.tests.createTestController("ringside", "Ringside assignments");
  readonly #folders = new Map<string, AssignmentFolder>();
  readonly #graded = new vscode.EventEmitter<{ readonly folder: AssignmentFolder; readonly result: Result }>();
  /** The checks of an assignment have run. */
  readonly onDidGrade = this.#graded.event;
  readonly #watcher = vscode.workspace.createFileSystemWatcher(assignmentPattern);
  readonly #profiles: readonly vscode.TestRunProfile[];

  constructor(grading: Grading) {
    this.#grading = grading;
    const { Run, Debug, Coverage } = vscode.TestRunProfileKind;
    const profile = (name: string, kind: vscode.TestRunProfileKind) =>
      this.#controller.createRunProfile(name, kind, (request, token) => this.#run(request, kind, token), kind === Run);
    const coverage = profile("Coverage", Coverage);
    coverage.loadDetailedCoverage = async (_, file) => (file instanceof RanLines ? file.details : []);
    this.#profiles = [profile("Run", Run), profile("Debug", Debug), coverage];
    this.#controller.refreshHandler = () => this.#find();
    this.#controller.resolveHandler = async (item) => {
      if (!item) await this.#find();
    };
    this.#watcher.onDidCreate((uri) => this.#take(uri));
    this.#watcher.onDidChange((uri) => this.#take(uri));
    this.#watcher.onDidDelete((uri) => this.#forget(uri));
  }

  dispose(): void {
    for (const one of [...this.#profiles, this.#watcher, this.#graded, this.#controller]) one.dispose();
  }

  async #find(): Promise<void> {
    for (const uri of await findAssignments()) await this.#take(uri);
  }

  #forget(uri: vscode.Uri): void {
    this.#folders.delete(uri.toString());
    this.#controller.items.delete(uri.toString());
  }

  /** The assignment at a file, read anew; undefined if it has errors. */
  async folderAt(uri: vscode.Uri): Promise<AssignmentFolder | undefined> {
    await this.#take(uri);
    return this.#folders.get(uri.toString());
  }

  async #take(uri: vscode.Uri): Promise<void> {
    const read = await readFolder(this.#grading, uri);
    const id = uri.toString();
    if ("problems" in read) {
      const item = this.#controller.createTestItem(id, uri.path.split("/").slice(-2)[0] ?? uri.path, uri);
      const [first] = read.problems;
      item.error = `Line ${first?.line}: ${first?.message}`;
      this.#folders.delete(id);
      this.#controller.items.add(item);
      return;
    }
    this.#folders.set(id, read);
    this.#controller.items.add(this.#itemOf(read));
  }

  #itemOf({ uri, assignment, lines }: AssignmentFolder): vscode.TestItem {
    const item = this.#controller.createTestItem(uri.toString(), assignment.title, uri);
    item.description = pointsText(assignment.checks.reduce((sum, { points }) => sum + points, 0));
    for (const [n, { id, title, points, hidden }] of assignment.checks.entries()) {
      const check = this.#controller.createTestItem(id, title, uri);
      check.description = `${pointsText(points)}${hidden ? ", hidden" : ""}`;
      check.range = new vscode.Range(lines[n]!, 0, lines[n]!, 0);
      check.sortText = `${n}`.padStart(4, "0");
      item.children.add(check);
    }
    return item;
  }

  /** The checks that are asked for, by assignment. */
  #wanted({ include, exclude = [] }: vscode.TestRunRequest): Map<vscode.TestItem, vscode.TestItem[]> {
    const wanted = new Map<vscode.TestItem, vscode.TestItem[]>();
    const add = (root: vscode.TestItem, check: vscode.TestItem): void => {
      if (exclude.includes(root) || exclude.includes(check)) return;
      wanted.set(root, [...(wanted.get(root) ?? []), check]);
    };
    const addAll = (root: vscode.TestItem): void => root.children.forEach((check) => void add(root, check));
    if (!include) this.#controller.items.forEach((root) => void addAll(root));
    for (const item of include ?? []) {
      if (item.parent) add(item.parent, item);
      else addAll(item);
    }
    return wanted;
  }

  async #run(
    request: vscode.TestRunRequest,
    kind: vscode.TestRunProfileKind,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const run = this.#controller.createTestRun(request);
    try {
      for (const [root, checks] of this.#wanted(request)) {
        const folder = await this.folderAt(root.uri!);
        if (!folder || token.isCancellationRequested) continue;
        // Reading the file anew has made its items anew.
        const items = checks.flatMap(({ id }) => this.#controller.items.get(root.id)?.children.get(id) ?? []);
        const result = await this.#runOne(run, folder, items, token);
        if (kind === vscode.TestRunProfileKind.Coverage) await this.#cover(run, folder, token);
        if (kind === vscode.TestRunProfileKind.Debug) await this.#debug(folder, items, result);
      }
    } catch (error) {
      if (!(error instanceof vscode.CancellationError)) throw error;
    } finally {
      run.end();
    }
  }

  /** Grades an assignment, and tells what came of the checks. */
  async #runOne(
    run: vscode.TestRun,
    folder: AssignmentFolder,
    items: readonly vscode.TestItem[],
    token: vscode.CancellationToken,
  ): Promise<Result> {
    for (const item of items) run.started(item);
    const result = await this.#grading.ask("evaluate", await taskOf(folder), token);
    this.#graded.fire({ folder, result });
    for (const { name, title = name, ended, problem } of result.scenarios)
      run.appendOutput(`${title}: ${problem ?? (ended ? `${ended.reason}: ${ended.text}` : "has run")}\r\n`);
    for (const item of items) {
      const check = result.checks.find(({ id }) => id === item.id);
      if (!check) run.skipped(item);
      else if (check.status === "passed") run.passed(item);
      else if (check.status === "error")
        run.errored(item, new vscode.TestMessage(`This check cannot be decided: ${check.happened}.`));
      else run.failed(item, await messageOf(folder, check, item));
    }
    return result;
  }

  async #cover(run: vscode.TestRun, folder: AssignmentFolder, token: vscode.CancellationToken): Promise<void> {
    const scenarios = await this.#grading.ask("coverage", await taskOf(folder), token);
    for (const name of folder.assignment.files) {
      const lines = linesOf(scenarios, name);
      if (lines.size > 0) run.addCoverage(new RanLines(await fileOf(folder, name), lines));
    }
  }

  /** Of several checks, at the first that failed. */
  async #debug(folder: AssignmentFolder, items: readonly vscode.TestItem[], { checks }: Result): Promise<void> {
    const wanted = checks.filter(({ id }) => items.some((item) => item.id === id));
    const check = wanted.find(({ status, moment }) => status === "failed" && moment) ?? wanted[0];
    if (check) await debugCheck(this.#grading, folder, await taskOf(folder), check);
  }

  /** Runs the checks of an assignment as the Testing view does. */
  async runAll(uri: vscode.Uri): Promise<void> {
    await this.folderAt(uri);
    const item = this.#controller.items.get(uri.toString());
    if (!item) return;
    const source = new vscode.CancellationTokenSource();
    await this.#run(new vscode.TestRunRequest([item]), vscode.TestRunProfileKind.Run, source.token);
    source.dispose();
  }
}

/** Lines of a file, from 0, with whether they ran in any scenario. */
function linesOf(scenarios: readonly ScenarioLines[], name: string): ReadonlyMap<number, boolean> {
  const lines = new Map<number, boolean>();
  for (const { files } of scenarios)
    for (const { file, lines: some } of files)
      if (file === name) for (const { line, ran } of some) lines.set(line, ran || lines.get(line) === true);
  return lines;
}

async function messageOf(
  folder: AssignmentFolder,
  { expected, happened, feedback, hint, hidden, place }: CheckResult,
  item: vscode.TestItem,
): Promise<vscode.TestMessage> {
  const told = [feedback, hint && `Hint: ${hint}`].filter((text) => text).join("\n\n");
  const message = hidden
    ? new vscode.TestMessage(told || "A hidden check: what it asks for is not told.")
    : vscode.TestMessage.diff(`Expected ${expected}; ${happened}.${told && `\n\n${told}`}`, expected, happened);
  const uri = place ? await fileOf(folder, place.file) : item.uri;
  const position = new vscode.Position(place ? place.line - 1 : (item.range?.start.line ?? 0), 0);
  if (uri) message.location = new vscode.Location(uri, position);
  return message;
}
