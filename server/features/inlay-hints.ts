import type { InlayHint } from "vscode-languageserver";
import type { Assembly, Emitted } from "../../assembler/index.ts";
import { splitLines } from "../words.ts";

/** Bytes shown of a line. */
const mostBytes = 10;

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, "0");

/** The line of the file that an item comes from: its own, or that of the outermost call of a macro in the file. */
function lineIn(uri: string, { range, expansion }: Emitted): number | undefined {
  let line = range.file === uri && !expansion ? range.line : undefined;
  for (let call = expansion; call; call = call.outer)
    if (call.range.file === uri && !call.outer) line = call.range.line;
  return line;
}

/** Address and bytes of each line, as the assembler emits them; nothing while the program has errors. */
export function encodingHints(assembly: Assembly, uri: string, text: string, first: number, last: number): InlayHint[] {
  if (assembly.problems.some(({ severity }) => severity === "error")) return [];
  const lines = splitLines(text);
  const { bytes } = assembly;
  const found = new Map<number, { readonly address: number; readonly bytes: number[] }>();
  for (const item of assembly.emitted) {
    const line = lineIn(uri, item);
    if (line === undefined || line < first || line > last) continue;
    const entry = found.get(line) ?? { address: item.address, bytes: [] };
    found.set(line, entry);
    const { position, length } = item;
    if (position !== undefined && entry.bytes.length <= mostBytes)
      entry.bytes.push(...bytes.subarray(position, position + Math.min(length, mostBytes + 1)));
  }
  return [...found].map(([line, { address, bytes: own }]) => {
    const shown = own.slice(0, mostBytes).map((byte) => hex(byte, 2));
    const more = own.length > mostBytes ? " …" : "";
    return {
      position: { line, character: (lines[line] ?? "").length },
      label: `${hex(address, 4)}: ${shown.join(" ")}${more}`.trimEnd(),
      paddingLeft: true,
    };
  });
}
