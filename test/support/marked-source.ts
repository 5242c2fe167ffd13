import type { Diagnostic, Position } from "vscode-languageserver";
import { TextDocument } from "vscode-languageserver-textdocument";
import { type Analysis, Documents } from "../../server/documents.ts";
import { diagnostics } from "../../server/features/diagnostics.ts";
import { bytesOf } from "./dap-client.ts";

export const uri = "file:///guest/main.asm";

export interface Marked {
  readonly document: TextDocument;
  readonly analysis: Analysis;
  /** Where `$0` stood. */
  readonly cursor: Position | undefined;
  readonly documents: Documents;
}

/** Source text with `$0` for the cursor, analysed as the language server does; `files` may be included. */
export async function analyse(
  source: string,
  options: { technique?: string; files?: Record<string, string> } = {},
): Promise<Marked> {
  const at = source.indexOf("$0");
  const text = source.replace("$0", "");
  const document = TextDocument.create(uri, "ringside", 1, text);
  const documents = new Documents(
    (wanted) => (wanted === uri ? document : undefined),
    async (wanted) => bytesOf(options.files?.[wanted.replace("file:///guest/", "")]),
  );
  if (options.technique) documents.settings = { ...documents.settings, technique: options.technique };
  const analysis = await documents.analysis(document);
  return { document, analysis, documents, cursor: at < 0 ? undefined : document.positionAt(at) };
}

const severities = ["", "error", "warning", "information", "hint"];

const mark = ({ range, severity, message }: Diagnostic): string => {
  const width = Math.max(1, range.end.character - range.start.character);
  const indent = Math.max(0, range.start.character - 1);
  return `;${" ".repeat(indent)}${"^".repeat(width)} ${severities[severity ?? 0]}: ${message}`;
};

/** The source with each diagnostic marked below its line: `;   ^^^ warning: …`. */
export async function withMarks(source: string, options: Parameters<typeof analyse>[1] = {}): Promise<string> {
  const { analysis, document } = await analyse(source, options);
  const found = diagnostics(analysis, document.uri);
  return source
    .split("\n")
    .flatMap((line, number) => [line, ...found.filter((d) => d.range.start.line === number).map(mark)])
    .join("\n");
}
