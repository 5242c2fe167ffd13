import * as vscode from "vscode";
import { debugType, type Events, type Requests } from "../debug-adapter/protocol.ts";
import type { TechniqueId } from "../isa/technique.ts";
import type { EventTree } from "./event-commands.ts";
import { EventModel, type EventNode } from "./event-model.ts";
import { guestInEditor } from "./guest-in-editor.ts";
import type { Techniques } from "./technique.ts";

/** Where a workspace keeps its breakpoints on events. */
const stateKey = "ringside.events";
/** Set where there is something to set breakpoints on. */
const contextKey = "ringside.hasGuest";

/** Milliseconds between two pictures of counts: a guest that runs changes them more often than anybody can read. */
const pace = 300;

const breakpointColor = new vscode.ThemeColor("debugIcon.breakpointForeground");
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
  readonly #sessions = new Map<string, { readonly session: vscode.DebugSession; technique?: TechniqueId }>();

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
      this.model.told(breakpoints);
      this.#shown.fire();
    } catch (error) {
      // A session that is ending has no breakpoints any more.
      if (this.#sessions.has(session.id)) void vscode.window.showErrorMessage(String(error));
    }
  }

  #started(session: vscode.DebugSession): void {
    if (session.type !== debugType) return;
    this.#sessions.set(session.id, { session });
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

  /** The guest of a session is there: what it runs under is known. */
  async advanced(session: vscode.DebugSession): Promise<void> {
    const known = this.#sessions.get(session.id);
    if (!known || known.technique) return;
    try {
      const rings: Requests["ringside/rings"]["result"] = await session.customRequest("ringside/rings", {});
      known.technique = rings.technique;
      this.#shown.fire();
    } catch (error) {
      // A session that has ended meanwhile does not answer.
      if (this.#sessions.has(session.id)) throw error;
    }
  }

  get #technique(): TechniqueId | undefined {
    const active = vscode.debug.activeDebugSession;
    const guest = guestInEditor();
    return (active && this.#sessions.get(active.id)?.technique) ?? (guest && this.#techniques.of(guest));
  }

  getChildren(row?: EventNode): EventNode[] {
    if (!row) return [...this.model.folders(this.#technique)];
    return row.kind === "folder" ? [...this.model.leaves(row.folder)] : [];
  }

  getTreeItem(row: EventNode): vscode.TreeItem {
    const isFolder = row.kind === "folder";
    const item = new vscode.TreeItem(
      isFolder ? row.folder.label : row.leaf.label,
      isFolder ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None,
    );
    item.id = isFolder ? row.folder.id : row.id;
    item.description = this.model.description(row);
    item.contextValue = this.#contextOf(row);
    const { Checked, Unchecked } = vscode.TreeItemCheckboxState;
    item.checkboxState = this.model.isChecked(row) ? Checked : Unchecked;
    if (!isFolder) this.#decorate(item, row);
    return item;
  }

  #contextOf(row: EventNode): string {
    if (row.kind === "folder") return row.folder.number === undefined ? "eventFolder" : "eventFolder.number";
    return row.folder.leaves.includes(row.leaf) ? "event" : "event.number";
  }

  #decorate(item: vscode.TreeItem, row: EventNode & { kind: "leaf" }): void {
    const { enabled, action = "stop" } = this.model.settings(row.id);
    const problem = this.model.problem(row.id);
    if (problem) item.iconPath = new vscode.ThemeIcon("warning");
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
