import type { DebugProtocol as P } from "@vscode/debugprotocol";
import type { EventKind, MachineEvent } from "../emulator/trace/event.ts";
import { filters } from "./capabilities.ts";
import { type ArmedEvent, asksGuest } from "./event-breakpoints.ts";
import { EventHits } from "./event-hits.ts";
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

/** Reads the filters a client has set; the answer lists them in the order given. */
export function readFilters(args: P.SetExceptionBreakpointsArguments): { set: Filters; breakpoints: P.Breakpoint[] } {
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
      const { expression } = parts(condition);
      const problem = expression === undefined ? undefined : parseExpression(expression).problem;
      return problem === undefined ? { verified: true } : { verified: false, message: `Condition: ${problem}.` };
    }),
  };
}
