import type { InlineValue, Range } from "vscode-languageserver";
import type { Assembly } from "../../assembler/index.ts";
import { registerNamed } from "../../isa/registers.ts";
import { wordsOf } from "../words.ts";

/** The registers and symbols in the line where the program stands; the debugger knows their values. */
export function inlineValues(assembly: Assembly, uri: string, text: string, line: number): InlineValue[] {
  const seen = new Set<string>();
  const { scope } = assembly.onLine(uri, line);
  return wordsOf(text).flatMap((word): InlineValue[] => {
    const name = word.text.replace(/^\$/, "");
    const full = name.startsWith(".") ? scope + name : name;
    const expression = registerNamed(name.toLowerCase()) ? name.toLowerCase() : symbolNamed(assembly, full);
    if (expression === undefined || seen.has(expression)) return [];
    seen.add(expression);
    const range: Range = { start: { line, character: word.start }, end: { line, character: word.end } };
    return [{ range, expression }];
  });
}

const symbolNamed = (assembly: Assembly, name: string): string | undefined => {
  const symbol = assembly.symbols.get(name);
  return symbol && symbol.kind !== "define" ? name : undefined;
};
