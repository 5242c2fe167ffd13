import type { Row } from "../isa/instruction.ts";
import type { Bits } from "../isa/operands.ts";
import type { Emission } from "./emit.ts";
import type {
  AssembleOptions,
  Assembly,
  Emitted,
  InstructionMention,
  LineFacts,
  ModeStatement,
  Problem,
  Range,
  Settings,
  SymbolDefinition,
  SymbolReference,
} from "./interface.ts";
import type { Item } from "./item.ts";
import type { KeptLine } from "./kept-lines.ts";
import { lastAtOrBelow } from "./last-at-or-below.ts";
import type { Preprocessor } from "./preprocess.ts";
import type { ProblemList } from "./problems.ts";
import type { Program } from "./program.ts";
import { rangeOf } from "./source.ts";
import { SymbolView } from "./symbol-view.ts";
import { definitionOf, definitionsOf, Reference } from "./symbols.ts";

/** A program read to its end and laid out. */
export interface Run {
  readonly options: AssembleOptions;
  readonly program: Program;
  readonly preprocessor: Preprocessor;
  readonly problems: ProblemList;
  readonly emission: Emission;
  /** Of the main file, if they were to be kept. */
  readonly lines: KeptLine[];
  /** The layout came to rest, and will do so from one reading. */
  readonly settled: boolean;
}

/** The uses of symbols in an item. Of `absolute` the program makes more than one item. */
const referencesOf = ({ symbols, tree, source, statement }: Item): SymbolReference[] =>
  statement?.kind === "absolute"
    ? []
    : symbols.map((entry, slot) => new Reference(entry.name, source, tree.symbols[slot]!));

const macroReference = ({ name, source, span }: Preprocessor["references"][number]): SymbolReference =>
  new Reference(name, source, span);

/** The items that may stand on a line: its own, and those that macros and includes put elsewhere. */
function itemsNear(lines: readonly KeptLine[], line: number): Item[] {
  const items: Item[] = [];
  let own: KeptLine | undefined;
  for (const one of lines) {
    if (!one.isPlain) for (const item of one.items) items.push(item);
    else if (one.source.place.line <= line) own = one;
  }
  return own ? [...items, ...own.items] : items;
}

/** What an assembly gives, each part made when it is first asked for. */
export class ProgramAssembly implements Assembly {
  private readonly run: Run;
  private readonly made: { -readonly [K in keyof Assembly]?: Assembly[K] } = {};

  constructor(run: Run) {
    this.run = run;
  }

  get lineage(): object {
    return this.run;
  }

  get problems(): readonly Problem[] {
    this.made.problems ??= this.run.problems.sorted(this.run.options.file);
    return this.made.problems;
  }

  get bytes(): Uint8Array {
    this.made.bytes ??= this.run.emission.output(this.run.options.file);
    return this.made.bytes;
  }

  get origin(): number {
    return this.run.emission.origin;
  }

  get bits(): Bits {
    const { program } = this.run;
    return program.items.find(({ mention }) => mention)?.context.bits ?? program.bits;
  }

  get isPart(): boolean {
    this.made.isPart ??= this.run.program.known.some(({ binding }) => binding !== undefined);
    return this.made.isPart;
  }

  get sizes(): ReadonlySet<Bits> {
    if (!this.made.sizes) {
      const sizes = new Set<Bits>();
      for (const { mention, context } of this.run.program.items) if (mention) sizes.add(context.bits);
      this.made.sizes = sizes;
    }
    return this.made.sizes;
  }

  get emitted(): readonly Emitted[] {
    // An object file is laid out when its bytes are made.
    if (this.run.program.format !== "bin") void this.bytes;
    this.made.emitted ??= this.run.program.items.flatMap(({ parts }) => parts);
    return this.made.emitted;
  }

  get mentions(): readonly InstructionMention[] {
    this.made.mentions ??= this.run.program.items.flatMap(({ mention }) => mention ?? []);
    return this.made.mentions;
  }

  /** Labels and constants by their full names, then macros whose names are still free. */
  get symbols(): ReadonlyMap<string, SymbolDefinition> {
    const { program, preprocessor } = this.run;
    const find = (name: string) =>
      definitionOf(program.symbols.find(name)) ?? preprocessor.definitions.find((one) => one.name === name);
    this.made.symbols ??= new SymbolView(find, () => this.allSymbols());
    return this.made.symbols;
  }

  private allSymbols(): ReadonlyMap<string, SymbolDefinition> {
    const { program, preprocessor } = this.run;
    const symbols = definitionsOf(program.known);
    for (const definition of preprocessor.definitions)
      if (!symbols.has(definition.name)) symbols.set(definition.name, definition);
    return symbols;
  }

  get references(): readonly SymbolReference[] {
    this.made.references ??= this.allReferences();
    return this.made.references;
  }

  private allReferences(): SymbolReference[] {
    const { program, preprocessor } = this.run;
    const references: SymbolReference[] = [];
    for (const item of program.items) for (const reference of referencesOf(item)) references.push(reference);
    for (const reference of program.references) references.push(reference);
    for (const use of preprocessor.references) references.push(macroReference(use));
    return references;
  }

  onLine(file: string, line: number): LineFacts {
    const { program, preprocessor, lines, options } = this.run;
    const isHere = ({ range }: { readonly range: Range }) => range.line === line && range.file === file;
    const items = file === options.file && lines.length > 0 ? itemsNear(lines, line) : program.items;
    const here = items.filter(({ source }) => source.file === file);
    const labels = definitionsOf(here.flatMap(({ label }) => label ?? []));
    const references = [...here.flatMap(referencesOf), ...program.references];
    const macros = preprocessor.references.filter(({ source }) => source.file === file && source.place.line <= line);
    return {
      ...this.stateAt(file, line),
      mentions: here.flatMap(({ mention }) => mention ?? []).filter(isHere),
      definitions: [...labels.values(), ...preprocessor.definitions].filter(isHere),
      references: [...references, ...macros.map(macroReference)].filter(isHere),
    };
  }

  /** What directives and labels above a line have set. */
  private stateAt(file: string, line: number): Pick<LineFacts, "bits" | "scope"> {
    const { program, lines, options } = this.run;
    if (file === options.file && lines.length > 0) {
      const kept = lines[lastAtOrBelow(lines.length, (index) => lines[index]!.source.place.line, line)];
      if (kept) return { bits: kept.context.bits, scope: kept.scope };
    }
    const before = program.items.filter(({ source }) => source.file === file && source.place.line <= line);
    const isScope = ({ label, source }: Item) => source.place.line < line && label && !label.name.includes(".");
    const scope = before.findLast(isScope)?.label?.name ?? "";
    return { bits: before.at(-1)?.context.bits ?? program.bits, scope };
  }

  namesWith(beginning: string, most: number): readonly string[] {
    const { program, preprocessor } = this.run;
    const wanted = beginning.toLowerCase();
    const names = new Set<string>();
    const isFull = (name: string): boolean => {
      const begins = name.length >= wanted.length && name.slice(0, wanted.length).toLowerCase() === wanted;
      if (begins && !name.startsWith("..@")) names.add(name);
      return names.size >= most;
    };
    for (const { name } of preprocessor.definitions) if (isFull(name)) return [...names];
    for (const { name, definition } of program.known) if (definition && isFull(name)) break;
    return [...names];
  }

  symbolsNamed(wanted: RegExp): readonly SymbolDefinition[] {
    return this.run.program.known.flatMap((entry) => (wanted.test(entry.name) && definitionOf(entry)) || []);
  }

  dataAt(address: number, length: number): Uint8Array | undefined {
    const { program, emission } = this.run;
    // Sections of an object file have no addresses yet.
    if (program.format !== "bin") return undefined;
    const found = new Uint8Array(length);
    let count = 0;
    for (const item of program.items) {
      const from = item.context.section.start + item.offset - address;
      if (from >= length || from + item.length <= 0) continue;
      emission.refresh(item);
      for (const part of item.parts) {
        const begins = part.address - address;
        const bytes = part.bytes?.subarray(Math.max(0, -begins), Math.max(0, length - begins));
        if (!bytes?.length || begins >= length) continue;
        found.set(bytes, Math.max(0, begins));
        count += bytes.length;
      }
    }
    return count === length ? found : undefined;
  }

  get macros(): readonly SymbolDefinition[] {
    return this.run.preprocessor.definitions;
  }

  mentionsOf(wanted: (row: Row) => boolean): readonly InstructionMention[] {
    return this.run.emission.itemsOf(wanted).flatMap(({ mention }) => mention ?? []);
  }

  get includes(): Assembly["includes"] {
    return this.run.preprocessor.includes.found.map(({ source, span, file }) => ({
      range: rangeOf(source, span),
      file,
    }));
  }

  get leftOut(): Assembly["leftOut"] {
    const parts: { first: number; last: number }[] = [];
    for (const { state, source } of this.run.lines) {
      if (state !== "left out" || /^\s*(%|$)/.test(source.text)) continue;
      const { line } = source.place;
      const before = parts.at(-1);
      if (before?.last === line - 1) before.last = line;
      else parts.push({ first: line, last: line });
    }
    return parts;
  }

  get settings(): Settings {
    return this.run.preprocessor.settings;
  }

  get statements(): readonly ModeStatement[] {
    return this.run.preprocessor.statements.map(({ source, span, said }) => ({ range: rangeOf(source, span), said }));
  }
}
