import { type ServerCapabilities, TextDocumentSyncKind } from "vscode-languageserver";

import { legend } from "./features/semantic-tokens.ts";

/** What the server does; each has a file in `features`. */
export const capabilities: ServerCapabilities = {
  textDocumentSync: TextDocumentSyncKind.Incremental,
  hoverProvider: true,
  completionProvider: { triggerCharacters: [".", "%", '"', ","], resolveProvider: true },
  signatureHelpProvider: { triggerCharacters: [" ", ",", "("] },
  semanticTokensProvider: { legend, full: { delta: true }, range: true },
  definitionProvider: true,
  declarationProvider: true,
  referencesProvider: true,
  documentHighlightProvider: true,
  documentSymbolProvider: true,
  workspaceSymbolProvider: true,
  documentLinkProvider: {},
  foldingRangeProvider: true,
  selectionRangeProvider: true,
  renameProvider: { prepareProvider: true },
  workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
};
