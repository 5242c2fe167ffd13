import type { Encoding } from "../isa/encode.ts";
import type { Item } from "./item.ts";
import type { Relocation } from "./output/elf.ts";
import { isExact, namesSymbol, relocationType } from "./output/relocation-types.ts";
import type { ProblemList } from "./problems.ts";
import type { Program } from "./program.ts";
import type { Section } from "./section.ts";
import type { SymbolEntry } from "./symbols.ts";
import type { Expression, InstructionTree, Span } from "./tree.ts";
import { distantBase, sectionOf } from "./value.ts";

/** The expression that the field of an operand is made of. */
export function expressionOf(tree: InstructionTree, field: Encoding["fields"][number]): Expression {
  const operand = tree.operands[field.operand] ?? tree.operands.at(-1)!;
  if (operand.kind === "value") return operand.value;
  if (operand.kind === "memory") return operand.address;
  return field.selector ? operand.selector : operand.offset;
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
      const { bytes, relative, wrt } = relocation;
      const what = `${relative ? "a distance" : "an address"}${wrt ? ` with respect to ${wrt}` : ""} in ${bytes} bytes`;
      this.problems.error(
        "not-relocatable",
        `An object file of this format has no relocation for ${what}.`,
        item.source,
        span,
      );
      return;
    }
    const { section } = item.context;
    const list = this.bySection.get(section) ?? [];
    list.push(relocation);
    this.bySection.set(section, list);
  }

  /** An address in the form that `wrt` wants; undefined if there is none, which is reported. */
  private named(item: Item, span: Span, relocation: Relocation): Relocation | undefined {
    const { base, wrt, at, addend } = relocation;
    if (wrt === "..gotpc" && !relocation.relative) return { ...relocation, addend: addend + BigInt(at) };
    if (!base || !namesSymbol(wrt, this.bits) || base.external) return relocation;
    const behind = relocation.relative ? BigInt(relocation.bytes) : 0n;
    const place = Number(addend + behind);
    const symbol = this.symbolAt(base, place, isExact(wrt, this.bits));
    if (symbol) return { ...relocation, symbol, addend: addend - BigInt(symbol.place!.offset) };
    const message = `“wrt ${wrt}” needs a symbol that other files know: declare it with global.`;
    this.problems.error("not-relocatable", message, item.source, span);
    return undefined;
  }

  /** The global symbol at a place in a section, or the last before it. */
  private symbolAt(section: Section, place: number, exact: boolean): SymbolEntry | undefined {
    let best: SymbolEntry | undefined;
    for (const entry of this.program.known) {
      const offset = entry.binding?.kind === "global" && entry.definition ? entry.place : undefined;
      if (offset?.section !== section || offset.offset > place || (exact && offset.offset !== place)) continue;
      if (!best || offset.offset > best.place!.offset) best = entry;
    }
    return best;
  }

  /** Puts into the fields what the format wants there. */
  fill(contents: ReadonlyMap<Section, Uint8Array>): void {
    for (const [section, list] of this.bySection) {
      const content = contents.get(section)!;
      for (const { addend, at, bytes, cleared = 0 } of list) {
        content.fill(0, at + bytes, at + bytes + cleared);
        let rest = this.bits === 32 ? BigInt.asUintN(64, addend) : 0n;
        for (let n = 0; n < bytes; n++, rest >>= 8n) content[at + n] = Number(rest & 255n);
      }
    }
  }

  /** The fields of an instruction that stands at `offset`, as far as the linker has to know of them. */
  addFields(item: Item, tree: InstructionTree, { bytes, fields }: Encoding, offset: number): void {
    const { section } = item.context;
    for (const { relative, signed, ...field } of fields) {
      const operand = tree.operands[field.operand] ?? tree.operands.at(-1)!;
      const value = this.program.evaluate(expressionOf(tree, { relative, signed, ...field }));
      const base = sectionOf(value) || undefined;
      const { wrt } = value;
      if (relative && base === section && wrt) {
        const message = `“wrt ${wrt}” has no meaning for a place in the same section.`;
        this.problems.error("not-relocatable", message, item.source, operand);
      }
      if (relative ? base === section : !base) continue;
      if (!base && this.bits === 64) {
        const message = "In a 64-bit object file, the distance to a constant address is not supported.";
        this.problems.error("not-relocatable", message, item.source, operand);
        continue;
      }
      const addend = value.constant - (relative ? BigInt(bytes.length - field.at) : 0n);
      const made = this.named(item, operand, {
        at: offset + field.at,
        bytes: field.bytes,
        base,
        symbol: undefined,
        addend,
        relative,
        signed,
        wrt,
      });
      if (made) this.add(item, operand, made);
    }
  }

  /** A value of data at `at` in its section. */
  addDatum(item: Item, datum: Expression, unit: number, at: number): void {
    const value = this.program.evaluate(datum);
    const plain = sectionOf(value);
    const base = plain === false ? distantBase(value, item.context.section) : plain;
    if (!base || item.context.section.nobits) return;
    const relative = plain === false;
    const addend = relative ? value.constant + BigInt(at) : value.constant;
    // A 32-bit address in eight bytes is extended by zeros.
    const bytes = this.bits === 32 && unit === 8 ? 4 : unit;
    const cleared = unit - bytes;
    const shape = { at, bytes, cleared, base, symbol: undefined, addend, relative, signed: false, wrt: value.wrt };
    const made = this.named(item, datum, shape);
    if (made) this.add(item, datum, made);
  }
}
