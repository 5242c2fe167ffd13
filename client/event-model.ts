import {
  absentUnder,
  classById,
  type EventFolder,
  type EventLeaf,
  eventFolders,
  leafId,
  numberKey,
} from "../debug-adapter/event-catalogue.ts";
import { parseExpression, parseNumber } from "../debug-adapter/expression.ts";
import type { EventBreakpoint, EventBreakpointStatus, EventCounts } from "../debug-adapter/protocol.ts";
import type { TechniqueId } from "../isa/technique.ts";

/** A row of the tree: a folder, or a class of events in it. */
export type EventNode =
  | { readonly kind: "folder"; readonly folder: EventFolder }
  | { readonly kind: "leaf"; readonly folder: EventFolder; readonly leaf: EventLeaf; readonly id: string };

export type Settings = Omit<EventBreakpoint, "event">;
/** Settings to be changed; undefined takes one back. */
export type Change = { readonly [K in keyof Settings]?: Settings[K] | undefined };
/** As kept for the workspace. */
export interface Saved extends EventBreakpoint {
  readonly enabled: boolean;
}

const vectorLimit = 0x100;
const portLimit = 0x10000;

const node = (folder: EventFolder, leaf: EventLeaf): EventNode & { kind: "leaf" } => ({
  kind: "leaf",
  folder,
  leaf,
  id: leafId(folder, leaf.key),
});

/** What is wrong with an expression that a person types; undefined if nothing is, or there is none. */
export function conditionProblem(text: string): string | undefined {
  const problem = text.trim() === "" ? undefined : parseExpression(text).problem;
  return problem && `${problem.charAt(0).toUpperCase()}${problem.slice(1)}.`;
}

/** The number of a vCPU that a person types; nothing means all of them. */
export const vcpuProblem = (text: string): string | undefined =>
  /^\s*\d*\s*$/.test(text) ? undefined : "Write the number of a vCPU, or nothing for all.";

/** What is known of where the breakpoints are to do something: a session, or the technique that one would have. */
export interface Prospect {
  readonly technique?: TechniqueId | undefined;
  /** Why classes of events never come there. */
  readonly limits?: ReadonlyMap<string, string> | undefined;
  /** What is wrong with breakpoints. */
  readonly problems?: ReadonlyMap<string, string> | undefined;
}

/** What the adapter said of breakpoints that have something wrong. */
export const problemsIn = (statuses: readonly EventBreakpointStatus[]): ReadonlyMap<string, string> =>
  new Map(statuses.flatMap(({ event, message }) => (message ? [[event, message] as const] : [])));

/** Which breakpoints on events a person has set, as a tree; what they do is the adapter's business. */
export class EventModel {
  readonly #settings = new Map<string, Settings & { readonly enabled: boolean }>();
  #counts = new Map<string, number | null>();

  /** @param saved what `saved` gave another time; classes that are no more are left out */
  constructor(saved: readonly Saved[] = []) {
    for (const { event, ...settings } of saved) if (classById(event)) this.#settings.set(event, settings);
  }

  /** The folders of what can happen under a technique, and of what is checked; all if none is known. */
  folders(technique: TechniqueId | undefined): readonly EventNode[] {
    return eventFolders
      .map((folder) => ({ kind: "folder" as const, folder }))
      .filter((row) => !technique || !absentUnder(row.folder, technique) || this.checked(row) > 0);
  }

  /** Why a class of events never comes, of a folder why none of it does; undefined where it may. */
  limit(row: EventNode, { technique, limits }: Prospect): string | undefined {
    const absent = technique && absentUnder(row.folder, technique);
    return (row.kind === "leaf" ? limits?.get(row.id) : undefined) ?? (absent && `${absent}.`);
  }

  /** The classes of a folder: those that are listed, then those by number that have been added. */
  leaves(folder: EventFolder): readonly (EventNode & { kind: "leaf" })[] {
    const listed = folder.leaves.map((leaf) => node(folder, leaf));
    const ids = new Set(listed.map(({ id }) => id));
    const added = [...this.#settings.keys()]
      .filter((id) => !ids.has(id) && classById(id)?.folder === folder)
      .map((id) => node(folder, classById(id)!.leaf));
    return [...listed, ...added];
  }

  #below(row: EventNode): readonly string[] {
    return row.kind === "leaf" ? [row.id] : this.leaves(row.folder).map(({ id }) => id);
  }

  settings(id: string): Settings & { readonly enabled: boolean } {
    return this.#settings.get(id) ?? { enabled: false };
  }

  /** A folder is checked if all below it is. */
  isChecked(row: EventNode): boolean {
    return this.#below(row).every((id) => this.settings(id).enabled);
  }

  checked(row: EventNode): number {
    return this.#below(row).filter((id) => this.settings(id).enabled).length;
  }

  check(row: EventNode, enabled: boolean): void {
    for (const id of this.#below(row)) this.#set(id, { ...this.settings(id), enabled });
  }

  uncheckAll(): void {
    for (const [id, settings] of this.#settings) this.#set(id, { ...settings, enabled: false });
  }

  /** Changes how breakpoints work, of a folder all below it. What is changed is also checked. */
  edit(rows: readonly EventNode[], change: Change): void {
    for (const id of new Set(rows.flatMap((row) => this.#below(row)))) {
      const next = Object.entries({ ...this.settings(id), ...change }).filter(([, value]) => value !== undefined);
      this.#set(id, { ...(Object.fromEntries(next) as Settings), enabled: true });
    }
  }

  #set(id: string, settings: Settings & { readonly enabled: boolean }): void {
    const { folder, leaf } = classById(id)!;
    const isListed = folder.leaves.includes(leaf);
    if (isListed && !settings.enabled && Object.keys(settings).length === 1) this.#settings.delete(id);
    else this.#settings.set(id, settings);
  }

  /** What is wrong with a number that a person types for a class by number; undefined if nothing is. */
  numberProblem(folder: EventFolder, text: string): string | undefined {
    const number = parseNumber(text.trim());
    const limit = folder.number === "port" ? portLimit : vectorLimit;
    return number !== undefined && number < limit
      ? undefined
      : `Write a ${folder.number} from 0 to ${(limit - 1).toString(16).toUpperCase()}h, such as 20h or 0x20.`;
  }

  add(folder: EventFolder, text: string): void {
    this.#set(leafId(folder, numberKey(Number(parseNumber(text.trim())))), { enabled: true });
  }

  remove(row: EventNode): void {
    for (const id of this.#below(row)) this.#settings.delete(id);
  }

  get saved(): readonly Saved[] {
    return [...this.#settings].map(([event, settings]) => ({ event, ...settings }));
  }

  get inForce(): readonly EventBreakpoint[] {
    return this.saved.filter(({ enabled }) => enabled).map(({ enabled: _, ...breakpoint }) => breakpoint);
  }

  counted({ counts }: EventCounts): void {
    this.#counts = new Map(counts.map(({ event, count }) => [event, count]));
  }

  /** Beside the name of a row: that it never happens, the count, and what is not as by default. */
  description(row: EventNode, prospect: Prospect = {}): string {
    const never = this.limit(row, prospect) === undefined ? "" : "never here";
    const joined = (...parts: readonly string[]) => parts.filter((part) => part !== "").join(" · ");
    if (row.kind === "folder") {
      const checked = this.checked(row);
      return joined(never, checked === 0 ? "" : `${checked} of ${this.#below(row).length}`);
    }
    const { action, stage, condition, message, vm, vcpu, ring } = this.settings(row.id);
    const count = this.#counts.get(row.id);
    const parts = [
      action === "count" && count !== undefined ? `${count?.toLocaleString("en") ?? "?"} ×` : "",
      action === undefined || action === "stop" ? "" : action,
      message === undefined ? "" : `“${message}”`,
      stage === undefined || stage === row.folder.stage ? "" : stage,
      vm ?? "",
      vcpu === undefined ? "" : `vCPU ${vcpu}`,
      ring === undefined ? "" : `ring ${ring}`,
      condition === undefined ? "" : `if ${condition}`,
    ];
    const own = parts.filter((part) => part !== "").join(", ");
    return joined(never, own, row.leaf.detail ?? "");
  }
}
