import { decode } from "../isa/decode.ts";
import type { Complaint, Encoding } from "../isa/encode.ts";
import type { Row } from "../isa/instruction.ts";
import type { Bits, Decoded } from "../isa/operands.ts";
import { meaningOf, mnemonics } from "../isa/table.ts";
import { type Datum, dataLength, fillData, isUninitialized, repeat, unitFault } from "./data.ts";
import { floatBytes } from "./float.ts";
import { fileBytes } from "./incbin.ts";
import { encodings } from "./instruction.ts";
import type { Emitted, InstructionMention, MacroCall, Range } from "./interface.ts";
import type { Item } from "./item.ts";
import { measure, paddingOf, prefixBytes } from "./layout.ts";
import { elfObject, type Relocation, relocationType } from "./output/elf.ts";
import { image, type Placement, placeSections } from "./output/flat-binary.ts";
import type { ProblemList } from "./problems.ts";
import type { Program } from "./program.ts";
import { reservedWords } from "./reserved-words.ts";
import { Section } from "./section.ts";
import { rangeOf, type SourceLine } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import type { Expression, InstructionTree, Span, StatementTree, Word } from "./tree.ts";
import { registersOf, resolved, sectionOf, type Value } from "./value.ts";
import { unsupportedWords, wordKinds } from "./words.ts";

/** An instruction's bytes, decoded when someone asks. */
class EmittedInstruction implements Emitted {
  readonly address: number;
  readonly position: number | undefined;
  readonly length: number;
  readonly range: Range;
  readonly bits: Bits;
  readonly expansion: MacroCall | undefined;
  private readonly bytes: Uint8Array;
  private known: Decoded | "none" | undefined;

  constructor(address: number, position: number | undefined, bytes: Uint8Array, range: Range, item: Item) {
    this.address = address;
    this.position = position;
    this.length = bytes.length;
    this.range = range;
    this.bits = item.context.bits;
    this.expansion = item.source.expansion;
    this.bytes = bytes;
  }
  /** Undefined for what can be written but is no instruction: LOCK RET. */
  get decoded(): Decoded | undefined {
    if (this.known === undefined) {
      const decoded = decode(this.bytes, 0, this.bits);
      this.known = typeof decoded === "string" ? "none" : decoded;
    }
    return this.known === "none" ? undefined : this.known;
  }
}

class Mention implements InstructionMention {
  readonly range: Range;
  readonly bits: Bits;
  readonly row: Row | undefined;
  private readonly emitted: EmittedInstruction | undefined;
  private readonly source: SourceLine;
  private readonly word: Word;

  constructor(item: Item, word: Word, range: Range, row: Row | undefined, emitted: EmittedInstruction | undefined) {
    this.source = item.source;
    this.word = word;
    this.range = range;
    this.bits = item.context.bits;
    this.row = row;
    this.emitted = emitted;
  }
  get mnemonic(): string {
    return this.word.text;
  }
  get mnemonicRange(): Range {
    return rangeOf(this.source, this.word);
  }
  get decoded(): Decoded | undefined {
    return this.emitted?.decoded;
  }
}

/** The macro call that the item comes from, if there is one. */
const expansionOf = ({ source: { expansion } }: Item) => (expansion ? { expansion } : {});

/** The statement with its prefixes, without label and `times`. */
function statementSpan({ tree, statement }: Item): Span {
  const word = statement && ("mnemonic" in statement ? statement.mnemonic : statement.word);
  const start = tree.prefixes[0]?.start ?? word?.start ?? tree.start;
  return { start: Math.min(start, word?.start ?? start), end: tree.end };
}

/** Instructions and data items of a program; each is an object that the debugger can ask about. */
const mostEmitted = 4_000_000;

/** The last pass: addresses are final; bytes, mentions and the problems of single statements come out. */
export class Emission {
  readonly emitted: Emitted[] = [];
  readonly mentions: InstructionMention[] = [];
  private readonly program: Program;
  private readonly problems: ProblemList;
  /** Of a flat binary. */
  private readonly placement: Placement | undefined;
  private readonly relocations = new Map<Section, Relocation[]>();
  private readonly contents = new Map<Section, Uint8Array>();

  constructor(program: Program, problems: ProblemList) {
    this.program = program;
    this.problems = problems;
    this.placement = program.format === "bin" ? placeSections(program.sections.values(), program.origin) : undefined;
    for (const section of program.sections.values())
      this.contents.set(section, new Uint8Array(section.nobits ? 0 : section.size));
  }

  /** The flat binary, and the address of its first byte. Says what is wrong with the places of sections. */
  output(file: string): { readonly bytes: Uint8Array; readonly origin: number } {
    const { placement } = this;
    if (!placement) return { bytes: this.object(file), origin: 0 };
    for (const { section, message } of placement.faults) {
      const { source, span } = section.definition ?? {};
      if (source && span) this.problems.error("bad-directive", message, source, span);
    }
    const failed = this.problems.list.some(({ severity }) => severity === "error");
    return { bytes: failed ? new Uint8Array() : image(placement, this.contents), origin: placement.origin };
  }

  private object(file: string): Uint8Array {
    if (this.problems.list.some(({ severity }) => severity === "error")) return new Uint8Array();
    const { program, contents, relocations } = this;
    return elfObject({
      bits: program.format === "elf32" ? 32 : 64,
      file,
      sections: [...program.used],
      contents,
      relocations,
      // What is declared and never used need not be there when the linker looks for it.
      symbols: program.known.filter(({ binding, mentioned }) => binding?.kind !== "extern" || mentioned),
    });
  }

  /** Notes what the linker has to add; the field itself keeps what the format wants there. */
  private relocate(item: Item, span: Span, relocation: Relocation): void {
    const bits = this.program.format === "elf32" ? 32 : 64;
    if (relocationType(relocation, bits) === undefined) {
      const message = `An object file of this format has no relocation for ${relocation.bytes} bytes.`;
      this.problems.error("not-relocatable", message, item.source, span);
      return;
    }
    const { section } = item.context;
    const list = this.relocations.get(section) ?? [];
    list.push(relocation);
    this.relocations.set(section, list);
    const content = this.contents.get(section)!;
    let rest = bits === 32 ? BigInt.asUintN(64, relocation.addend) : 0n;
    for (let n = 0; n < relocation.bytes; n++, rest >>= 8n) content[relocation.at + n] = Number(rest & 255n);
  }

  /** The fields of an instruction that stands at `offset`, as far as the linker has to know of them. */
  private relocateFields(item: Item, tree: InstructionTree, { bytes, fields }: Encoding, offset: number): void {
    const { section } = item.context;
    for (const field of fields) {
      const operand = tree.operands[field.operand] ?? tree.operands.at(-1)!;
      const expression =
        operand.kind === "value"
          ? operand.value
          : operand.kind === "memory"
            ? operand.address
            : field.selector
              ? operand.selector
              : operand.offset;
      const value = this.program.evaluate(expression);
      const base = sectionOf(value);
      if (!base) {
        if (!field.relative) continue;
        const message = "In an object file, the distance to a constant address is not supported.";
        this.problems.error("not-relocatable", message, item.source, operand);
      } else if (!field.relative || base !== section) {
        const behind = field.relative ? BigInt(bytes.length - field.at) : 0n;
        const addend = value.constant - behind;
        const { relative, signed } = field;
        this.relocate(item, operand, { at: offset + field.at, bytes: field.bytes, base, addend, relative, signed });
      }
    }
  }

  /** Emits all items in order. */
  run(): void {
    const { program } = this;
    program.faults = this.problems;
    for (const item of program.items) {
      program.item = item;
      if (this.emitted.length <= mostEmitted) this.item(item);
      else this.problems.error("output-too-large", "The program has too many instructions.", item.source, item.tree);
    }
    program.item = undefined;
  }

  private item(item: Item): void {
    const { statement, tree } = item;
    // Faults of counts and boundaries, now that they are final.
    if (!item.settled && statement?.kind !== "instruction") measure(item, this.program);
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
        if (!item.context.section.nobits && item.length > 0) this.zeroing(item);
        this.note(item, item.length);
        return;
      case "file":
        this.file(item, statement);
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

  /** Writes bytes at the item's place. */
  private bytes(item: Item, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.store(item, item.offset, bytes)) this.note(item, bytes.length);
  }

  private store(item: Item, offset: number, bytes: Uint8Array): boolean {
    const { section } = item.context;
    const target = this.contents.get(section) ?? new Uint8Array();
    if (section.origin) {
      const message = "After absolute, or in a struc, nothing can have bytes; reserve space with resb.";
      this.problems.error("data-in-absolute", message, item.source, item.tree);
    } else if (section.nobits) {
      const message = `“${section.name}” has no bytes in the file: what is written here is lost; reserve space with resb.`;
      this.problems.warning("data-in-nobits", message, item.source, item.tree);
    } else if (offset + bytes.length <= target.length) {
      target.set(bytes, offset);
      return true;
    }
    return false;
  }

  private position(section: Section, offset: number): number | undefined {
    return section.nobits || !this.placement ? undefined : section.load - this.placement.origin + offset;
  }

  private note(item: Item, length: number): void {
    const { section, bits } = item.context;
    if (length === 0) return;
    const range = rangeOf(item.source, statementSpan(item));
    const position = this.position(section, item.offset);
    this.emitted.push({ address: section.start + item.offset, position, length, range, bits, ...expansionOf(item) });
  }

  private zeroing(item: Item): void {
    const message = `Space reserved in ${item.context.section.name} is zeros in the file; in .bss it would take no room.`;
    this.problems.add(
      {
        code: "reserve-in-file",
        severity: "information",
        message,
        range: rangeOf(item.source, statementSpan(item)),
      },
      item.source,
    );
  }

  private constant(item: Item, expression: Expression): void {
    const value = this.program.evaluate(expression);
    const plain = value.terms.length === 0 || (sectionOf(value) !== false && registersOf(value).length === 0);
    if (value.unknown || plain) return;
    const message = "The value of equ is a constant or a label plus a constant.";
    this.problems.error("not-relocatable", message, item.source, expression);
  }

  // Instructions.

  private instruction(item: Item, tree: InstructionTree, mention: boolean): void {
    const range = rangeOf(item.source, statementSpan(item));
    const { section } = item.context;
    const meaning = meaningOf(tree.mnemonic.text);
    const understood = meaning && !item.tree.problems.some(({ severity }) => severity === "error");
    if (!meaning) this.unknownMnemonic(item, tree);
    let first: EmittedInstruction | undefined;
    let row: Row | undefined;
    let offset = item.offset;
    if (understood)
      for (const encoding of encodings(item, tree, this.program)) {
        if (encoding.kind === "refusal") {
          this.complain(item, tree, encoding, "error");
          break;
        }
        for (const warning of encoding.warnings)
          if (!this.isAboutLabel(tree, warning)) this.complain(item, tree, warning, "warning");
        if (
          !item.context.nearConditions &&
          encoding.row.pattern.map === 1 &&
          (encoding.row.pattern.opcode & 0xf0) === 0x80
        ) {
          const message =
            "The target is further than a conditional jump reaches before the 386; nasm would write two jumps, which is not supported.";
          this.problems.error("jump-out-of-range", message, item.source, tree.mnemonic);
        }
        if (this.store(item, offset, encoding.bytes)) {
          if (!this.placement) this.relocateFields(item, tree, encoding, offset);
          const emitted = new EmittedInstruction(
            section.start + offset,
            this.position(section, offset),
            encoding.bytes,
            range,
            item,
          );
          this.emitted.push(emitted);
          first ??= emitted;
        }
        row ??= encoding.row;
        offset += encoding.bytes.length;
      }
    if (understood) this.checkLength(item, offset - item.offset);
    if (mention) this.mentions.push(new Mention(item, tree.mnemonic, range, row, first));
  }

  /** The last pass must agree with the layout, or every address after it would be wrong. */
  private checkLength(item: Item, length: number): void {
    if (length === item.length || this.problems.list.some((problem) => problem.severity === "error")) return;
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

  private complain(item: Item, tree: InstructionTree, complaint: Complaint, severity: "error" | "warning"): void {
    const span = complaint.operand === undefined ? undefined : tree.operands[complaint.operand];
    const place = span ?? { start: statementSpan(item).start, end: endOfStatement(item, tree) };
    this.problems.add(
      {
        code: complaint.code,
        severity,
        message: sentence(complaint.message),
        range: rangeOf(item.source, place),
      },
      item.source,
    );
  }

  private unknownMnemonic(item: Item, { mnemonic }: InstructionTree): void {
    const word = mnemonic.text.toLowerCase();
    const known = unsupportedWords.get(word);
    if (known) this.problems.error("unsupported-word", known, item.source, mnemonic);
    else if (reservedWords.has(word)) {
      const message = `Ringside does not know the instruction “${mnemonic.text}” yet.`;
      this.problems.error("unsupported-instruction", message, item.source, mnemonic);
    } else {
      const hint = didYouMean(mnemonic.text, [...mnemonics, ...wordKinds.keys()]);
      this.problems.error("unknown-mnemonic", `Unknown instruction “${mnemonic.text}”.${hint}`, item.source, mnemonic);
    }
  }

  private align(item: Item, statement: Extract<StatementTree, { kind: "align" }>): void {
    if (item.length === 0) return;
    const padding = paddingOf(item, statement);
    const fill = padding.statement;
    this.program.item = padding;
    padding.length = measure(padding, this.program);
    if (fill?.kind === "instruction") this.instruction(padding, fill, false);
    else if (fill?.kind === "data") this.data(padding, fill);
    else this.note(item, item.length);
  }

  // Data.

  private data(item: Item, { items, unit, word }: Extract<StatementTree, { kind: "data" }>): void {
    if (isUninitialized(items) && item.context.section.nobits) {
      this.note(item, item.length);
      return;
    }
    const once = dataLength(items, unit, this.program);
    const bytes = new Uint8Array(once * item.repeat);
    const relocatable: { datum: Datum; at: number }[] = [];
    const write = (datum: Datum, at: number) => {
      this.datum(item, datum, bytes, at);
      if (!this.placement) relocatable.push({ datum, at });
    };
    fillData(items, unit, this.program, bytes, 0, write, !this.placement);
    repeat(bytes, 0, once, item.repeat);
    if (items.length === 0 && item.tree.problems.length === 0)
      this.problems.warning("no-data", `“${word.text}” without a value stores nothing.`, item.source, word);
    this.bytes(item, bytes);
    for (let n = 0; n < item.repeat && relocatable.length > 0; n++)
      for (const { datum, at } of relocatable) this.relocateDatum(item, datum, item.offset + n * once + at);
  }

  private relocateDatum(item: Item, { item: datum, unit }: Datum, at: number): void {
    if (datum.kind === "string" || datum.kind === "float" || datum.kind === "uninitialized") return;
    const value = this.program.evaluate(datum);
    const plain = sectionOf(value);
    const base = plain === false ? this.distantBase(value, item) : plain;
    if (!base || item.context.section.nobits) return;
    const relative = plain === false;
    const addend = relative ? value.constant + BigInt(at) : value.constant;
    this.relocate(item, datum, { at, bytes: unit, base, addend, relative, signed: false });
  }

  /** The base of `symbol - $`, where the symbol is in another section of an object file. */
  private distantBase({ terms }: Value, { context }: Item): Section | undefined {
    if (this.placement || terms.length !== 2) return undefined;
    const here = terms.find(({ base, coefficient }) => base === context.section && coefficient === -1n);
    const there = terms.find(({ coefficient }) => coefficient === 1n);
    return here && there?.base instanceof Section ? there.base : undefined;
  }

  private datum(item: Item, datum: Datum, bytes: Uint8Array, at: number): void {
    const { item: value, unit } = datum;
    const wrong = unitFault(datum);
    if (wrong) this.problems.error("bad-data-size", wrong.message, item.source, wrong);
    else if (value.kind === "string") bytes.set(value.bytes, at);
    else if (value.kind === "uninitialized") this.zeroing(item);
    else if (value.kind === "float") {
      const { bytes: packed, overflow } = floatBytes(value.text, value.negative, unit);
      const message = `${value.text} is too large for ${unit} bytes and becomes an infinity.`;
      if (overflow) this.problems.warning("value-out-of-range", message, item.source, value);
      bytes.set(packed, at);
    } else this.number(item, value, bytes, at, unit);
  }

  private file(item: Item, statement: Extract<StatementTree, { kind: "file" }>): void {
    const once = fileBytes(item, statement, this.program);
    const bytes = new Uint8Array(once.length * item.repeat);
    bytes.set(item.repeat > 0 ? once : []);
    repeat(bytes, 0, once.length, item.repeat);
    this.bytes(item, bytes);
  }

  private number(item: Item, datum: Expression, bytes: Uint8Array, at: number, unit: number): void {
    const value = this.program.evaluate(datum);
    if (value.unknown) return;
    const fault = (code: string, message: string) => this.problems.error(code, message, item.source, datum);
    if (registersOf(value).length > 0) fault("register-arithmetic", "A register is no constant.");
    else if (sectionOf(value) === false && !this.distantBase(value, item))
      fault("not-relocatable", "This is neither a constant nor a label plus a constant.");
    const final = resolved(value);
    if (value.terms.length === 0 && overflows(final, unit)) {
      const message = `${final} does not fit in ${unit === 1 ? "a byte" : `${unit} bytes`}; its upper bits are dropped.`;
      this.problems.warning("value-out-of-range", message, item.source, datum);
    }
    let rest = BigInt.asUintN(64, final);
    for (let n = 0; n < unit; n++) {
      bytes[at + n] = Number(rest & 255n);
      rest >>= 8n;
    }
  }
}

const endOfStatement = (item: Item, tree: InstructionTree): number =>
  Math.max(tree.mnemonic.end, tree.operands.at(-1)?.end ?? 0) || item.tree.end;

/** A complaint as a sentence of its own. */
const sentence = (text: string): string => {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
};

/** Neither a signed nor an unsigned number of that many bytes. */
function overflows(value: bigint, bytes: number): boolean {
  if (bytes >= 8) return false;
  const bits = BigInt(bytes * 8);
  return value < -(1n << (bits - 1n)) || value >= 1n << bits;
}
