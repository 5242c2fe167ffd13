import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { baseName } from "../assembler/location.ts";
import type { BreakpointList } from "./breakpoint-list.ts";
import { type Breakpoint, nextInstructionLine } from "./breakpoints.ts";
import type { Coordinates } from "./coordinates.ts";
import { watchOf } from "./data-breakpoints.ts";
import { locationOf, type Subject, sourceOf } from "./inspection.ts";
import type { ReadFile } from "./launch.ts";
import { rangeBody } from "./locations.ts";
import { hexadecimal } from "./program.ts";
import { programFile, programWith } from "./programs.ts";
import { referenceOf } from "./trace-sources.ts";

export function breakpointBody(breakpoint: Breakpoint, coordinates: Coordinates): P.Breakpoint {
  const { id, addresses, watch, file, line, message } = breakpoint;
  const [first] = addresses;
  return {
    id,
    verified: first !== undefined || watch !== undefined,
    ...(message ? { message } : {}),
    ...(first === undefined ? {} : { instructionReference: hexadecimal(first) }),
    ...(first === undefined && !watch ? { reason: "failed" } : {}),
    ...(file === undefined ? {} : { source: sourceOf(file, coordinates) }),
    ...(line === undefined ? {} : { line: coordinates.line(line) }),
  };
}

/** Sets one of the kinds of breakpoint list. */
export const setBreakpoints = {
  lines(list: BreakpointList, { debugger: realm, coordinates, listings }: Subject, args: P.SetBreakpointsArguments) {
    const { sourceReference, path, name = "" } = args.source;
    const file = path ?? (sourceReference ? `${name}?${sourceReference}` : name);
    const wishes = (args.breakpoints ?? []).map(({ line: wanted, condition, hitCondition, logMessage }) => {
      const line = coordinates.lineFrom(wanted);
      const location = listings.location(sourceReference, line);
      const where =
        location === undefined ? ({ kind: "line", file, line } as const) : ({ kind: "listed", location } as const);
      return { ...where, condition, hitCondition, logMessage };
    });
    return bodies(list.setLines(realm, file, wishes), coordinates);
  },
  labels(list: BreakpointList, { debugger: realm, coordinates }: Subject, args: P.SetFunctionBreakpointsArguments) {
    const wishes = args.breakpoints.map(({ name, condition, hitCondition }) => ({
      kind: "label" as const,
      name,
      condition,
      hitCondition,
    }));
    return bodies(list.setLabels(realm, wishes), coordinates);
  },
  addresses(
    list: BreakpointList,
    { debugger: realm, coordinates }: Subject,
    args: P.SetInstructionBreakpointsArguments,
  ) {
    const wishes = args.breakpoints.map(({ instructionReference, offset, condition, hitCondition }) => ({
      kind: "address" as const,
      location: locationOf(instructionReference, offset),
      condition,
      hitCondition,
    }));
    return bodies(list.setAddresses(realm, wishes), coordinates);
  },
  data(list: BreakpointList, { debugger: realm, coordinates }: Subject, args: P.SetDataBreakpointsArguments) {
    const wishes = args.breakpoints.map((breakpoint) => ({
      kind: "data" as const,
      dataId: breakpoint.dataId,
      watch: watchOf(breakpoint),
      condition: breakpoint.condition,
      hitCondition: breakpoint.hitCondition,
    }));
    return bodies(list.setData(realm, wishes), coordinates);
  },
} as const;

/** Says of breakpoints in a source that it is another now than the one that runs: their lines may be others. */
export async function withStaleness(
  { debugger: { programs } }: Subject,
  { source, sourceModified }: P.SetBreakpointsArguments,
  { breakpoints }: P.SetBreakpointsResponse["body"],
  readFile: ReadFile,
): Promise<P.SetBreakpointsResponse["body"]> {
  const program = programWith(programs, source.path ?? source.name ?? "");
  const file = programFile(program, source.path ?? source.name ?? "");
  const assembled = file === undefined ? undefined : program.source?.(file);
  if (!assembled || breakpoints.length === 0 || referenceOf(file!) !== undefined) return { breakpoints };
  const present = sourceModified ? undefined : await readFile(file!);
  if (present instanceof Uint8Array && sameBytes(present, assembled)) return { breakpoints };
  const stale = `${baseName(file!)} has changed since it was assembled: restart to run it as it is now.`;
  return {
    breakpoints: breakpoints.map((body) => ({ ...body, message: body.message ? `${body.message} ${stale}` : stale })),
  };
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, n) => byte === b[n]);

const bodies = (list: readonly Breakpoint[], coordinates: Coordinates) => ({
  breakpoints: list.map((breakpoint) => breakpointBody(breakpoint, coordinates)),
});

/** Lines with code from `line` to `endLine`, each with the range of its first instruction. */
export function breakpointLocations(
  { debugger: { programs }, coordinates }: Subject,
  args: P.BreakpointLocationsArguments,
): P.BreakpointLocationsResponse["body"] {
  const {
    source,
    line,
    endLine = line,
    column = Number.NEGATIVE_INFINITY,
    endColumn = Number.POSITIVE_INFINITY,
  } = args;
  const program = programWith(programs, source.path ?? "");
  const file = programFile(program, source.path ?? "");
  const breakpoints: P.BreakpointLocation[] = [];
  for (let ours = coordinates.lineFrom(line); file !== undefined; ours++) {
    const found = nextInstructionLine(program, file, ours);
    if (found === undefined || found > coordinates.lineFrom(endLine)) break;
    const [address = 0] = program.lines.addresses(file, found);
    const range = program.lines.at(address)?.range;
    if (range) breakpoints.push(rangeBody(range, coordinates));
    ours = found;
  }
  const isWanted = (place: P.BreakpointLocation) =>
    !(place.line === line && place.column! < column) && !(place.line === endLine && place.column! > endColumn);
  return { breakpoints: breakpoints.filter(isWanted) };
}
