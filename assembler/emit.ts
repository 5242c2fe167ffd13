import type { Complaint, Encoding } from "../isa/encode.ts";
import type { Row } from "../isa/instruction.ts";
import { meaningOf } from "../isa/table.ts";
import { complain, reportUnknownMnemonic } from "./complaints.ts";
import { Contents } from "./contents.ts";
import { isUninitialized, repeat } from "./data.ts";
import { putAddresses } from "./dependence.ts";
import { dataBytes, reportZeros } from "./emit-data.ts";
import { type Code, Mention, Part } from "./emitted.ts";
import { fileBytes } from "./incbin.ts";
import { encodings } from "./instruction.ts";
import type { Item } from "./item.ts";
import { isSmart, measure, paddingOf, prefixBytes } from "./layout.ts";
import { limits } from "./limits.ts";
import { elfObject } from "./output/elf.ts";
import { image, type Placement, placeSections } from "./output/flat-binary.ts";
import { paddingBytes } from "./padding.ts";
import type { ProblemList } from "./problems.ts";
import { everything, levelOf, nearConditions, processorName } from "./processors.ts";
import type { Program } from "./program.ts";
import { Relocations } from "./relocations.ts";
import type { Steps } from "./steps.ts";
import type { SymbolEntry } from "./symbols.ts";
import type { Expression, InstructionTree, StatementTree } from "./tree.ts";
import { reportDuplicate } from "./undefined-symbols.ts";
import { offset as offsetValue, registersOf, sameValue, sectionOf } from "./value.ts";

/** Items emitted in one step: some milliseconds. */
const itemsPerStep = 4000;

/** The last pass: addresses are final; bytes, mentions and the problems of single statements come out. */
export class Emission implements Code {
  private readonly program: Program;
  private readonly problems: ProblemList;
  /** Of a flat binary. */
  private placement: Placement | undefined;
  /** Of an object file. */
  private readonly relocations: Relocations | undefined;
  /** What is made of the item at hand. */
  private item: Item | undefined;
  private parts: Part[] = [];
  private count = 0;
  edition = 0;
  private readonly contents = new Contents();
  private byRow: Map<Row, Set<Item>> | undefined;

  constructor(program: Program, problems: ProblemList) {
    this.program = program;
    this.problems = problems;
    this.relocations = program.format === "bin" ? undefined : new Relocations(program, problems);
    this.place();
  }

  /** Reads off where the sections are. */
  private place(): void {
    const { program } = this;
    this.placement = program.format === "bin" ? placeSections(program.sections.values(), program.origin) : undefined;
    for (const section of program.sections.values())
      section.position = section.nobits || !this.placement ? undefined : section.load - this.placement.origin;
  }

  /** Emits all items in order. */
  *steps(): Steps<void> {
    for (const [n, item] of this.program.items.entries()) {
      this.emit(item);
      if (n % itemsPerStep === itemsPerStep - 1) yield;
    }
    this.program.faults = undefined;
    this.reportPlaces();
  }

  /** Emits the items again whose bytes may be others, after the layout was worked out again. */
  rerun(items: Iterable<Item>): void {
    this.edition++;
    this.place();
    for (const item of items) {
      this.emit(item);
      item.edition = this.edition;
    }
    this.program.faults = undefined;
    this.reportPlaces();
  }

  /** Whether any more can be made. */
  get isFull(): boolean {
    return this.count > limits.parts;
  }

  /** Says what is wrong with the places of sections. */
  private reportPlaces(): void {
    this.problems.owner = undefined;
    this.problems.phase = "output";
    for (const { section, message } of this.placement?.faults ?? []) {
      const { source, span } = section.definition ?? {};
      if (source && span) this.problems.error("bad-directive", message, source, span);
    }
  }

  get origin(): number {
    return this.placement?.origin ?? 0;
  }

  /** The flat binary or object file; nothing if there is an error. */
  output(file: string): Uint8Array {
    if (this.problems.hasErrors) return new Uint8Array();
    const { program, placement, relocations } = this;
    const contents = this.contents.of(program, this.edition);
    if (placement) return image(placement, contents);
    relocations?.fill(contents);
    return elfObject({
      bits: program.format === "elf32" ? 32 : 64,
      file,
      sections: program.sections.ofObject,
      contents,
      relocations: relocations?.bySection ?? new Map(),
      // What is declared and never used need not be there when the linker looks for it.
      symbols: program.known.filter(
        ({ binding, definition, mentioned }) => binding?.kind !== "extern" || mentioned || definition,
      ),
      extent: ({ binding }) => (binding?.extent && program.valueOf(binding.extent)) ?? 0n,
      abi: program.abi,
    });
  }

  /** Addresses in the bytes of an item become those of now. */
  refresh(item: Item): void {
    if (item.edition === this.edition) return;
    item.edition = this.edition;
    const bytes = item.parts[0]?.bytes;
    if (bytes) putAddresses(item, bytes, 0);
  }

  /** Items whose row is wanted, in the order of their lines. Known by row from the first question on. */
  itemsOf(wanted: (row: Row) => boolean): Item[] {
    if (!this.byRow) {
      this.byRow = new Map();
      for (const item of this.program.items) this.file(item);
    }
    const found = [...this.byRow].flatMap(([row, items]) => (wanted(row) ? [...items] : []));
    return found.sort((a, b) => a.source.place.line - b.source.place.line);
  }

  private file(item: Item): void {
    const row = item.mention?.row;
    if (!row || !this.byRow) return;
    const items = this.byRow.get(row) ?? new Set();
    this.byRow.set(row, items.add(item));
  }

  /** The item is no more, or no more what it was. */
  drop(item: Item): void {
    const row = item.mention?.row;
    if (row) this.byRow?.get(row)?.delete(item);
  }

  /** Makes the parts of an item, its mention and its problems. */
  emit(item: Item): void {
    this.drop(item);
    const { program, problems } = this;
    problems.owner = item;
    problems.phase = "output";
    program.faults = problems;
    program.item = item;
    this.item = item;
    this.count -= item.parts.length;
    if (this.count > limits.parts)
      problems.error("output-too-large", "The program has too many instructions.", item.source, item.tree);
    else this.statement(item);
    program.item = undefined;
    item.parts = this.parts.length > 0 ? this.parts : noParts;
    item.stored = undefined;
    this.file(item);
    if (this.parts.length > 0) this.parts = [];
  }

  private statement(item: Item): void {
    const { statement, tree } = item;
    // Faults of counts and boundaries, now that they are final.
    if (!item.settled && statement?.kind !== "instruction") measure(item, this.program);
    if (item.again) this.again(item, item.again);
    switch (statement?.kind) {
      case undefined:
        this.bytes(item, Uint8Array.from(prefixBytes(item)));
        return;
      case "instruction":
        this.instruction(item, statement, true);
        return;
      case "data":
        this.data(item, statement);
        return;
      case "reserve":
        if (!item.context.section.nobits && item.length > 0) reportZeros(item, this.problems);
        this.note(item.length);
        return;
      case "file":
        this.binary(item, statement);
        return;
      case "align":
        this.align(item, statement);
        return;
      case "equ":
        if (!tree.label) this.problems.error("syntax", "“equ” needs a name before it.", item.source, statement.word);
        this.constant(item, statement.value);
        return;
    }
  }

  private bytes(item: Item, bytes: Uint8Array): void {
    if (bytes.length > 0 && this.holds(item, item.offset, bytes.length)) this.note(bytes.length, bytes);
  }

  /** Whether the item's section takes bytes at an offset. */
  private holds(item: Item, offset: number, length: number): boolean {
    const { section } = item.context;
    if (section.origin) {
      const message = "After absolute, or in a struc, nothing can have bytes; reserve space with resb.";
      this.problems.error("data-in-absolute", message, item.source, item.tree);
    } else if (section.nobits) {
      const message = `“${section.name}” has no bytes in the file: what is written here is lost; reserve space with resb.`;
      this.problems.warning("data-in-nobits", message, item.source, item.tree);
    } else return offset + length <= section.size;
    return false;
  }

  /** The whole item is one part. */
  private note(length: number, bytes?: Uint8Array): void {
    if (length > 0) this.add(new Part(this.item!, 0, length, bytes));
  }

  private add(part: Part): Part {
    this.parts.push(part);
    this.count++;
    return part;
  }

  private constant(item: Item, expression: Expression): void {
    const value = this.program.evaluate(expression);
    const plain = value.terms.length === 0 || (sectionOf(value) !== false && registersOf(value).length === 0);
    if (value.unknown || plain) return;
    const message = "The value of equ is a constant or a label plus a constant.";
    this.problems.error("not-relocatable", message, item.source, expression);
  }

  /** A label that is defined again must have the same value. */
  private again(item: Item, label: SymbolEntry): void {
    const { statement, source, tree, context } = item;
    const value =
      statement?.kind === "equ" ? this.program.evaluate(statement.value) : offsetValue(context.section, item.offset);
    if (label.value && sameValue(label.value, value)) return;
    reportDuplicate(label, source, tree.label!, this.problems);
  }

  // Instructions.

  private instruction(item: Item, tree: InstructionTree, mention: boolean): void {
    const meaning = meaningOf(tree.mnemonic.text);
    const understood = meaning && !item.tree.problems.some(({ severity }) => severity === "error");
    if (!meaning) reportUnknownMnemonic(item, tree, this.problems);
    let first: Part | undefined;
    let row: Row | undefined;
    const start = item.offset;
    let offset = start;
    if (understood)
      for (const encoding of encodings(item, tree, this.program)) {
        if (encoding.kind === "refusal") {
          // A name that is not defined is said so, and could be anything.
          if (item.symbols.every(({ isDefined }) => isDefined)) complain(item, tree, encoding, "error", this.problems);
          break;
        }
        this.warn(item, tree, encoding);
        const { length } = encoding.bytes;
        if (this.holds(item, offset, length)) {
          this.relocations?.addFields(item, tree, encoding, offset);
          const part = this.add(new Part(this.item!, offset - start, length, encoding.bytes, this, encoding.fields));
          first ??= part;
        }
        row ??= encoding.row;
        offset += length;
      }
    if (understood) this.checkLength(item, offset - start);
    if (mention) item.mention = new Mention(item, tree.mnemonic, row, first);
  }

  private warn(item: Item, tree: InstructionTree, { warnings, row }: Encoding): void {
    for (const warning of warnings)
      if (!this.isAboutLabel(tree, warning)) complain(item, tree, warning, "warning", this.problems);
    if (item.context.processor < everything) this.checkProcessor(item, tree, row);
  }

  /** What `cpu` does not have. */
  private checkProcessor(item: Item, { mnemonic }: InstructionTree, row: Row): void {
    const { pattern } = row;
    const { processor } = item.context;
    const isNearCondition = pattern.map === 1 && (pattern.opcode & 0xf0) === 0x80;
    if (isNearCondition && processor < nearConditions) {
      const message =
        "The target is further than a conditional jump reaches before the 386; nasm would write two jumps, which is not supported.";
      this.problems.error("jump-out-of-range", message, item.source, mnemonic);
      return;
    }
    const level = levelOf(row);
    if (level <= processor) return;
    const first = level === everything ? "a later one" : `the ${processorName(level)}`;
    const message = `${row.mnemonic.toUpperCase()} with these operands is not in the ${processorName(processor)}, which “cpu” says; ${first} brought it.`;
    this.problems.error("wrong-processor", message, item.source, mnemonic);
  }

  /** The last pass must agree with the layout, or every address after it would be wrong. */
  private checkLength(item: Item, length: number): void {
    if (length === item.length || this.problems.hasErrors) return;
    const message = "The size of this statement could not be settled.";
    this.problems.error("unstable-size", message, item.source, item.tree);
  }

  /** An address cut to its field is no mistake of this statement: nasm says nothing either. */
  private isAboutLabel(tree: InstructionTree, { code, operand }: Complaint): boolean {
    if (code !== "value-out-of-range" || operand === undefined) return false;
    const written = tree.operands[operand];
    const expression =
      written?.kind === "value" ? written.value : written?.kind === "memory" ? written.address : undefined;
    return expression !== undefined && sectionOf(this.program.evaluate(expression)) !== undefined;
  }

  private align(item: Item, statement: Extract<StatementTree, { kind: "align" }>): void {
    if (item.repeat === 0) return;
    const { bits, padding: mode } = item.context;
    if (mode && isSmart(item, statement)) {
      this.bytes(item, paddingBytes(mode, bits, item.length));
      return;
    }
    const padding = paddingOf(item, statement);
    const fill = padding.statement;
    this.program.item = padding;
    padding.length = measure(padding, this.program);
    if (fill?.kind === "instruction") this.instruction(padding, fill, false);
    else if (fill?.kind === "data") this.data(padding, fill);
    else this.note(item.length);
  }

  // Data.

  private data(item: Item, statement: Extract<StatementTree, { kind: "data" }>): void {
    if (isUninitialized(statement.items) && item.context.section.nobits) {
      this.note(item.length);
      return;
    }
    const { relocations, program, problems } = this;
    const relocate =
      relocations &&
      ((datum: Expression, unit: number, at: number) => relocations.addDatum(item, datum, unit, item.offset + at));
    this.bytes(item, dataBytes(item, statement, program, problems, relocate));
  }

  private binary(item: Item, statement: Extract<StatementTree, { kind: "file" }>): void {
    const once = fileBytes(item, statement, this.program);
    const bytes = new Uint8Array(once.length * item.repeat);
    bytes.set(item.repeat > 0 ? once : []);
    repeat(bytes, 0, once.length, item.repeat);
    this.bytes(item, bytes);
  }
}

const noParts: readonly Part[] = [];
