import type { DebugProtocol as P } from "@vscode/debugprotocol";
import type { ComputerConfiguration } from "../emulator/configuration/machine-configuration.ts";
import { exitCodes } from "../emulator/svm/exit-codes.ts";
import type { EventKind, MachineEvent } from "../emulator/trace/event.ts";
import { exitReasons } from "../emulator/vmx/exit-reasons.ts";
import { filters } from "./capabilities.ts";
import { type ArmedEvent, asksGuest } from "./event-breakpoints.ts";
import { type EventFolder, eventFolders, leafId } from "./event-catalogue.ts";
import { EventHits } from "./event-hits.ts";
import { limitOf } from "./event-limits.ts";
import { parseExpression } from "./expression.ts";

/** What a client's exception filters mean. */
export interface Filters {
  readonly armed: readonly ArmedEvent[];
  /** False: the session ends with the guest. */
  readonly atEnd: boolean;
}

/** Names compare without case, "#" and the difference between spaces and underscores: "ept violation" is EPT_VIOLATION. */
const plain = (name: string): string =>
  name
    .trim()
    .toUpperCase()
    .replace(/^#/, "")
    .replaceAll(/[^A-Z\d]+/g, "_");

const listed = (condition: string | undefined): readonly string[] =>
  (condition ?? "")
    .split(/[,;]/)
    .map(plain)
    .filter((name) => name !== "");

/** "CPUID, HLT if eax == 1": the names, and the expression. */
function parts(condition: string | undefined): { readonly names: string; readonly expression: string | undefined } {
  const [, names = "", expression] = /^(.*?)(?:\bif\b(.*))?$/is.exec(condition ?? "") ?? [];
  return { names, expression: expression?.trim() };
}

type Named = "exit" | "exception";

/** The folders whose classes conditions can name. */
const folders: Readonly<Record<Named, readonly EventFolder[]>> = {
  exit: eventFolders.filter(({ id }) => id === "vtx" || id === "svm" || id === "trap"),
  exception: eventFolders.filter(({ id }) => id === "exception"),
};

const exitNumbers = new Map([...exitReasons, ...exitCodes].map(({ name, number }) => [name, number]));

/** Ids of the classes that a name or number in a condition means; of all without one. */
const classesNamed = (kind: Named, name?: string): readonly string[] =>
  folders[kind].flatMap((folder) =>
    folder.leaves
      .filter(({ key, label }) =>
        name === undefined ? true : [plain(key), plain(label), `${exitNumbers.get(key)}`].includes(name),
      )
      .map(({ key }) => leafId(folder, key)),
  );

/** Why a name means nothing that can happen; without one, why nothing at all can. Undefined if something can. */
function neverNamed(kind: Named, computer: ComputerConfiguration | undefined, name?: string): string | undefined {
  const ids = classesNamed(kind, name);
  if (ids.length === 0) return `There is no ${kind === "exit" ? "exit reason" : "exception"} "${name}".`;
  if (!computer) return undefined;
  const limits = ids.map((id) => limitOf(id, computer));
  return limits.every((limit) => limit !== undefined) ? limits[0] : undefined;
}

/** Names by which a condition can ask for events of a kind. */
const namesOf = (event: MachineEvent): readonly string[] =>
  event.kind === "exit"
    ? [event.reason, `${event.number}`]
    : event.kind === "exception"
      ? [event.name, `${event.vector}`]
      : [];

const kinds: Readonly<Record<string, EventKind>> = {
  [filters.exits]: "exit",
  [filters.exceptions]: "exception",
};

/** A filter as a breakpoint on all events of its kind, or on those that have one of the listed names. */
function armedBy(filterId: string, condition: string | undefined): readonly ArmedEvent[] {
  const kind = kinds[filterId];
  if (kind === undefined) return [];
  const { names, expression } = parts(condition);
  const wanted = new Set(listed(names));
  const event = (one: MachineEvent) => wanted.size === 0 || namesOf(one).some((name) => wanted.has(plain(name)));
  const when = expression ? { condition: expression } : {};
  const hits = new EventHits([kind]);
  const needsState = asksGuest(when);
  return [{ kinds: [kind], event, stage: "before", action: "stop", title: "", hits, needsState, ...when }];
}

/** What is worth saying of a filter's condition: that it is no expression, or that names in it are of nothing that can happen. */
function answerTo(
  filterId: string,
  condition: string | undefined,
  computer: ComputerConfiguration | undefined,
): P.Breakpoint {
  const { names, expression } = parts(condition);
  const problem = expression === undefined ? undefined : parseExpression(expression).problem;
  if (problem !== undefined) return { verified: false, message: `Condition: ${problem}.` };
  const kind = kinds[filterId];
  if (kind !== "exit" && kind !== "exception") return { verified: true };
  const wanted = listed(names);
  const never = (wanted.length === 0 ? [undefined] : wanted).map((name) => neverNamed(kind, computer, name));
  const message = [...new Set(never.filter((reason) => reason !== undefined))].join(" ");
  return { verified: never.includes(undefined), ...(message && { message }) };
}

/** Reads the filters a client has set; the answer lists them in the order given. */
export function readFilters(
  args: P.SetExceptionBreakpointsArguments,
  computer: ComputerConfiguration | undefined,
): { set: Filters; breakpoints: P.Breakpoint[] } {
  const given = [
    ...args.filters.map((filterId) => ({ filterId, condition: undefined })),
    ...(args.filterOptions ?? []),
  ];
  const conditions = new Map(given.map(({ filterId, condition }) => [filterId, condition]));
  const known: readonly string[] = Object.values(filters);
  return {
    set: {
      armed: [...conditions].flatMap(([filterId, condition]) => armedBy(filterId, condition)),
      atEnd: conditions.has(filters.end),
    },
    breakpoints: given.map(({ filterId, condition }) => {
      if (!known.includes(filterId)) return { verified: false, message: `There is no filter "${filterId}".` };
      return answerTo(filterId, condition, computer);
    }),
  };
}
