import { BrowserMessageReader, BrowserMessageWriter, createConnection } from "vscode-languageserver/browser";
import { mostSources } from "./host.ts";
import { type FileAnswer, type FileWanted, listSources, readFile, type SourcesWanted } from "./protocol.ts";
import { serve } from "./server.ts";

declare const self: DedicatedWorkerGlobalScope;

const connection = createConnection(new BrowserMessageReader(self), new BrowserMessageWriter(self));

/** The language server as a web worker: files come from the extension. */
serve(connection, {
  readBytes: async (uri) =>
    (await connection.sendRequest<FileAnswer>(readFile, { uri } satisfies FileWanted)) ?? undefined,
  turn: () => new Promise((resolve) => setTimeout(resolve)),
  listSources: () => connection.sendRequest<string[]>(listSources, { most: mostSources } satisfies SourcesWanted),
});
