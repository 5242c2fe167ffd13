import type { Diagnostic } from "vscode-languageserver";
import type { Fix } from "../../assembler/index.ts";
import { diagnostics } from "../../server/features/diagnostics.ts";
import { analyse } from "./marked-source.ts";

/** What is said of a source, as a client gets it. */
export async function saidOf(source: string, technique?: string): Promise<Diagnostic[]> {
  const { analysis, document } = await analyse(source, technique ? { technique } : {});
  return diagnostics(analysis, document.uri);
}

/** The lines of the source (from 1) that a diagnostic with this code is on. */
export const linesWith = async (code: string, source: string, technique?: string): Promise<number[]> =>
  (await saidOf(source, technique)).filter((one) => one.code === code).map(({ range }) => range.start.line + 1);

const fixesOf = ({ data }: Diagnostic): readonly Fix[] => (data as { fixes: readonly Fix[] } | undefined)?.fixes ?? [];

/** The source after the first fix of the first diagnostic with this code; undefined if there is none. */
export async function fixed(code: string, source: string, technique?: string): Promise<string | undefined> {
  const found = (await saidOf(source, technique)).find((one) => one.code === code);
  const fix = found && fixesOf(found)[0];
  if (!fix) return undefined;
  const lines = source.split("\n");
  for (const { range, text } of [...fix.edits].sort((a, b) => b.range.line - a.range.line)) {
    const line = lines[range.line]!;
    lines[range.line] = line.slice(0, range.start) + text + line.slice(range.end);
  }
  return lines.join("\n");
}
