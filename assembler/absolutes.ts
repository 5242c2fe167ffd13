import { Item } from "./item.ts";
import type { Measure, Program } from "./program.ts";
import { Section } from "./section.ts";
import type { SourceLine } from "./source.ts";
import { OpenStructures } from "./structures.ts";
import type { Expression, LineTree, StatementTree } from "./tree.ts";
import { number, registersOf, sectionOf } from "./value.ts";

type StructureTree = Extract<StatementTree, { kind: "absolute" | "structure" | "member" }>;

/** `absolute`, and structures, each of whose words stands for lines: what has no bytes, and where the program goes on after it. */
export class Absolutes {
  readonly #program: Program;
  /** What follows each `absolute`, in order; the same objects in every pass. */
  readonly #sections: Section[] = [];
  readonly #before: readonly Section[];
  readonly #structures = new OpenStructures();
  /** Where `endstruc` returns to: the last `section`, or the last `absolute` from its beginning. */
  home: Section | { readonly tree: LineTree; readonly source: SourceLine };

  /** `before`: those of an earlier pass over the program. */
  constructor(program: Program, before: Absolutes | undefined) {
    this.#program = program;
    this.#before = before ? before.#sections : [];
    this.home = program.context.section;
  }

  read(statement: StructureTree, tree: LineTree, source: SourceLine, measure: Measure): void {
    if (statement.kind === "absolute") {
      this.#enter(tree, source, measure);
      this.home = { tree, source };
      return;
    }
    const { word } = statement;
    const lines = this.#structures.lines(statement, tree);
    if (typeof lines === "string") {
      this.#program.problems.error("bad-directive", lines, source, word);
      return;
    }
    if (word.text === "struc" && statement.kind === "structure") {
      const origin = statement.origin ?? { kind: "number", value: 0n, start: word.start, end: word.end };
      this.#enter({ ...tree, statement: { kind: "absolute", word, origin } }, source, measure);
    }
    for (const line of lines) this.#program.add(line, source, measure);
    if (word.text === "endstruc") this.#returnHome(measure);
  }

  #returnHome(measure: Measure): void {
    const { home } = this;
    const program = this.#program;
    if (home instanceof Section) {
      program.sections.name(home);
      program.context = { ...program.context, section: home };
    } else this.#enter(home.tree, home.source, measure);
  }

  /** The statement of `tree` is an `absolute`: from here on nothing has bytes, and labels count from its value. */
  #enter(tree: LineTree, source: SourceLine, measure: Measure): void {
    const program = this.#program;
    const section = this.#before[this.#sections.length] ?? new Section("absolute", true);
    section.origin ??= number(0n);
    this.#sections.push(section);
    program.context = { ...program.context, section };
    const symbols = tree.symbols.map((use) => program.symbols.entry(use.name));
    const item = new Item({ ...tree, label: undefined }, source, program.context, undefined, symbols);
    program.items.push(item);
    program.place(item, measure);
  }

  /** Gives what follows an `absolute` its beginning in this pass. */
  place(item: Item, expression: Expression): void {
    const program = this.#program;
    const { section } = item.context;
    section.size = 0;
    const value = program.criticalValue(expression, "The argument of absolute");
    const plain = value && registersOf(value).length === 0 && sectionOf(value) !== false;
    if (value && !plain) program.problems.error("not-relocatable", "This is no address.", item.source, expression);
    const origin = value && plain ? value : number(0n);
    if (section.origin?.constant !== origin.constant || sectionOf(section.origin) !== sectionOf(origin))
      program.changed = item;
    section.origin = origin;
  }
}
