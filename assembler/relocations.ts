import type { Encoding } from "../isa/encode.ts";
import type { Item } from "./item.ts";
import { type Relocation, relocationType } from "./output/elf.ts";
import type { ProblemList } from "./problems.ts";
import type { Program } from "./program.ts";
import { Section } from "./section.ts";
import type { Expression, InstructionTree, Span } from "./tree.ts";
import { sectionOf, type Value } from "./value.ts";

/** The expression that the field of an operand is made of. */
export function expressionOf(tree: InstructionTree, field: Encoding["fields"][number]): Expression {
  const operand = tree.operands[field.operand] ?? tree.operands.at(-1)!;
  if (operand.kind === "value") return operand.value;
  if (operand.kind === "memory") return operand.address;
  return field.selector ? operand.selector : operand.offset;
}

/** The section of the symbol in `symbol - $`, where that is another section than the item's. */
export function distantBase({ terms }: Value, { context }: Item): Section | undefined {
  if (terms.length !== 2) return undefined;
  const here = terms.find(({ base, coefficient }) => base === context.section && coefficient === -1n);
  const there = terms.find(({ coefficient }) => coefficient === 1n);
  return here && there?.base instanceof Section ? there.base : undefined;
}

/** What the linker has to add to an object file. */
export class Relocations {
  readonly bySection = new Map<Section, Relocation[]>();
  private readonly program: Program;
  private readonly problems: ProblemList;
  private readonly bits: 32 | 64;

  constructor(program: Program, problems: ProblemList) {
    this.program = program;
    this.problems = problems;
    this.bits = program.format === "elf32" ? 32 : 64;
  }

  private add(item: Item, span: Span, relocation: Relocation): void {
    if (relocationType(relocation, this.bits) === undefined) {
      const message = `An object file of this format has no relocation for ${relocation.bytes} bytes.`;
      this.problems.error("not-relocatable", message, item.source, span);
      return;
    }
    const { section } = item.context;
    const list = this.bySection.get(section) ?? [];
    list.push(relocation);
    this.bySection.set(section, list);
  }

  /** Puts into the fields what the format wants there. */
  fill(contents: ReadonlyMap<Section, Uint8Array>): void {
    for (const [section, list] of this.bySection) {
      const content = contents.get(section)!;
      for (const { addend, at, bytes } of list) {
        let rest = this.bits === 32 ? BigInt.asUintN(64, addend) : 0n;
        for (let n = 0; n < bytes; n++, rest >>= 8n) content[at + n] = Number(rest & 255n);
      }
    }
  }

  /** The fields of an instruction that stands at `offset`, as far as the linker has to know of them. */
  addFields(item: Item, tree: InstructionTree, { bytes, fields }: Encoding, offset: number): void {
    const { section } = item.context;
    for (const field of fields) {
      const operand = tree.operands[field.operand] ?? tree.operands.at(-1)!;
      const value = this.program.evaluate(expressionOf(tree, field));
      const base = sectionOf(value);
      if (!base) {
        if (!field.relative) continue;
        const message = "In an object file, the distance to a constant address is not supported.";
        this.problems.error("not-relocatable", message, item.source, operand);
      } else if (!field.relative || base !== section) {
        const behind = field.relative ? BigInt(bytes.length - field.at) : 0n;
        const addend = value.constant - behind;
        const { relative, signed } = field;
        this.add(item, operand, { at: offset + field.at, bytes: field.bytes, base, addend, relative, signed });
      }
    }
  }

  /** A value of data at `at` in its section. */
  addDatum(item: Item, datum: Expression, unit: number, at: number): void {
    const value = this.program.evaluate(datum);
    const plain = sectionOf(value);
    const base = plain === false ? distantBase(value, item) : plain;
    if (!base || item.context.section.nobits) return;
    const relative = plain === false;
    const addend = relative ? value.constant + BigInt(at) : value.constant;
    this.add(item, datum, { at, bytes: unit, base, addend, relative, signed: false });
  }
}
