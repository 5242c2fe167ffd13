import type { MacroCall, Range, SymbolDefinition, SymbolReference } from "./interface.ts";
import type { Item } from "./item.ts";
import type { Section } from "./section.ts";
import { rangeOf, type SourceLine } from "./source.ts";
import type { Span } from "./tree.ts";
import { offset, resolved, sameValue, type Value } from "./value.ts";

/** Numbers in ELF symbols. */
export const symbolTypes = { notype: 0, object: 1, data: 1, function: 2 } as const;
export const visibilities = { default: 0, internal: 1, hidden: 2, protected: 3 } as const;
export type SymbolType = keyof typeof symbolTypes;
export type Visibility = keyof typeof visibilities;

/** How `global`, `extern`, `common` or `static` makes a symbol known. */
export interface Binding {
  readonly kind: "global" | "extern" | "common" | "static";
  readonly type: SymbolType;
  readonly visibility: Visibility;
  readonly weak: boolean;
  /** Bytes, and their boundary or 0; of `common` only. */
  readonly size: number;
  readonly boundary: number;
  /** The size of any other symbol, as the count of a `times`; it may use what is defined further down. */
  readonly extent: Item | undefined;
}

/** A label or constant. An entry without `definition` was only mentioned so far. */
export class SymbolEntry {
  readonly name: string;
  kind: "label" | "equ" = "label";
  definition: { readonly source: SourceLine; readonly span: Span } | undefined;
  /** Has a meaning without a definition: `section.NAME.start`, or declared in another file. */
  predefined = false;
  /** An expression uses it. */
  mentioned = false;
  /** A constant that no address has a part in. */
  isFixed = false;
  /** How a declaration makes it known to other files. */
  binding: Binding | undefined;
  private known: Value | undefined;
  private section: Section | undefined;
  private bytes = -1;

  constructor(name: string) {
    this.name = name;
  }

  get isDefined(): boolean {
    return this.definition !== undefined || this.predefined;
  }

  undefinedCopy(): SymbolEntry {
    const copy = new SymbolEntry(this.name);
    copy.known = this.known;
    copy.section = this.section;
    copy.bytes = this.bytes;
    return copy;
  }

  /** The name is free again, and its value unknown. */
  undefine(): void {
    this.definition = undefined;
    this.kind = "label";
    this.isFixed = false;
    this.forget();
  }

  /** As before the first pass. */
  forget(): void {
    this.known = undefined;
    this.section = undefined;
    this.bytes = -1;
  }

  /** Gives a label its place in this pass; true if it moved. */
  moveTo(section: Section, bytes: number): boolean {
    if (this.section === section && this.bytes === bytes) return false;
    this.section = section;
    this.bytes = bytes;
    this.known = undefined;
    return true;
  }

  get value(): Value | undefined {
    // Labels move often and are asked seldom.
    if (!this.section || (this.known && !this.section.origin)) return this.known;
    this.known = offset(this.section, this.bytes);
    return this.known;
  }

  /** The section of a label, and its offset there. */
  get place(): { readonly section: Section; readonly offset: number } | undefined {
    return this.section && { section: this.section, offset: this.bytes };
  }

  /** Offset of a label in a section; undefined if it is not there. */
  offsetIn(section: Section): number | undefined {
    return this.section === section ? this.bytes : undefined;
  }

  /** Gives a constant its value in this pass; true if it changed. */
  assign(value: Value): boolean {
    const old = this.known;
    this.known = value.unknown ? undefined : value;
    return old && this.known ? !sameValue(old, value) : old !== this.known;
  }
}

/** The labels and constants of a program; a name that starts with a dot belongs to the global label before it. */
export class SymbolTable {
  private readonly entries = new Map<string, SymbolEntry>();
  /** The last global label. */
  scope = "";

  /** The name in full: `.loop` after `main:` is `main.loop`. */
  fullName(name: string): string {
    return name[0] === "." && name[1] !== "." ? this.scope + name : name;
  }

  /** The entry of a name as written here, made if it is new. */
  entry(name: string): SymbolEntry {
    const full = this.fullName(name);
    let entry = this.entries.get(full);
    if (!entry) {
      entry = new SymbolEntry(full);
      this.entries.set(full, entry);
    }
    return entry;
  }

  /** The entry of a full name, if there is one. */
  find(fullName: string): SymbolEntry | undefined {
    return this.entries.get(fullName);
  }

  /** Takes over the values of an earlier pass, not the definitions. */
  remember(before: SymbolTable): void {
    for (const entry of before.entries.values()) this.entries.set(entry.name, entry.undefinedCopy());
  }

  /** Called for labels, not for constants: only a label that is no local one opens a scope. */
  enter(name: string): void {
    if (name[0] !== ".") this.scope = name;
  }
}

/** The names of those that are defined. */
export function* namesOf(known: Iterable<SymbolEntry>): Generator<string> {
  for (const { name, definition } of known) if (definition) yield name;
}

/** A label or constant as it is now. */
class Definition implements SymbolDefinition {
  readonly name: string;
  private readonly entry: SymbolEntry;
  private readonly place: { readonly source: SourceLine; readonly span: Span };

  constructor(entry: SymbolEntry, place: { readonly source: SourceLine; readonly span: Span }) {
    this.name = entry.name;
    this.entry = entry;
    this.place = place;
  }
  get kind(): "label" | "equ" {
    return this.entry.kind;
  }
  get value(): bigint | undefined {
    const { value } = this.entry;
    return value && resolved(value);
  }
  get range(): Range {
    return rangeOf(this.place.source, this.place.span);
  }
}

/** The symbols defined by a program, by their full names; `..@` names are not for people. */
export function definitionsOf(known: Iterable<SymbolEntry>): Map<string, SymbolDefinition> {
  const map = new Map<string, SymbolDefinition>();
  for (const entry of known) {
    const definition = definitionOf(entry);
    if (definition) map.set(definition.name, definition);
  }
  return map;
}

export function definitionOf(entry: SymbolEntry | undefined): SymbolDefinition | undefined {
  if (!entry?.definition || entry.name.startsWith("..@")) return undefined;
  return new Definition(entry, entry.definition);
}

/** Only an editor asks where symbols are used. */
export class Reference implements SymbolReference {
  readonly name: string;
  private readonly source: SourceLine;
  private readonly span: Span;

  constructor(name: string, source: SourceLine, span: Span) {
    this.name = name;
    this.source = source;
    this.span = span;
  }
  get range(): Range {
    return rangeOf(this.source, this.span);
  }
  get expansion(): MacroCall | undefined {
    return this.source.expansion;
  }
}
