import type { Location, TextDocumentPositionParams } from "vscode-languageserver";
import { declaration, definition, references } from "../features/definition.ts";
import { highlights } from "../features/highlights.ts";
import { hover } from "../features/hover.ts";
import { documentLinks } from "../features/links.ts";
import { documentSymbols } from "../features/symbols.ts";
import { workspaceSymbols } from "../features/workspace-symbols.ts";
import { aboutAnalysis, allPrograms, programsWith, type Session } from "../session.ts";

const keyOf = ({ uri, range }: Location): string => `${range.start.line}:${range.start.character}:${uri}`;
const once = (locations: readonly Location[]): Location[] => [
  ...new Map(locations.map((location) => [keyOf(location), location])).values(),
];

/** Going from one place to others. */
export function registerNavigation(session: Session): void {
  const { connection, documents, texts } = session;
  const about = aboutAnalysis(session);
  /** The first program of the file that knows an answer. */
  const firstOf =
    <R>(answer: (program: Parameters<typeof definition>[0], params: TextDocumentPositionParams) => R | null) =>
    async (params: TextDocumentPositionParams): Promise<R | null> => {
      if (!texts.get(params.textDocument.uri)) return null;
      for (const { assembly } of await programsWith(session, params.textDocument.uri)) {
        const found = answer(assembly, params);
        if (found) return found;
      }
      return null;
    };
  connection.onHover(
    about((analysis, { textDocument, position }: TextDocumentPositionParams) =>
      hover(analysis, textDocument.uri, position),
    ),
  );
  connection.onDefinition(
    firstOf((assembly, { textDocument, position }) => definition(assembly, textDocument.uri, position)),
  );
  connection.onDeclaration(
    firstOf((assembly, { textDocument, position }) => declaration(assembly, textDocument.uri, position)),
  );
  connection.onReferences(async ({ textDocument: { uri }, position, context }) => {
    if (!texts.get(uri)) return null;
    const programs = await programsWith(session, uri);
    return once(programs.flatMap(({ assembly }) => references(assembly, uri, position, context.includeDeclaration)));
  });
  connection.onDocumentHighlight(
    about(({ assembly }, { textDocument, position }) => highlights(assembly, textDocument.uri, position)),
  );
  connection.onDocumentSymbol(about(({ assembly }, { textDocument }) => documentSymbols(assembly, textDocument.uri)));
  connection.onWorkspaceSymbol(async ({ query }) =>
    workspaceSymbols(
      (await allPrograms(session)).map(({ assembly }) => assembly),
      query,
    ),
  );
  connection.onDocumentLinks(
    about(({ assembly }, { textDocument: { uri } }, document) =>
      documentLinks(assembly, uri, document.getText(), documents.settingsOf(uri).includePaths, (file) =>
        documents.isThere(file),
      ),
    ),
  );
}
