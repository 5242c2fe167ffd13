import type { Range as LspRange, Position } from "vscode-languageserver";
import type { Range } from "../assembler/index.ts";

export const toLsp = (range: Range): LspRange => ({
  start: { line: range.line, character: range.start },
  end: { line: range.line, character: range.end },
});

export const contains = (range: Range, file: string, { line, character }: Position): boolean =>
  range.file === file && range.line === line && range.start <= character && character <= range.end;
