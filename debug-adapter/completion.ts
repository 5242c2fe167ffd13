import { registers } from "../isa/registers.ts";
import { blockNow, presentFields } from "./control-fields.ts";
import type { Subject } from "./evaluate.ts";
import { translatedTo } from "./expression.ts";
import { readRegisters, registerPart } from "./registers.ts";

export interface Completion {
  readonly label: string;
  readonly kind: "register" | "label" | "constant" | "field" | "function";
  /** Where the word it replaces starts, 0-based, and how many characters that has. */
  readonly start: number;
  readonly length: number;
}

const most = 200;

/** Those of the control block, which are many, once its name has been written; before that, the name. */
function fieldNames(machine: Subject["machine"], word: string): readonly string[] {
  const block = blockNow(machine);
  if (block === undefined) return [];
  return word.toLowerCase().startsWith(`${block}.`) ? presentFields(machine) : [`${block}.`];
}

/** Names that the word before a column (0-based) of an expression may become. */
export function completions({ machine, program }: Subject, text: string, column: number): readonly Completion[] {
  const word = /[\w.$?@#~]*$/.exec(text.slice(0, column))?.[0] ?? "";
  const place = { start: column - word.length, length: word.length };
  const present = readRegisters(machine);
  const names = new Map<string, Completion["kind"]>();
  for (const { name } of registers) if (registerPart(present, name)) names.set(name, "register");
  for (const name of present.keys()) names.set(name.toLowerCase(), "register");
  for (const name of fieldNames(machine, word)) names.set(name, "field");
  for (const name of translatedTo) names.set(name, "function");
  for (const { name, kind } of program.symbols.values())
    if (kind !== "define") names.set(name, kind === "label" ? "label" : "constant");
  return [...names]
    .filter(([name]) => name.toLowerCase().startsWith(word.toLowerCase()))
    .sort(([a], [b]) => a.localeCompare(b, "en"))
    .slice(0, most)
    .map(([label, kind]) => ({ label, kind, ...place }));
}
