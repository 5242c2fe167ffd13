import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { toUri } from "../assembler/location.ts";

/** How this client counts lines and columns and names files; ours are 0-based and named as the program names them. */
export interface Coordinates {
  line(ours: number): number;
  column(ours: number): number;
  lineFrom(theirs: number): number;
  path(file: string): string;
}

export function coordinatesOf({
  linesStartAt1,
  columnsStartAt1,
  pathFormat,
}: P.InitializeRequestArguments): Coordinates {
  const firstLine = linesStartAt1 === false ? 0 : 1;
  const firstColumn = columnsStartAt1 === false ? 0 : 1;
  return {
    line: (ours) => ours + firstLine,
    column: (ours) => ours + firstColumn,
    lineFrom: (theirs) => theirs - firstLine,
    path: (file) => (pathFormat === "uri" ? toUri(file) : file),
  };
}
