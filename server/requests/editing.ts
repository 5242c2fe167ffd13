import { LSPErrorCodes, ResponseError, type TextEdit } from "vscode-languageserver";
import { foldingRanges } from "../features/folding.ts";
import { prepareRename, type Refused, rename } from "../features/rename.ts";
import { selectionRanges } from "../features/selection.ts";
import { aboutText, programsWith, type Session, subjectOf } from "../session.ts";

const failed = ({ refused }: Refused) => new ResponseError(LSPErrorCodes.RequestFailed, refused);

/** Changing the text, and what helps to select it. */
export function registerEditing(session: Session): void {
  const { connection } = session;
  const about = aboutText(session);
  connection.onFoldingRanges(about((document) => foldingRanges(document.getText())));
  connection.onSelectionRanges(about((document, { positions }) => selectionRanges(document.getText(), positions)));
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
