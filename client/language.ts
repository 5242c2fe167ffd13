import * as vscode from "vscode";
import type { BaseLanguageClient } from "vscode-languageclient";
import {
  chooseTechnique,
  type FileAnswer,
  type FileWanted,
  type InitializationOptions,
  listSources,
  measured,
  readFile,
  type SourcesWanted,
  type TechniqueChoice,
  type TechniqueInForce,
  techniqueInForce,
} from "../server/protocol.ts";
import { ExitHeat } from "./exit-heat.ts";
import { readBytes } from "./files.ts";
import type { Host } from "./host.ts";
import { Measurements } from "./measurements.ts";
import { Techniques } from "./technique.ts";

export interface Language extends vscode.Disposable {
  readonly client: BaseLanguageClient;
  readonly techniques: Techniques;
  readonly measurements: Measurements;
}

/** Starts the language server and keeps it told which technique applies. */
export async function startLanguage(context: vscode.ExtensionContext, host: Host): Promise<Language> {
  const client = host.languageClient(context, {
    documentSelector: [{ language: "ringside" }],
    initializationOptions: {
      documentation: `${vscode.Uri.joinPath(context.extensionUri, "docs")}/`,
    } satisfies InitializationOptions,
  });
  const techniques = new Techniques((uri, technique) =>
    client.sendNotification(chooseTechnique, { uri, technique: technique ?? null } satisfies TechniqueChoice),
  );
  client.onNotification(techniqueInForce, (said: TechniqueInForce) => techniques.nowInForce(said));
  client.onRequest<FileAnswer, void>(readFile, async ({ uri }: FileWanted) => (await readBytes(uri)) ?? null);
  client.onRequest<string[], void>(listSources, async ({ most }: SourcesWanted) => {
    const found = await vscode.workspace.findFiles(
      "**/*.{asm,nasm,inc,ringside.json}",
      "{**/node_modules/**,**/.*/**}",
      most,
    );
    return found.map((uri) => client.code2ProtocolConverter.asUri(uri));
  });
  const heat = new ExitHeat();
  const measurements = new Measurements(
    context.workspaceState,
    (run) => client.sendNotification(measured, run),
    (session, run) => heat.show(session, run),
  );
  await client.start();
  await measurements.recall();
  return {
    client,
    techniques,
    measurements,
    dispose: () => {
      techniques.dispose();
      heat.dispose();
      return client.stop();
    },
  };
}
