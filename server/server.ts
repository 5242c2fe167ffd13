import { type Connection, TextDocuments } from "vscode-languageserver";
import { TextDocument } from "vscode-languageserver-textdocument";
import { defaultTechnique } from "../isa/technique.ts";
import { capabilities } from "./capabilities.ts";
import { Documents, defaultSettings, type Settings } from "./documents.ts";
import { diagnostics } from "./features/diagnostics.ts";
import type { Host } from "./host.ts";
import { chooseTechnique, type TechniqueChoice, type TechniqueInForce, techniqueInForce } from "./protocol.ts";
import { registerEditing } from "./requests/editing.ts";
import { registerNavigation } from "./requests/navigation.ts";
import { registerTokens } from "./requests/tokens.ts";
import { registerTyping } from "./requests/typing.ts";
import type { Session } from "./session.ts";
import { Workspace } from "./workspace.ts";

/** Serves the Language Server Protocol on a connection; the features know nothing of it. */
export function serve(connection: Connection, host: Host): void {
  const texts = new TextDocuments(TextDocument);
  const documents = new Documents((uri) => texts.get(uri), host.readBytes);
  const workspace = new Workspace(host, (uri) => texts.get(uri)?.getText());
  const session: Session = { connection, texts, documents, workspace };
  let asksForSettings = false;
  let hasFolders = false;

  async function publish(document: TextDocument): Promise<void> {
    const { uri, version } = document;
    const analysis = await documents.analysis(document);
    // Typing went on while includes were fetched: the next version reports.
    if (texts.get(uri)?.version !== version) return;
    await connection.sendDiagnostics({ uri, version, diagnostics: diagnostics(analysis, uri) });
    await connection.sendNotification(techniqueInForce, {
      uri,
      technique: (analysis.technique?.id ?? defaultTechnique) as TechniqueInForce["technique"],
      from: analysis.from,
    } satisfies TechniqueInForce);
  }

  async function publishAll(): Promise<void> {
    await Promise.all(texts.all().map(publish));
  }

  async function publishThose(uris: readonly string[]): Promise<void> {
    await Promise.all(
      texts
        .all()
        .filter(({ uri }) => uris.includes(uri))
        .map(publish),
    );
  }

  async function readSettings(): Promise<void> {
    if (!asksForSettings) return;
    const said: Partial<Settings> | null = await connection.workspace.getConfiguration("ringside");
    documents.settings = { ...defaultSettings, ...said };
  }

  connection.onInitialize(({ capabilities: client, workspaceFolders, rootUri }) => {
    workspace.folders = workspaceFolders?.map(({ uri }) => uri) ?? (rootUri ? [rootUri] : []);
    hasFolders = client.workspace?.workspaceFolders === true;
    asksForSettings = client.workspace?.configuration === true;
    return { capabilities, serverInfo: { name: "ringside" } };
  });
  connection.onInitialized(async () => {
    if (hasFolders)
      connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
        const gone = new Set(removed.map(({ uri }) => uri));
        workspace.folders = [...workspace.folders.filter((uri) => !gone.has(uri)), ...added.map(({ uri }) => uri)];
      });
    await readSettings();
    await publishAll();
  });
  connection.onDidChangeConfiguration(async () => {
    await readSettings();
    documents.invalidate();
    await publishAll();
  });
  connection.onDidChangeWatchedFiles(async ({ changes }) => {
    for (const { uri } of changes) workspace.changed(uri);
    await publishThose(changes.flatMap(({ uri }) => documents.changed(uri)));
  });
  connection.onNotification(chooseTechnique, async ({ uri, technique }: TechniqueChoice) => {
    documents.choose(uri, technique ?? undefined);
    const document = texts.get(uri);
    if (document) await publish(document);
  });
  registerNavigation(session);
  registerEditing(session);
  registerTyping(session);
  registerTokens(session);
  texts.onDidChangeContent(({ document: { uri } }) => void publishThose([uri, ...documents.changed(uri)]));
  texts.onDidClose(async ({ document }) => {
    const includers = documents.close(document.uri);
    await connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
    await publishThose(includers);
  });
  texts.listen(connection);
  connection.listen();
}
