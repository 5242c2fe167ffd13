import { CodeActionKind, type ServerCapabilities, TextDocumentSyncKind } from "vscode-languageserver";
import { legend } from "./features/semantic-tokens.ts";
import { virtualKinds } from "./protocol.ts";

/** What the server does; each has a file in `features`. */
export const capabilities = {
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
  codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix, `${CodeActionKind.SourceFixAll}.ringside`] },
  codeLensProvider: {},
  inlayHintProvider: true,
  inlineValueProvider: true,
  callHierarchyProvider: true,
  documentFormattingProvider: true,
  documentRangeFormattingProvider: true,
  documentOnTypeFormattingProvider: { firstTriggerCharacter: "\n" },
  renameProvider: { prepareProvider: true },
  workspace: {
    workspaceFolders: { supported: true, changeNotifications: true },
    textDocumentContent: { schemes: [...virtualKinds] },
  },
} satisfies ServerCapabilities;

/** Of clients that ask for diagnostics themselves; others are sent them. */
export const pullDiagnostics: ServerCapabilities = {
  diagnosticProvider: { identifier: "ringside", interFileDependencies: true, workspaceDiagnostics: true },
};
