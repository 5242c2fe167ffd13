import * as vscode from "vscode";
import { traceScheme } from "../debug-adapter/protocol.ts";

/** A source that events name, as the editor opens it: one that is in a trace only is had from the session, by its number. */
export function sourceUri(uri: string, session: vscode.DebugSession | undefined): vscode.Uri {
  const source = vscode.Uri.parse(uri);
  if (source.scheme !== traceScheme) return source;
  const path = source.with({ query: "" }).toString();
  return vscode.debug.asDebugSourceUri({ path, sourceReference: Number(source.query) }, session);
}
