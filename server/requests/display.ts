import type { TextDocumentContentResult } from "vscode-languageserver";
import { incomingCalls, outgoingCalls, prepareCalls } from "../features/call-hierarchy.ts";
import { codeLenses } from "../features/code-lens.ts";
import { exitHints } from "../features/exit-hints.ts";
import { exitLenses } from "../features/exit-lens.ts";
import { encodingHints } from "../features/inlay-hints.ts";
import { inlineValues } from "../features/inline-values.ts";
import { virtualOf, virtualText } from "../features/virtual-documents.ts";
import { aboutAnalysis, programsWith, type Session } from "../session.ts";

/** The text of a listing and its like; null for what is none of ours or is gone. */
async function content({ documents }: Session, uri: string): Promise<TextDocumentContentResult | null> {
  const virtual = virtualOf(uri);
  const document = virtual && (await documents.document(virtual.source));
  if (!document) return null;
  const { assembly } = await documents.analysis(document);
  const options = { ...documents.optionsOf(document.uri), text: document.getText() };
  return { text: virtualText(virtual.kind, assembly, options, (file) => documents.textOf(file)) };
}

/** What is shown beside the text, or made of it. */
export function registerDisplay(session: Session): void {
  const { connection, documents, texts } = session;
  const shown = new Set<string>();
  const about = aboutAnalysis(session);
  connection.onCodeLens(
    about((analysis, { textDocument: { uri } }) => [
      ...(documents.settingsOf(uri).codeLens ? codeLenses(analysis.assembly, uri) : []),
      ...(documents.settingsOf(uri).exitLens ? exitLenses(analysis, uri) : []),
    ]),
  );
  connection.languages.inlayHint.on(
    about((analysis, { textDocument: { uri }, range: { start, end } }, text) => [
      ...(documents.settingsOf(uri).exitHints ? exitHints(analysis, uri, start.line, end.line) : []),
      ...(documents.settingsOf(uri).encodingHints
        ? encodingHints(analysis.assembly, uri, text.getText(), start.line, end.line)
        : []),
    ]),
  );
  connection.languages.inlineValue.on(
    about(({ assembly }, { textDocument: { uri }, context }, text) => {
      const { line } = context.stoppedLocation.start;
      const whole = { start: { line, character: 0 }, end: { line: line + 1, character: 0 } };
      return inlineValues(assembly, uri, text.getText(whole).replace(/[\r\n]+$/, ""), line);
    }),
  );
  connection.languages.callHierarchy.onPrepare(
    about(({ assembly }, { textDocument, position }) => prepareCalls(assembly, textDocument.uri, position)),
  );
  connection.languages.callHierarchy.onIncomingCalls(async ({ item }) => {
    const programs = await programsWith(session, item.uri);
    return programs.flatMap(({ assembly }) => incomingCalls(assembly, item.name));
  });
  connection.languages.callHierarchy.onOutgoingCalls(async ({ item }) => {
    const [program] = await programsWith(session, item.uri);
    return program ? outgoingCalls(program.assembly, item.name) : [];
  });
  connection.workspace.textDocumentContent.on(async ({ uri }) => {
    shown.add(uri);
    return content(session, uri);
  });
  // What a program is made into is shown anew when it is saved.
  texts.onDidSave(async ({ document }) => {
    for (const uri of shown)
      if (virtualOf(uri)?.source === document.uri) await connection.workspace.textDocumentContent.refresh(uri);
  });
}
