import type { ClientCapabilities } from "vscode-languageserver";

/** What the client said that it can do, as far as something depends on it. */
export interface ClientAbilities {
  /** It asks for diagnostics, and can be told to ask again. */
  readonly pulls: boolean;
  readonly progress: boolean;
  /** It tells of folders that come and go. */
  readonly folders: boolean;
  /** It answers what its settings are. */
  readonly settings: boolean;
  /** It tells of changed files, and of changed settings, if it is asked to. */
  readonly watches: { readonly files: boolean; readonly settings: boolean };
  /** What stands beside the text can be asked for anew. */
  readonly refreshes: { readonly hints: boolean; readonly lenses: boolean };
}

export function abilitiesOf({ window, workspace, textDocument }: ClientCapabilities): ClientAbilities {
  return {
    pulls: textDocument?.diagnostic !== undefined && workspace?.diagnostics?.refreshSupport === true,
    progress: window?.workDoneProgress === true,
    folders: workspace?.workspaceFolders === true,
    settings: workspace?.configuration === true,
    watches: {
      files: workspace?.didChangeWatchedFiles?.dynamicRegistration === true,
      settings: workspace?.didChangeConfiguration?.dynamicRegistration === true,
    },
    refreshes: {
      hints: workspace?.inlayHint?.refreshSupport === true,
      lenses: workspace?.codeLens?.refreshSupport === true,
    },
  };
}
