import type { SemanticTokens } from "vscode-languageserver";
import { DocumentTokens } from "../features/semantic-tokens.ts";
import { aboutAnalysis, type Session } from "../session.ts";

const none: SemanticTokens = { data: [] };

/** Semantic tokens: whole documents, what changed, what is in view. */
export function registerTokens(session: Session): void {
  const { connection, texts } = session;
  const kept = new Map<string, DocumentTokens>();
  const of = (uri: string): DocumentTokens => {
    const tokens = kept.get(uri) ?? new DocumentTokens();
    kept.set(uri, tokens);
    return tokens;
  };
  texts.onDidClose(({ document }) => kept.delete(document.uri));
  const about = aboutAnalysis(session);
  const full = about(({ assembly }, { textDocument: { uri } }, text) => of(uri).full(uri, text.getText(), assembly));
  connection.languages.semanticTokens.on(async (params, token) => (await full(params, token)) ?? none);
  const delta = about(({ assembly }, params: { textDocument: { uri: string }; previousResultId: string }, text) => {
    const { uri } = params.textDocument;
    return of(uri).delta(uri, text.getText(), assembly, params.previousResultId);
  });
  connection.languages.semanticTokens.onDelta(async (params, token) => (await delta(params, token)) ?? none);
  const range = about(
    (
      { assembly },
      params: { textDocument: { uri: string }; range: { start: { line: number }; end: { line: number } } },
      text,
    ) => {
      const { textDocument, range } = params;
      const { uri } = textDocument;
      return of(uri).range(uri, text.getText(), assembly, range.start.line, range.end.line);
    },
  );
  connection.languages.semanticTokens.onRange(async (params, token) => (await range(params, token)) ?? none);
}
