import { externalSection } from "./declarations.ts";
import type { OutputFormat } from "./interface.ts";
import { placeSections } from "./output/flat-binary.ts";
import { Section } from "./section.ts";
import type { SymbolTable } from "./symbols.ts";

/** The section that is there from the beginning. */
const first = ".text";

/** The sections of a program, and which of them it names and writes to. */
export class ProgramSections {
  readonly #all: Map<string, Section>;
  readonly #format: OutputFormat;
  readonly #symbols: SymbolTable;
  /** Those that were named or written to, in that order. */
  readonly #used = new Set<Section>();
  /** Those that were named, in that order. */
  readonly #named = new Set<Section>();
  readonly #externals: Map<string, Section>;

  /** `before`: those of an earlier pass over the same program, whose objects are the same in every pass. */
  constructor(before: ProgramSections | undefined, format: OutputFormat, symbols: SymbolTable) {
    this.#format = format;
    this.#symbols = symbols;
    this.#externals = before ? before.#externals : new Map();
    this.#all = before ? before.#all : new Map([[first, new Section(first, false)]]);
    this.#know(this.first);
  }

  get first(): Section {
    return this.#all.get(first)!;
  }

  get(name: string): Section | undefined {
    return this.#all.get(name);
  }

  values(): MapIterator<Section> {
    return this.#all.values();
  }

  isNamed(section: Section): boolean {
    return this.#named.has(section);
  }

  /** It is named in the source: its places are symbols from here on. */
  name(section: Section): void {
    this.#named.add(section);
    this.#used.add(section);
    this.#know(section);
  }

  /** Something is put into it. */
  use(section: Section): void {
    this.#used.add(section);
  }

  #know(section: Section): void {
    this.#all.set(section.name, section);
    if (this.#format !== "bin") return;
    const places = { start: section.loadMark, vstart: section };
    for (const [place, base] of Object.entries(places)) {
      const entry = this.#symbols.entry(`section.${section.name}.${place}`);
      entry.predefined = true;
      entry.moveTo(base, 0);
    }
  }

  /** Addresses of all, as far as their sizes are known. In an object file they all count from 0. */
  place(origin: number | undefined): void {
    if (this.#format === "bin") placeSections(this.values(), origin);
    else for (const section of this.values()) section.place(0, 0);
  }

  /** Those of an object file: in the order in which they are named; last .text, if it is only written to. */
  get ofObject(): Section[] {
    return [...this.#named, ...[...this.#used].filter((section) => !this.#named.has(section))];
  }

  /** The base of a symbol of another file. */
  external(name: string): Section {
    const known = this.#externals.get(name) ?? externalSection(name);
    this.#externals.set(name, known);
    return known;
  }

  /** They are empty again. */
  clear(): void {
    for (const section of this.values()) section.size = 0;
  }
}
