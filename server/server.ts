import { type Connection, TextDocuments } from "vscode-languageserver";
import { TextDocument } from "vscode-languageserver-textdocument";
import { capabilities, pullDiagnostics } from "./capabilities.ts";
import { abilitiesOf, type ClientAbilities } from "./client-abilities.ts";
import { Documents } from "./documents.ts";
import { followSurroundings } from "./following.ts";
import type { Host } from "./host.ts";
import { progress } from "./progress.ts";
import {
  chooseTechnique,
  type InitializationOptions,
  type Measured,
  measured,
  type TechniqueChoice,
} from "./protocol.ts";
import { Publishing } from "./publishing.ts";
import { Reports } from "./reports.ts";
import { registerDiagnostics } from "./requests/diagnostics.ts";
import { registerDisplay } from "./requests/display.ts";
import { registerEditing } from "./requests/editing.ts";
import { registerNavigation } from "./requests/navigation.ts";
import { registerTokens } from "./requests/tokens.ts";
import { registerTyping } from "./requests/typing.ts";
import type { Session } from "./session.ts";
import { Workspace } from "./workspace.ts";

/** Follows the texts that are open. */
function followTexts(
  { connection, texts, documents, workspace }: Session,
  publishing: Publishing,
  reports: Reports,
  client: () => ClientAbilities,
): void {
  texts.onDidChangeContent(({ document: { uri } }) => {
    const includers = documents.changed(uri);
    reports.forget([uri]);
    // A client that asks for diagnostics asks for those of what it has changed.
    if (!client().pulls) void publishing.publish([uri, ...includers]);
    else if (includers.length > 0) void publishing.publish(includers);
  });
  texts.onDidSave(async () => {
    // A client that watches no files does not tell of others that were saved, or made by a tool.
    if (client().watches.files) return;
    workspace.forget();
    reports.forget("all");
    await publishing.publish(documents.refetch());
  });
  texts.onDidClose(async ({ document }) => {
    const includers = documents.close(document.uri);
    reports.forget([document.uri]);
    if (!client().pulls) await connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
    if (includers.length > 0) await publishing.publish(includers);
  });
  texts.listen(connection);
}

/** Serves the Language Server Protocol on a connection; the features know nothing of it. */
export function serve(connection: Connection, host: Host): void {
  let abilities = abilitiesOf({});
  const client = () => abilities;
  const texts = new TextDocuments(TextDocument);
  const work = progress(connection, host.turn, () => abilities.progress);
  const documents = new Documents((uri) => texts.get(uri), host.readBytes, work);
  const workspace = new Workspace(host, (uri) => texts.get(uri)?.getText());
  const session: Session = { connection, texts, documents, workspace };
  const reports = new Reports();
  const publishing = new Publishing(session, reports, client);

  connection.onInitialize(({ capabilities: told, workspaceFolders, rootUri, initializationOptions }) => {
    documents.documentation =
      (initializationOptions as InitializationOptions | undefined)?.documentation ?? host.documentation;
    workspace.folders = workspaceFolders?.map(({ uri }) => uri) ?? (rootUri ? [rootUri] : []);
    abilities = abilitiesOf(told);
    const { pulls } = abilities;
    return { capabilities: { ...capabilities, ...(pulls && pullDiagnostics) }, serverInfo: { name: "ringside" } };
  });
  connection.onNotification(chooseTechnique, async ({ uri, technique }: TechniqueChoice) => {
    documents.choose(uri, technique ?? undefined);
    await publishing.publish([uri]);
  });
  connection.onNotification(measured, async (run: Measured) => {
    if (documents.ran(run).length > 0) await publishing.refreshHints();
  });
  followSurroundings(session, publishing, reports, client);
  registerNavigation(session);
  registerEditing(session);
  registerTyping(session);
  registerTokens(session);
  registerDisplay(session);
  registerDiagnostics(session, reports, (uri, analysis) => publishing.technique(uri, analysis));
  followTexts(session, publishing, reports, client);
  connection.listen();
}
