import type { Connection } from "vscode-languageserver";
import { defaultLayout, type Layout } from "./features/formatting.ts";

/** What the editor's settings say. */
export interface Settings {
  /** `null`: no technique is settled, so instructions are flagged for every one that they break under. */
  readonly technique: string | null;
  readonly includePaths: readonly string[];
  /** Also programs that are not open are looked at for problems. */
  readonly diagnoseWorkspace: boolean;
  /** Address and bytes behind each line. */
  readonly encodingHints: boolean;
  readonly codeLens: boolean;
  /** Behind instructions that leave the guest: why, and at what cost. */
  readonly exitHints: boolean;
  /** Above loops with an exit inside. */
  readonly exitLens: boolean;
  readonly format: Layout;
}

export const defaultSettings: Settings = {
  technique: null,
  includePaths: [],
  diagnoseWorkspace: true,
  encodingHints: false,
  codeLens: true,
  exitHints: false,
  exitLens: true,
  format: defaultLayout,
};

const complete = (said: Partial<Settings> | null | undefined): Settings => ({
  ...defaultSettings,
  ...said,
  format: { ...defaultSettings.format, ...said?.format },
});

/** The settings in general, and those of each folder. */
export async function askSettings(
  { workspace }: Connection,
  folders: readonly string[],
): Promise<{ readonly general: Settings; readonly byFolder: ReadonlyMap<string, Settings> }> {
  const section = "ringside";
  const [general, ...own] = await workspace.getConfiguration([
    { section },
    ...folders.map((scopeUri) => ({ scopeUri, section })),
  ]);
  return { general: complete(general), byFolder: new Map(folders.map((uri, n) => [uri, complete(own[n])])) };
}
