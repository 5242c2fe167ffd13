import { LSPErrorCodes, ResponseError, type TextEdit } from "vscode-languageserver";
import { TextDocument } from "vscode-languageserver-textdocument";
import { fixAll, quickFixes } from "../features/code-actions.ts";
import { diagnostics } from "../features/diagnostics.ts";
import { foldingRanges } from "../features/folding.ts";
import { formatDocument, formatLines, formatOnType } from "../features/formatting.ts";
import { prepareRename, type Refused, rename } from "../features/rename.ts";
import { selectionRanges } from "../features/selection.ts";
import { aboutAnalysis, aboutText, programsWith, type Session, subjectOf } from "../session.ts";

const failed = ({ refused }: Refused) => new ResponseError(LSPErrorCodes.RequestFailed, refused);

/** A formatted text must give the bytes it gave before; if a macro looks at blanks or case, it is left alone. */
async function harmless({ documents }: Session, document: TextDocument, edits: TextEdit[]): Promise<TextEdit[]> {
  if (edits.length === 0) return edits;
  const { bytes } = (await documents.analysis(document)).assembly;
  const text = TextDocument.applyEdits(document, edits);
  const after = await documents.assembled(document.uri, new Map([[document.uri, text]]));
  const isSame = bytes.length === after.bytes.length && bytes.every((byte, at) => byte === after.bytes[at]);
  return isSame ? edits : [];
}

/** Changing the text, and what helps to select it. */
export function registerEditing(session: Session): void {
  const { connection, documents } = session;
  const about = aboutText(session);
  connection.onFoldingRanges(about((document) => foldingRanges(document.getText())));
  connection.onSelectionRanges(about((document, { positions }) => selectionRanges(document.getText(), positions)));
  connection.onDocumentFormatting(
    about((document) =>
      harmless(session, document, formatDocument(document.getText(), documents.settingsOf(document.uri).format)),
    ),
  );
  connection.onDocumentRangeFormatting(
    about((document, { range: { start, end } }) => {
      const last = end.character === 0 && end.line > start.line ? end.line - 1 : end.line;
      return harmless(
        session,
        document,
        formatLines(document.getText(), start.line, last, documents.settingsOf(document.uri).format),
      );
    }),
  );
  connection.onDocumentOnTypeFormatting(
    about((document, { position }) =>
      formatOnType(document.getText(), position, documents.settingsOf(document.uri).format),
    ),
  );
  connection.onCodeAction(
    aboutAnalysis(session)((analysis, { textDocument: { uri }, range, context: { only } }, document) => {
      const found = diagnostics(analysis, uri);
      const bitsAt = (line: number) => analysis.assembly.onLine(uri, line).bits;
      const wants = (kind: string) => only === undefined || only.some((one) => `${kind}.`.startsWith(`${one}.`));
      return [
        ...(wants("quickfix") ? quickFixes(uri, document.getText(), found, range, bitsAt) : []),
        ...(only && wants("source.fixAll.ringside") ? fixAll(uri, document.getText(), found, bitsAt) : []),
      ];
    }),
  );
  connection.onPrepareRename(async ({ textDocument: { uri }, position }) => {
    const [program] = await programsWith(session, uri);
    if (!program) return null;
    const found = prepareRename(subjectOf(session, program), uri, position);
    return "refused" in found ? failed(found) : found;
  });
  connection.onRenameRequest(async ({ textDocument: { uri }, position, newName }) => {
    const changes: Record<string, TextEdit[]> = {};
    for (const program of await programsWith(session, uri)) {
      const edits = await rename(subjectOf(session, program), uri, position, newName);
      if ("refused" in edits) return failed(edits);
      // Programs that share a file agree about the places in it; the last one's are kept.
      for (const [file, own] of edits) changes[file] = own;
    }
    return { changes };
  });
}
