import * as vscode from "vscode";
import {
  type Change,
  conditionProblem,
  type EventModel,
  type EventNode,
  type Settings,
  vcpuProblem,
} from "./event-model.ts";

/** What the commands in the tree's menus are given: the row, and all rows if several are selected. */
type Rows = readonly [row?: EventNode, selected?: readonly EventNode[]];

/** What the commands need of the tree. */
export interface EventTree {
  readonly model: EventModel;
  /** The rows that are selected, for commands that are called without any. */
  readonly selection: readonly EventNode[];
  changed(): void;
}

interface Choice<T> extends vscode.QuickPickItem {
  readonly value: T;
}

const pick = async <T>(title: string, choices: readonly Choice<T>[]): Promise<Choice<T> | undefined> =>
  vscode.window.showQuickPick([...choices], { title });

/** Undefined if the person gave up; nothing typed is an empty text. */
const type = (
  title: string,
  prompt: string,
  value: string,
  problem: (text: string) => string | undefined = () => undefined,
) =>
  // A guest that stops takes the focus to its source line: what is typed stays.
  vscode.window.showInputBox({ title, prompt, value, validateInput: problem, ignoreFocusOut: true });

const actions: readonly Choice<Settings["action"]>[] = [
  { label: "$(debug-pause) Stop", description: "the guest stops", value: "stop" },
  { label: "$(output) Log", description: "a line in the debug console", value: "log" },
  { label: "$(symbol-number) Count", description: "shown here, up to the present moment", value: "count" },
];

async function action(present: Settings): Promise<Change | undefined> {
  const picked = await pick("What happens at this event", actions);
  if (!picked) return undefined;
  if (picked.value !== "log") return { action: picked.value, message: undefined };
  const prompt = "Expressions in braces are evaluated: {event}, {event.rip}, {eax}. Empty: the event in one line.";
  const message = await type("What is logged", prompt, present.message ?? "");
  return message === undefined ? undefined : { action: "log", message: message.trim() || undefined };
}

const stages: readonly Choice<Settings["stage"]>[] = [
  { label: "Before", description: "the VMM has not acted yet; the instruction has not run", value: "before" },
  { label: "After", description: "the VMM has acted; of exits: the guest is entered again", value: "after" },
];

async function stage(): Promise<Change | undefined> {
  const picked = await pick("When the guest is looked at", stages);
  return picked && { stage: picked.value };
}

async function condition(present: Settings): Promise<Change | undefined> {
  const prompt = "An expression of the debug console, such as al == 'x' or event.port == 3F8h. Empty: always.";
  const text = await type("On what condition", prompt, present.condition ?? "", conditionProblem);
  return text === undefined ? undefined : { condition: text.trim() || undefined };
}

const rings: readonly Choice<number | undefined>[] = [
  { label: "Any ring", value: undefined },
  ...[0, 1, 2, 3].map((ring) => ({ label: `Ring ${ring}`, description: "as the guest sees it", value: ring })),
];

/** VM, vCPU, ring. */
async function scope(present: Settings): Promise<Change | undefined> {
  const vm = await type("Of which VM", "The name of a VM. Empty: of all.", present.vm ?? "");
  if (vm === undefined) return undefined;
  const text = await type("Of which vCPU", "Its number. Empty: of all.", `${present.vcpu ?? ""}`, vcpuProblem);
  if (text === undefined) return undefined;
  const ring = await pick("In which ring", rings);
  const vcpu = text.trim() === "" ? undefined : Number(text);
  return ring && { vm: vm.trim() || undefined, vcpu, ring: ring.value };
}

/** Commands of the tree of events. */
export function eventCommands(tree: EventTree): Readonly<Record<string, (...args: never[]) => unknown>> {
  const rowsOf = ([row, selected]: Rows): readonly EventNode[] => {
    if (!row) return tree.selection;
    return selected?.includes(row) ? selected : [row];
  };
  const editing =
    (ask: (present: Settings) => Promise<Change | undefined>) =>
    async (...given: Rows): Promise<void> => {
      const rows = rowsOf(given);
      const [first] = rows;
      if (!first) return;
      const change = await ask(first.kind === "leaf" ? tree.model.settings(first.id) : {});
      if (!change) return;
      tree.model.edit(rows, change);
      tree.changed();
    };
  return {
    "ringside.editEventCondition": editing(condition),
    "ringside.editEventScope": editing(scope),
    "ringside.editEventStage": editing(stage),
    "ringside.editEventAction": editing(action),
    "ringside.addEventNumber": async (...given: Rows) => {
      const folder = rowsOf(given).find((row) => row.folder.number !== undefined)?.folder;
      if (!folder) return;
      const title = `Which ${folder.number}`;
      const text = await type(title, "A number, such as 20h.", "", (typed) => tree.model.numberProblem(folder, typed));
      if (text === undefined) return;
      tree.model.add(folder, text);
      tree.changed();
    },
    "ringside.removeEventNumber": (...given: Rows) => {
      for (const row of rowsOf(given)) tree.model.remove(row);
      tree.changed();
    },
    "ringside.uncheckAllEvents": () => {
      tree.model.uncheckAll();
      tree.changed();
    },
  };
}
