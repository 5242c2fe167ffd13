import {
  CodeLensRefreshRequest,
  type Connection,
  DidChangeConfigurationNotification,
  DidChangeWatchedFilesNotification,
  TextDocuments,
} from "vscode-languageserver";
import { TextDocument } from "vscode-languageserver-textdocument";
import { defaultTechnique } from "../isa/technique.ts";
import { capabilities, pullDiagnostics } from "./capabilities.ts";
import { type Analysis, Documents } from "./documents.ts";
import { diagnostics } from "./features/diagnostics.ts";
import { type Host, isMachineFile, sourcePattern } from "./host.ts";
import { machineTechniques } from "./machine-files.ts";
import { progress } from "./progress.ts";
import {
  chooseTechnique,
  type InitializationOptions,
  type Measured,
  measured,
  type TechniqueChoice,
  type TechniqueInForce,
  techniqueInForce,
} from "./protocol.ts";
import { Reports } from "./reports.ts";
import { registerDiagnostics } from "./requests/diagnostics.ts";
import { registerDisplay } from "./requests/display.ts";
import { registerEditing } from "./requests/editing.ts";
import { registerNavigation } from "./requests/navigation.ts";
import { registerTokens } from "./requests/tokens.ts";
import { registerTyping } from "./requests/typing.ts";
import type { Session } from "./session.ts";
import { askSettings } from "./settings.ts";
import { Workspace } from "./workspace.ts";

/** Serves the Language Server Protocol on a connection; the features know nothing of it. */
export function serve(connection: Connection, host: Host): void {
  const texts = new TextDocuments(TextDocument);
  let asksForSettings = false;
  let hasFolders = false;
  let pulls = false;
  let hasProgress = false;
  let watches = { files: false, settings: false };
  let refreshes = { hints: false, lenses: false };
  const documents = new Documents(
    (uri) => texts.get(uri),
    host.readBytes,
    progress(connection, host.turn, () => hasProgress),
  );
  const workspace = new Workspace(host, (uri) => texts.get(uri)?.getText());
  const reports = new Reports();
  const session: Session = { connection, texts, documents, workspace };

  async function publish(document: TextDocument): Promise<void> {
    const { uri, version } = document;
    const analysis = await documents.analysis(document);
    // Typing went on while includes were fetched: the next version reports.
    if (texts.get(uri)?.version !== version) return;
    await connection.sendDiagnostics({ uri, version, diagnostics: diagnostics(analysis, uri) });
    await tellTechnique(uri, analysis);
  }

  async function tellTechnique(uri: string, { technique, from }: Analysis): Promise<void> {
    await connection.sendNotification(techniqueInForce, {
      uri,
      technique: (technique?.id ?? defaultTechnique) as TechniqueInForce["technique"],
      from,
    } satisfies TechniqueInForce);
  }

  async function publishAll(): Promise<void> {
    reports.forget("all");
    if (pulls) await connection.languages.diagnostics.refresh();
    else await Promise.all(texts.all().map(publish));
  }

  async function publishThose(uris: readonly string[]): Promise<void> {
    reports.forget(uris);
    if (pulls) {
      await connection.languages.diagnostics.refresh();
      return;
    }
    await Promise.all(
      texts
        .all()
        .filter(({ uri }) => uris.includes(uri))
        .map(publish),
    );
  }

  async function readSettings(): Promise<void> {
    if (!asksForSettings) return;
    const { general, byFolder } = await askSettings(connection, workspace.folders);
    documents.settings = general;
    documents.folderSettings = byFolder;
  }

  async function followSettings(): Promise<void> {
    await readSettings();
    documents.invalidate();
    await publishAll();
    await refreshHints();
  }

  /** Looking through the workspace takes its time, and not every host can: what is known without goes first. */
  async function followMachineFiles(): Promise<void> {
    const found = await machineTechniques(workspace);
    if (found.size === 0 && documents.machines.size === 0) return;
    documents.machines = found;
    documents.invalidate();
    await publishAll();
    await refreshHints();
  }

  /** What stands beside the text is to be asked for anew. */
  async function refreshHints(): Promise<void> {
    if (refreshes.hints) await connection.languages.inlayHint.refresh();
    if (refreshes.lenses) await connection.sendRequest(CodeLensRefreshRequest.type);
  }

  /** Clients that let servers say what to tell them are asked to tell of changed sources and settings. */
  async function registerWatching(): Promise<void> {
    if (watches.files)
      await connection.client.register(DidChangeWatchedFilesNotification.type, {
        watchers: [{ globPattern: sourcePattern }],
      });
    if (watches.settings)
      await connection.client.register(DidChangeConfigurationNotification.type, { section: "ringside" });
  }

  connection.onInitialize(({ capabilities: client, workspaceFolders, rootUri, initializationOptions }) => {
    documents.documentation =
      (initializationOptions as InitializationOptions | undefined)?.documentation ?? host.documentation;
    workspace.folders = workspaceFolders?.map(({ uri }) => uri) ?? (rootUri ? [rootUri] : []);
    hasProgress = client.window?.workDoneProgress === true;
    hasFolders = client.workspace?.workspaceFolders === true;
    asksForSettings = client.workspace?.configuration === true;
    const {
      diagnostics: refresh,
      inlayHint,
      codeLens,
      didChangeWatchedFiles,
      didChangeConfiguration,
    } = client.workspace ?? {};
    watches = {
      files: didChangeWatchedFiles?.dynamicRegistration === true,
      settings: didChangeConfiguration?.dynamicRegistration === true,
    };
    pulls = client.textDocument?.diagnostic !== undefined && refresh?.refreshSupport === true;
    refreshes = { hints: inlayHint?.refreshSupport === true, lenses: codeLens?.refreshSupport === true };
    return { capabilities: { ...capabilities, ...(pulls && pullDiagnostics) }, serverInfo: { name: "ringside" } };
  });
  connection.onInitialized(async () => {
    await registerWatching();
    if (hasFolders)
      connection.workspace.onDidChangeWorkspaceFolders(async ({ added, removed }) => {
        const gone = new Set(removed.map(({ uri }) => uri));
        workspace.folders = [...workspace.folders.filter((uri) => !gone.has(uri)), ...added.map(({ uri }) => uri)];
        await followSettings();
        await followMachineFiles();
      });
    await readSettings();
    await publishAll();
    await followMachineFiles();
  });
  connection.onDidChangeConfiguration(followSettings);
  connection.onDidChangeWatchedFiles(async ({ changes }) => {
    for (const { uri } of changes) workspace.changed(uri);
    if (changes.some(({ uri }) => isMachineFile(uri))) await followMachineFiles();
    const includers = changes.flatMap(({ uri }) => documents.changed(uri));
    reports.forget([...changes.map(({ uri }) => uri), ...includers]);
    if (includers.length > 0) await publishThose(includers);
  });
  connection.onNotification(chooseTechnique, async ({ uri, technique }: TechniqueChoice) => {
    documents.choose(uri, technique ?? undefined);
    await publishThose([uri]);
  });
  connection.onNotification(measured, async (run: Measured) => {
    if (documents.ran(run).length > 0) await refreshHints();
  });
  registerNavigation(session);
  registerEditing(session);
  registerTyping(session);
  registerTokens(session);
  registerDisplay(session);
  registerDiagnostics(session, reports, tellTechnique);
  texts.onDidChangeContent(({ document: { uri } }) => {
    const includers = documents.changed(uri);
    reports.forget([uri]);
    // A client that asks for diagnostics asks for those of what it has changed.
    if (!pulls) void publishThose([uri, ...includers]);
    else if (includers.length > 0) void publishThose(includers);
  });
  texts.onDidSave(async () => {
    // A client that watches no files does not tell of others that were saved, or made by a tool.
    if (watches.files) return;
    workspace.forget();
    reports.forget("all");
    await publishThose(documents.refetch());
  });
  texts.onDidClose(async ({ document }) => {
    const includers = documents.close(document.uri);
    reports.forget([document.uri]);
    if (!pulls) await connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
    if (includers.length > 0) await publishThose(includers);
  });
  texts.listen(connection);
  connection.listen();
}
