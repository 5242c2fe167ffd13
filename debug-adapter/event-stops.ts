import type { DebugProtocol as P } from "@vscode/debugprotocol";
import type { MachineEvent } from "../emulator/trace/event.ts";
import { filters } from "./capabilities.ts";
import { parseExpression } from "./expression.ts";
import type { EventStops, ExceptionEvent, ExitEvent } from "./run.ts";

/** What a client's exception filters mean. */
export interface Filters extends EventStops {
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

/** True for events that have one of the listed names, or for all if none is listed. */
function matcher<E extends MachineEvent>(
  condition: string | undefined,
  names: (event: E) => readonly string[],
): (event: E) => boolean {
  const wanted = new Set(listed(condition));
  return (event) => wanted.size === 0 || names(event).some((name) => wanted.has(plain(name)));
}

const exitNames = ({ reason, number }: ExitEvent): readonly string[] => [reason, `${number}`];
const exceptionNames = ({ name, vector }: ExceptionEvent): readonly string[] => [name, `${vector}`];

/** Reads the filters a client has set; the answer lists them in the order given. */
export function readFilters(args: P.SetExceptionBreakpointsArguments): { stops: Filters; breakpoints: P.Breakpoint[] } {
  const given = [
    ...args.filters.map((filterId) => ({ filterId, condition: undefined })),
    ...(args.filterOptions ?? []),
  ];
  const conditions = new Map(given.map(({ filterId, condition }) => [filterId, parts(condition)]));
  const known: readonly string[] = Object.values(filters);
  return {
    stops: {
      exits: conditions.has(filters.exits) ? matcher(conditions.get(filters.exits)?.names, exitNames) : undefined,
      exceptions: conditions.has(filters.exceptions)
        ? matcher(conditions.get(filters.exceptions)?.names, exceptionNames)
        : undefined,
      exitCondition: conditions.get(filters.exits)?.expression,
      exceptionCondition: conditions.get(filters.exceptions)?.expression,
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
