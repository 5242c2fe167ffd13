import { completion, resolveCompletion } from "../features/completion.ts";
import { signatureHelp } from "../features/signature.ts";
import { aboutAnalysis, type Session } from "../session.ts";

/** Help while one types. */
export function registerTyping(session: Session): void {
  const { connection, documents, workspace } = session;
  const about = aboutAnalysis(session);
  connection.onCompletion(
    about(async ({ assembly }, { position }, text) => completion(assembly, position, text, await workspace.sources())),
  );
  connection.onCompletionResolve(resolveCompletion);
  connection.onSignatureHelp(
    about(({ assembly }, { textDocument: { uri }, position }, text) => {
      const before = text.getText({ start: { line: position.line, character: 0 }, end: position });
      const { bits } = assembly.onLine(uri, position.line);
      return signatureHelp(assembly, bits, before, (file) => documents.textOf(file));
    }),
  );
}
