import type { Assembly, MacroCall, Range, SymbolDefinition } from "../../assembler/index.ts";

/** A place where a symbol is written. */
export interface Occurrence {
  readonly range: Range;
  readonly isDefinition: boolean;
  /** The call of the macro in whose body the place is. */
  readonly expansion: MacroCall | undefined;
}

const keyOf = ({ file, line, start }: Range): string => `${line}:${start}:${file}`;

/** The definitions of a name: one of a label or constant, any number of a macro. */
export function definitionsOf(assembly: Assembly, name: string): SymbolDefinition[] {
  const macros = assembly.macros.filter((macro) => macro.name === name);
  const symbol = assembly.symbols.get(name);
  return symbol && symbol.kind !== "define" ? [symbol, ...macros] : macros;
}

/** Where a symbol is defined and used in all files of a program, each place once. */
export function occurrences(assembly: Assembly, name: string): Occurrence[] {
  const found = new Map<string, Occurrence>();
  for (const { range } of definitionsOf(assembly, name))
    found.set(keyOf(range), { range, isDefinition: true, expansion: undefined });
  for (const reference of assembly.references) {
    if (reference.name !== name) continue;
    const { range, expansion } = reference;
    const key = keyOf(range);
    if (!found.has(key)) found.set(key, { range, isDefinition: false, expansion });
  }
  return [...found.values()];
}
