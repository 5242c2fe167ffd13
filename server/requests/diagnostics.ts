import {
  type CancellationToken,
  type DocumentDiagnosticReport,
  LSPErrorCodes,
  ResponseError,
  type ResultProgressReporter,
  type WorkspaceDiagnosticParams,
  type WorkspaceDiagnosticReport,
  type WorkspaceDiagnosticReportPartialResult,
  type WorkspaceDocumentDiagnosticReport,
} from "vscode-languageserver";
import type { Analysis } from "../documents.ts";
import { type Report, type Reports, reportOf } from "../reports.ts";
import type { Session } from "../session.ts";

/** As the protocol has it: the same as before, or all of it. */
const answer = ({ resultId, items }: Report, previous: string | undefined): DocumentDiagnosticReport =>
  resultId === previous ? { kind: "unchanged", resultId } : { kind: "full", resultId, items: [...items] };

function checkCancelled(token: CancellationToken): void {
  if (token.isCancellationRequested)
    throw new ResponseError(LSPErrorCodes.RequestCancelled, "The request was cancelled.");
}

/** What is said of a program; one that is not open leaves nothing behind but that. */
async function reportFor({ documents, texts }: Session, reports: Reports, uri: string): Promise<Report | undefined> {
  const known = reports.get(uri);
  if (known) return known;
  const { edition } = reports;
  const document = await documents.document(uri);
  if (!document) return undefined;
  const report = reportOf(await documents.analysis(document), uri);
  // What has changed meanwhile may not be in it.
  if (edition === reports.edition) reports.set(uri, report);
  if (!texts.get(uri)) documents.release(uri);
  return report;
}

/** The programs of the workspace, and what is open beside them. */
async function subjects({ texts, workspace, documents }: Session): Promise<string[]> {
  const programs = (await workspace.programs()).filter((uri) => documents.settingsOf(uri).diagnoseWorkspace);
  return [...new Set([...texts.keys(), ...programs])];
}

/** Goes through the workspace once; true if something is to be said otherwise than before. */
async function goThrough(
  session: Session,
  reports: Reports,
  previous: Map<string, string>,
  token: CancellationToken,
  say: (report: WorkspaceDocumentDiagnosticReport) => void,
): Promise<boolean> {
  let isNews = false;
  const uris = await subjects(session);
  for (const uri of uris) {
    checkCancelled(token);
    const report = await reportFor(session, reports, uri);
    if (!report) continue;
    const given = answer(report, previous.get(uri));
    isNews ||= given.kind === "full";
    previous.set(uri, report.resultId);
    say({ uri, version: session.texts.get(uri)?.version ?? null, ...given });
  }
  // Files that are gone, or not looked at any more, have no problems.
  for (const [uri, resultId] of previous) {
    if (uris.includes(uri)) continue;
    previous.delete(uri);
    isNews ||= resultId !== "";
    say({ uri, version: null, kind: "full", items: [] });
  }
  return isNews;
}

/**
 * The diagnostics of the whole workspace. A client that takes them piece by piece is told of the programs one after the other;
 * if there is nothing new for it, the answer waits until there is.
 */
async function workspaceDiagnostics(
  session: Session,
  reports: Reports,
  { previousResultIds }: WorkspaceDiagnosticParams,
  token: CancellationToken,
  pieces: ResultProgressReporter<WorkspaceDiagnosticReportPartialResult> | undefined,
): Promise<WorkspaceDiagnosticReport> {
  const previous = new Map(previousResultIds.map(({ uri, value }) => [uri, value]));
  const items: WorkspaceDocumentDiagnosticReport[] = [];
  if (!pieces) {
    await goThrough(session, reports, previous, token, (report) => items.push(report));
    return { items };
  }
  const tell = (report: WorkspaceDocumentDiagnosticReport) => {
    if (report.kind === "full") pieces.report({ items: [report] });
  };
  for (;;) {
    const { edition } = reports;
    if (await goThrough(session, reports, previous, token, tell)) return { items };
    await reports.change(edition, (end) => token.onCancellationRequested(end));
    checkCancelled(token);
  }
}

/** Diagnostics for clients that ask for them; `tell` is told of each document that was asked about. */
export function registerDiagnostics(
  session: Session,
  reports: Reports,
  tell: (uri: string, analysis: Analysis) => Promise<void>,
): void {
  const { connection, texts, documents } = session;
  connection.languages.diagnostics.on(async ({ textDocument: { uri }, previousResultId }, token) => {
    const document = texts.get(uri);
    if (!document) return { kind: "full", items: [] };
    const analysis = await documents.analysis(document);
    checkCancelled(token);
    await tell(uri, analysis);
    return answer(reportOf(analysis, uri), previousResultId);
  });
  connection.languages.diagnostics.onWorkspace((params, token, _work, pieces) =>
    workspaceDiagnostics(session, reports, params, token, pieces),
  );
}
