import type { Bits } from "../isa/operands.ts";
import type { Emission } from "./emit.ts";
import type {
  AssembleOptions,
  Assembly,
  Emitted,
  InstructionMention,
  Problem,
  Settings,
  SymbolDefinition,
  SymbolReference,
} from "./interface.ts";
import type { KeptLine } from "./kept-lines.ts";
import type { Preprocessor } from "./preprocess.ts";
import type { ProblemList } from "./problems.ts";
import type { Program } from "./program.ts";
import { rangeOf } from "./source.ts";
import { definitionsOf, Reference } from "./symbols.ts";

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

/** What an assembly gives, each part made when it is first asked for. */
export class ProgramAssembly implements Assembly {
  private readonly run: Run;
  private readonly made: { -readonly [K in keyof Assembly]?: Assembly[K] } = {};

  constructor(run: Run) {
    this.run = run;
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
    this.made.symbols ??= this.allSymbols();
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
    for (const { symbols, tree, source, statement } of program.items) {
      // Of these the program makes more than one item.
      if (statement?.kind === "absolute") continue;
      for (let slot = 0; slot < symbols.length; slot++)
        references.push(new Reference(symbols[slot]!.name, source, tree.symbols[slot]!));
    }
    references.push(...program.references);
    for (const { name, source, span } of preprocessor.references) references.push(new Reference(name, source, span));
    return references;
  }

  get includes(): Assembly["includes"] {
    return this.run.preprocessor.includes.found.map(({ source, span, file }) => ({
      range: rangeOf(source, span),
      file,
    }));
  }

  get settings(): Settings {
    return this.run.preprocessor.settings;
  }
}
