import {
  type Connection,
  type InitializeResult,
  type TextDocumentPositionParams,
  TextDocumentSyncKind,
  TextDocuments,
} from "vscode-languageserver";
import { TextDocument } from "vscode-languageserver-textdocument";
import { defaultTechnique } from "../isa/technique.ts";
import { type Analysis, Documents, defaultSettings, type ReadBytes, type Settings } from "./documents.ts";
import { completion, isCut } from "./features/completion.ts";
import { definition, references } from "./features/definition.ts";
import { diagnostics } from "./features/diagnostics.ts";
import { hover } from "./features/hover.ts";
import { documentSymbols } from "./features/symbols.ts";
import { chooseTechnique, type TechniqueChoice, type TechniqueInForce, techniqueInForce } from "./protocol.ts";

const capabilities: InitializeResult["capabilities"] = {
  textDocumentSync: TextDocumentSyncKind.Incremental,
  hoverProvider: true,
  completionProvider: { triggerCharacters: [".", "%"] },
  definitionProvider: true,
  referencesProvider: true,
  documentSymbolProvider: true,
};

/** Answers what is asked about a document at a place; null if it is not open. */
function registerFeatures(connection: Connection, texts: TextDocuments<TextDocument>, documents: Documents): void {
  const about =
    <P extends { textDocument: { uri: string } }, R>(
      answer: (analysis: Analysis, params: P, text: TextDocument) => R,
    ) =>
    async (params: P): Promise<R | null> => {
      const document = texts.get(params.textDocument.uri);
      return document ? answer(await documents.analysis(document), params, document) : null;
    };
  connection.onHover(
    about((analysis, { textDocument, position }: TextDocumentPositionParams) =>
      hover(analysis, textDocument.uri, position),
    ),
  );
  connection.onCompletion(
    about(({ assembly }, { position }: TextDocumentPositionParams, text) => ({
      isIncomplete: isCut(assembly),
      items: completion(assembly, position, text),
    })),
  );
  connection.onDefinition(
    about(({ assembly }, { textDocument, position }: TextDocumentPositionParams) =>
      definition(assembly, textDocument.uri, position),
    ),
  );
  connection.onReferences(
    about(({ assembly }, { textDocument, position, context }) =>
      references(assembly, textDocument.uri, position, context.includeDeclaration),
    ),
  );
  connection.onDocumentSymbol(about(({ assembly }, { textDocument }) => documentSymbols(assembly, textDocument.uri)));
}

/** Serves the Language Server Protocol on a connection; the features know nothing of it. */
export function serve(connection: Connection, readBytes: ReadBytes): void {
  const texts = new TextDocuments(TextDocument);
  const documents = new Documents((uri) => texts.get(uri), readBytes);
  let asksForSettings = false;

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

  connection.onInitialize(({ capabilities: client }) => {
    asksForSettings = client.workspace?.configuration === true;
    return { capabilities, serverInfo: { name: "ringside" } };
  });
  connection.onInitialized(() => readSettings().then(publishAll));
  connection.onDidChangeConfiguration(async () => {
    await readSettings();
    documents.invalidate();
    await publishAll();
  });
  connection.onDidChangeWatchedFiles(async ({ changes }) => {
    await publishThose(changes.flatMap(({ uri }) => documents.changed(uri)));
  });
  connection.onNotification(chooseTechnique, async ({ uri, technique }: TechniqueChoice) => {
    documents.choose(uri, technique ?? undefined);
    const document = texts.get(uri);
    if (document) await publish(document);
  });
  registerFeatures(connection, texts, documents);
  texts.onDidChangeContent(({ document: { uri } }) => void publishThose([uri, ...documents.changed(uri)]));
  texts.onDidClose(async ({ document }) => {
    const includers = documents.close(document.uri);
    await connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
    await publishThose(includers);
  });
  texts.listen(connection);
  connection.listen();
}
