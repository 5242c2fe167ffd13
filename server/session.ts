import {
  type CancellationToken,
  type Connection,
  LSPErrorCodes,
  ResponseError,
  type TextDocuments,
} from "vscode-languageserver";
import type { TextDocument } from "vscode-languageserver-textdocument";
import type { Assembly } from "../assembler/index.ts";
import type { Analysis, Documents } from "./documents.ts";
import type { RenameSubject } from "./features/rename.ts";
import type { Workspace } from "./workspace.ts";

/** One client and what it has open. */
export interface Session {
  readonly connection: Connection;
  readonly texts: TextDocuments<TextDocument>;
  readonly documents: Documents;
  readonly workspace: Workspace;
}

interface AboutDocument {
  readonly textDocument: { readonly uri: string };
}

/** Answers what is asked about a document; null if it is not open. */
export const aboutAnalysis =
  ({ texts, documents }: Session) =>
  <P extends AboutDocument, R>(answer: (analysis: Analysis, params: P, text: TextDocument) => R) =>
  async (params: P, token: CancellationToken): Promise<Awaited<R> | null> => {
    const document = texts.get(params.textDocument.uri);
    if (!document) return null;
    const analysis = await documents.analysis(document);
    // Nobody waits for the answer any more.
    if (token.isCancellationRequested)
      throw new ResponseError(LSPErrorCodes.RequestCancelled, "The request was cancelled.");
    return await answer(analysis, params, document);
  };

/** The same for what needs the text alone. */
export const aboutText =
  ({ texts }: Session) =>
  <P extends AboutDocument, R>(answer: (document: TextDocument, params: P) => R) =>
  async (params: P): Promise<Awaited<R> | null> => {
    const document = texts.get(params.textDocument.uri);
    return document ? await answer(document, params) : null;
  };

/** A program: its main file, and what it assembles to. */
export interface Program {
  readonly uri: string;
  readonly assembly: Assembly;
}

async function programOf({ documents }: Session, uri: string): Promise<Program | undefined> {
  const document = await documents.document(uri);
  return document && { uri, assembly: (await documents.analysis(document)).assembly };
}

const includes = (assembly: Assembly, uri: string): boolean => assembly.includes.some(({ file }) => file === uri);

/** The programs that a file is part of: those that include it, else it is one itself. */
export async function programsWith(session: Session, uri: string): Promise<Program[]> {
  const open = session.documents.includers(uri).filter((one) => session.texts.get(one) !== undefined);
  const uris = new Set([...open, ...(await session.workspace.includers(uri))]);
  uris.delete(uri);
  const found: Program[] = [];
  for (const one of uris) {
    const program = await programOf(session, one);
    if (program && includes(program.assembly, uri)) found.push(program);
  }
  // A library between a program and the file is part of that program.
  const main = found.filter((one) => !found.some((other) => other !== one && includes(other.assembly, one.uri)));
  const own = main.length === 0 ? await programOf(session, uri) : undefined;
  return own ? [own] : main;
}

/** All programs there are in the workspace and the editor. */
export async function allPrograms(session: Session): Promise<Program[]> {
  const uris = new Set([...session.texts.keys(), ...(await session.workspace.programs())]);
  const found: Program[] = [];
  for (const uri of uris) {
    const program = await programOf(session, uri);
    if (program) found.push(program);
  }
  return found;
}

export const subjectOf = ({ documents }: Session, { uri, assembly }: Program): RenameSubject => ({
  assembly,
  textOf: (file) => documents.textOf(file),
  assembled: (texts) => documents.assembled(uri, texts),
});
