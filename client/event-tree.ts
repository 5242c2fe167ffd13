import * as vscode from "vscode";
import { debugType, type Events, type Requests } from "../debug-adapter/protocol.ts";
import type { EventTree } from "./event-commands.ts";
import { EventModel, type EventNode, type Prospect, problemsIn } from "./event-model.ts";
import { guestInEditor } from "./guest-in-editor.ts";
import type { Techniques } from "./technique.ts";

/** Where a workspace keeps its breakpoints on events. */
const stateKey = "ringside.events";
/** Set where there is something to set breakpoints on. */
const contextKey = "ringside.hasGuest";

/** Milliseconds between two pictures of counts: a guest that runs changes them more often than anybody can read. */
const pace = 300;

const breakpointColor = new vscode.ThemeColor("debugIcon.breakpointForeground");
const absentColor = new vscode.ThemeColor("disabledForeground");
const icons = { stop: "debug-breakpoint-data", log: "debug-breakpoint-log", count: "symbol-number" } as const;

/** The tree of event breakpoints in the debug side bar. Each debug session gets what it says; its counts are those of the active one. */
export class EventView implements vscode.TreeDataProvider<EventNode>, EventTree, vscode.Disposable {
  readonly model: EventModel;
  readonly #state: vscode.Memento;
  readonly #techniques: Techniques;
  readonly #view: vscode.TreeView<EventNode>;
  readonly #listeners: vscode.Disposable[];
  readonly #shown = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.#shown.event;
  readonly #sessions = new Map<string, { readonly session: vscode.DebugSession; prospect: Prospect }>();

  /** Counts that are soon shown. */
  #waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(state: vscode.Memento, techniques: Techniques) {
    this.#state = state;
    this.#techniques = techniques;
    this.model = new EventModel(state.get(stateKey) ?? []);
    this.#view = vscode.window.createTreeView("ringside.events", {
      treeDataProvider: this,
      canSelectMany: true,
      showCollapseAll: true,
      manageCheckboxStateManually: true,
    });
    this.#listeners = [
      this.#view,
      this.#view.onDidChangeCheckboxState(({ items }) => this.#checked(items)),
      vscode.window.onDidChangeActiveTextEditor(() => this.#appear()),
      vscode.debug.onDidChangeActiveDebugSession(() => this.#shown.fire()),
      vscode.debug.onDidStartDebugSession((session) => this.#started(session)),
      vscode.debug.onDidTerminateDebugSession(({ id }) => this.#ended(id)),
    ];
    this.#appear();
  }

  get selection(): readonly EventNode[] {
    return this.#view.selection;
  }

  #appear(): void {
    if (guestInEditor() || this.#sessions.size > 0) void vscode.commands.executeCommand("setContext", contextKey, true);
    this.#shown.fire();
  }

  #checked(items: readonly (readonly [EventNode, vscode.TreeItemCheckboxState])[]): void {
    for (const [row, state] of items) this.model.check(row, state === vscode.TreeItemCheckboxState.Checked);
    this.changed();
  }

  /** A person has changed something. */
  changed(): void {
    void this.#state.update(stateKey, this.model.saved);
    this.#shown.fire();
    for (const { session } of this.#sessions.values()) void this.#send(session);
  }

  async #send(session: vscode.DebugSession): Promise<void> {
    const args: Requests["ringside/setEventBreakpoints"]["args"] = { breakpoints: this.model.inForce };
    try {
      const { breakpoints } = await session.customRequest("ringside/setEventBreakpoints", args);
      this.#learn(session, { problems: problemsIn(breakpoints) });
    } catch (error) {
      // A session that is ending has no breakpoints any more.
      if (this.#sessions.has(session.id)) void vscode.window.showErrorMessage(String(error));
    }
  }

  #learn({ id }: vscode.DebugSession, more: Prospect): void {
    const known = this.#sessions.get(id);
    if (known) known.prospect = { ...known.prospect, ...more };
    this.#shown.fire();
  }

  #started(session: vscode.DebugSession): void {
    if (session.type !== debugType) return;
    this.#sessions.set(session.id, { session, prospect: {} });
    this.#appear();
  }

  #ended(id: string): void {
    if (this.#sessions.delete(id)) this.#shown.fire();
  }

  counted(session: vscode.DebugSession, counts: Events["ringside/eventCounts"]): void {
    if (session !== vscode.debug.activeDebugSession) return;
    this.model.counted(counts);
    this.#waiting ??= setTimeout(() => {
      this.#waiting = undefined;
      this.#shown.fire();
    }, pace);
  }

  /** The guest of a session is there: what it runs under is known, and what it can never report. At its start, it may be a new one. */
  async advanced(session: vscode.DebugSession, { now }: Events["ringside/advanced"]): Promise<void> {
    const known = this.#sessions.get(session.id);
    if (!known || (known.prospect.technique && now.step > 0)) return;
    try {
      const { technique }: Requests["ringside/rings"]["result"] = await session.customRequest("ringside/rings", {});
      const { limits }: Requests["ringside/eventLimits"]["result"] = await session.customRequest(
        "ringside/eventLimits",
        {},
      );
      this.#learn(session, { technique, limits: new Map(limits.map(({ event, reason }) => [event, reason])) });
    } catch (error) {
      // A session that has ended meanwhile does not answer.
      if (this.#sessions.has(session.id)) throw error;
    }
  }

  /** Of the active session; before it, of the guest in the editor. */
  get #prospect(): Prospect {
    const active = vscode.debug.activeDebugSession;
    const prospect = active && this.#sessions.get(active.id)?.prospect;
    if (prospect?.technique) return prospect;
    const guest = guestInEditor();
    return { ...prospect, technique: guest && this.#techniques.of(guest) };
  }

  getChildren(row?: EventNode): EventNode[] {
    if (!row) return [...this.model.folders(this.#prospect.technique)];
    return row.kind === "folder" ? [...this.model.leaves(row.folder)] : [];
  }

  getTreeItem(row: EventNode): vscode.TreeItem {
    const isFolder = row.kind === "folder";
    const item = new vscode.TreeItem(
      isFolder ? row.folder.label : row.leaf.label,
      isFolder ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None,
    );
    item.id = isFolder ? row.folder.id : row.id;
    const prospect = this.#prospect;
    item.description = this.model.description(row, prospect);
    item.contextValue = this.#contextOf(row);
    const { Checked, Unchecked } = vscode.TreeItemCheckboxState;
    item.checkboxState = this.model.isChecked(row) ? Checked : Unchecked;
    if (isFolder) item.tooltip = this.model.limit(row, prospect);
    else this.#decorate(item, row, prospect);
    return item;
  }

  #contextOf(row: EventNode): string {
    if (row.kind === "folder") return row.folder.number === undefined ? "eventFolder" : "eventFolder.number";
    return row.folder.leaves.includes(row.leaf) ? "event" : "event.number";
  }

  #decorate(item: vscode.TreeItem, row: EventNode & { kind: "leaf" }, prospect: Prospect): void {
    const { enabled, action = "stop" } = this.model.settings(row.id);
    const limit = this.model.limit(row, prospect);
    const problem = limit ?? prospect.problems?.get(row.id);
    if (limit) item.iconPath = new vscode.ThemeIcon("circle-slash", absentColor);
    else if (problem) item.iconPath = new vscode.ThemeIcon("warning");
    else if (enabled) item.iconPath = new vscode.ThemeIcon(icons[action], breakpointColor);
    item.tooltip = [`${row.folder.label} › ${row.leaf.label}`, item.description, problem ?? ""]
      .filter(Boolean)
      .join("\n");
  }

  dispose(): void {
    clearTimeout(this.#waiting);
    this.#shown.dispose();
    for (const listener of this.#listeners) listener.dispose();
  }
}
