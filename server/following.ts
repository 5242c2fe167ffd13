import { DidChangeConfigurationNotification, DidChangeWatchedFilesNotification } from "vscode-languageserver";
import type { ClientAbilities } from "./client-abilities.ts";
import { isMachineFile, sourcePattern } from "./host.ts";
import { machineTechniques } from "./machine-files.ts";
import type { Publishing } from "./publishing.ts";
import type { Reports } from "./reports.ts";
import type { Session } from "./session.ts";
import { askSettings } from "./settings.ts";

/** Follows what lies around the documents: settings, folders, files that others write. */
export function followSurroundings(
  { connection, documents, workspace }: Session,
  publishing: Publishing,
  reports: Reports,
  client: () => ClientAbilities,
): void {
  async function readSettings(): Promise<void> {
    if (!client().settings) return;
    const { general, byFolder } = await askSettings(connection, workspace.folders);
    documents.settings = general;
    documents.folderSettings = byFolder;
  }

  async function publishAnew(): Promise<void> {
    documents.invalidate();
    await publishing.publish("all");
    await publishing.refreshHints();
  }

  async function followSettings(): Promise<void> {
    await readSettings();
    await publishAnew();
  }

  /** Looking through the workspace takes its time, and not every host can: what is known without goes first. */
  async function followMachineFiles(): Promise<void> {
    const found = await machineTechniques(workspace);
    if (found.size === 0 && documents.machines.size === 0) return;
    documents.machines = found;
    await publishAnew();
  }

  connection.onInitialized(async () => {
    const { folders, watches } = client();
    if (watches.files)
      await connection.client.register(DidChangeWatchedFilesNotification.type, {
        watchers: [{ globPattern: sourcePattern }],
      });
    if (watches.settings)
      await connection.client.register(DidChangeConfigurationNotification.type, { section: "ringside" });
    if (folders)
      connection.workspace.onDidChangeWorkspaceFolders(async ({ added, removed }) => {
        const gone = new Set(removed.map(({ uri }) => uri));
        workspace.folders = [...workspace.folders.filter((uri) => !gone.has(uri)), ...added.map(({ uri }) => uri)];
        await followSettings();
        await followMachineFiles();
      });
    await readSettings();
    await publishing.publish("all");
    await followMachineFiles();
  });
  connection.onDidChangeConfiguration(followSettings);
  connection.onDidChangeWatchedFiles(async ({ changes }) => {
    for (const { uri } of changes) workspace.changed(uri);
    if (changes.some(({ uri }) => isMachineFile(uri))) await followMachineFiles();
    const includers = changes.flatMap(({ uri }) => documents.changed(uri));
    reports.forget([...changes.map(({ uri }) => uri), ...includers]);
    if (includers.length > 0) await publishing.publish(includers);
  });
}
