import type { Bits } from "../isa/operands.ts";
import type { OutputFormat } from "./interface.ts";
import type { Context } from "./item.ts";
import { hasNoBytes } from "./output/elf.ts";
import type { ProblemList } from "./problems.ts";
import { everything, nearConditions, processorName } from "./processors.ts";
import type { ProgramSections } from "./program-sections.ts";
import { type ElfAttributes, Section } from "./section.ts";
import type { SourceLine } from "./source.ts";
import type { DirectiveArgument, Expression, Span, StatementTree } from "./tree.ts";
import { isPowerOfTwo } from "./value.ts";
import { sizeWords } from "./words.ts";

/** What directives may change of the program. */
interface Target {
  readonly sections: ProgramSections;
  readonly problems: ProblemList;
  readonly format: OutputFormat;
  origin: number | undefined;
  critical(expression: Expression, what: string): bigint | undefined;
}

/** One directive at work: reads its arguments and says what is wrong with them. */
interface Work {
  readonly target: Target;
  readonly context: Context;
  readonly word: string;
  readonly list: readonly DirectiveArgument[];
  readonly source: SourceLine;
  wrong(message: string, span?: Span): void;
}

/** `bits`, `org`, `section` and the like: the context for the statements after it. */
export function direct(
  { word, arguments: list }: Extract<StatementTree, { kind: "directive" }>,
  target: Target,
  context: Context,
  source: SourceLine,
): Context {
  const wrong = (message: string, span: Span = word) => target.problems.error("bad-directive", message, source, span);
  return actions[word.text]?.({ target, context, word: word.text, list, source, wrong }) ?? context;
}

const actions: Readonly<Record<string, (work: Work) => Context | undefined>> = {
  bits: setBits,
  use16: useBits,
  use32: useBits,
  use64: useBits,
  org: setOrigin,
  default: setDefault,
  userel: ({ context }) => ({ ...context, relative: true }),
  useabs: ({ context }) => ({ ...context, relative: false }),
  section: enterSection,
  segment: enterSection,
};

/** `use16`, `use32`, `use64`. */
function useBits(work: Work): Context {
  return withBits(work, Number(work.word.slice("use".length)) as Bits);
}

/** The context in a mode, which the processor of `cpu` must have. */
function withBits({ context, wrong }: Work, bits: Bits, span?: Span): Context {
  if ((bits === 64 && context.processor < everything) || (bits === 32 && context.processor < nearConditions))
    wrong(`The ${processorName(context.processor)}, which “cpu” says, has no ${bits}-bit code.`, span);
  return { ...context, bits };
}

function setBits(work: Work): Context | undefined {
  const {
    target,
    list: [argument],
    wrong,
  } = work;
  const bits = argument?.value && target.critical(argument.value, "The argument of bits");
  if (bits === 16n || bits === 32n || bits === 64n) return withBits(work, Number(bits) as Bits, argument);
  if (bits !== undefined) wrong(`“bits” is 16, 32 or 64, not ${bits}.`, argument);
  return undefined;
}

function setOrigin({ target, list: [argument], wrong }: Work): undefined {
  const value = argument?.value && target.critical(argument.value, "The argument of org");
  if (value === undefined) return;
  if (target.format !== "bin") {
    wrong("“org” has no meaning in an object file: the linker gives the addresses.");
    return;
  }
  if (target.origin !== undefined) wrong("The origin is already set by an earlier org.", argument);
  else if (value < 0n || value > 0xffff_ffffn) wrong("The origin is an address from 0 to FFFFFFFFh.", argument);
  else target.origin = Number(value);
}

function setDefault({ context, list, wrong }: Work): Context {
  let { relative } = context;
  for (const argument of list) {
    const word = argument.word?.toLowerCase();
    if (word === "rel" || word === "abs") relative = word === "rel";
    // BND changes nothing since MPX is gone; nasm adds no prefix by itself to what is here.
    else if (word === "nobnd") continue;
    else if (word === "bnd") wrong("“default bnd” is not supported: no processor has MPX any more.", argument);
    else wrong("“default” is followed by rel or abs.", argument);
  }
  if (list.length === 0) wrong("“default” is followed by rel or abs.");
  return { ...context, relative };
}

/** `progbits` and its relatives, and in object files the others. */
const sectionType = /^(progbits|nobits)$/i;
const elfSectionType = /^(progbits|nobits|note|preinit_array|init_array|fini_array)$/i;

function enterSection(work: Work): Context | undefined {
  const { target, context, list, wrong } = work;
  const [name, ...attributes] = list;
  if (!name?.word) {
    wrong("“section” is followed by a name, such as .text, .data or .bss.");
    return undefined;
  }
  const types = target.format === "bin" ? sectionType : elfSectionType;
  const isType = ({ word, value }: DirectiveArgument) => !value && word !== undefined && types.test(word);
  const kind = target.format === "bin" ? attributes.find(isType) : attributes.findLast(isType);
  const nobits = kind?.word?.toLowerCase() === "nobits";
  const known = target.sections.get(name.word);
  const byName = target.format === "bin" && /^\.(text|data|bss)$/.test(name.word);
  const section = known ?? begunSection(work, name.word, kind && !byName ? nobits : isZeros(target, name.word));
  section.definition ??= { source: work.source, span: name };
  const isFirst = !target.sections.isNamed(section);
  target.sections.name(section);
  if (target.format !== "bin") {
    describe(work, section, attributes, isFirst);
    return { ...context, section };
  }
  for (const attribute of attributes) {
    if (!isType(attribute)) sectionAttribute(work, section, attribute);
    else if ((attribute.word?.toLowerCase() === "nobits") !== section.nobits)
      wrong(`The section “${name.word}” began as ${section.nobits ? "nobits" : "progbits"}.`, attribute);
  }
  return { ...context, section };
}

const isZeros = ({ format }: Target, name: string): boolean => (format === "bin" ? name === ".bss" : hasNoBytes(name));

/** `.bss` follows what is last in the file; others what was begun before them. */
function begunSection({ target }: Work, name: string, nobits: boolean): Section {
  const previous = [...target.sections.values()].at(-1);
  return isZeros(target, name) ? new Section(name, nobits) : new Section(name, nobits, previous);
}

/** The most an address of a file may be. */
const highest = 0xffff_ffffn;

function sectionAttribute(work: Work, section: Section, argument: DirectiveArgument): void {
  const { target, source, wrong } = work;
  const { word, value } = argument;
  const attribute = word?.toLowerCase() ?? "";
  const { wishes } = section;
  if (attribute === "follows" || attribute === "vfollows") {
    const name = value?.kind === "symbol" ? value.name : undefined;
    if (name === undefined) wrong(`“${attribute}” needs the name of a section: ${attribute}=.text.`, argument);
    else wishes[attribute] = name;
    combine(work, section, argument);
    return;
  }
  if (!isAttribute(attribute) || !value) {
    const known = "progbits, nobits, start, vstart, align, valign, follows and vfollows";
    target.problems.warning(
      "unknown-attribute",
      `“${word}” is no attribute of a section in a flat binary and has no effect; ${known} are.`,
      source,
      argument,
    );
    return;
  }
  const number = target.critical(value, `The attribute ${attribute} of a section`);
  if (number === undefined) return;
  const aligns = attribute === "align" || attribute === "valign";
  if (aligns && !isPowerOfTwo(number)) wrong("The alignment of a section is a power of two.", value);
  else if (attribute === "align") section.alignTo(Number(number));
  else if (attribute === "valign") wishes.valign = Math.max(wishes.valign ?? 0, Number(number));
  else if (attribute === "start" && (number < 0n || number > highest))
    wrong("The start of a section is an address from 0 to FFFFFFFFh.", value);
  else if ((wishes[attribute] ?? Number(number)) !== Number(number))
    wrong(`The ${attribute} of “${section.name}” is already set, to another address.`, value);
  else wishes[attribute] = Number(number);
  combine(work, section, argument);
}

/** Wishes that exclude each other. */
function combine({ wrong }: Work, { wishes }: Section, argument: DirectiveArgument): void {
  const { start, align, follows, vstart, valign, vfollows } = wishes;
  if (start !== undefined && follows !== undefined) wrong("“start” and “follows” exclude each other.", argument);
  if (vstart !== undefined && vfollows !== undefined) wrong("“vstart” and “vfollows” exclude each other.", argument);
  if (start !== undefined && align !== undefined && start % align !== 0)
    wrong(`The start ${start} is not a multiple of the alignment ${align}.`, argument);
  if (vstart !== undefined && valign !== undefined && vstart % valign !== 0)
    wrong(`The start ${vstart} is not a multiple of the alignment ${valign}.`, argument);
}

/** What the first naming of a section in an object file says of it. Later ones can only align it. */
function describe(work: Work, section: Section, attributes: readonly DirectiveArgument[], isFirst: boolean): void {
  const { target, source } = work;
  let elf: ElfAttributes = { isDescribed: attributes.length > 0 };
  for (const argument of attributes) {
    const word = argument.word?.toLowerCase() ?? "";
    if (word === "align") alignSection(work, section, argument);
    else {
      const change = elfChange(word, argument, work);
      elf = { ...elf, ...change };
      const message = change
        ? `The section “${section.name}” was named before, so “${argument.word}” has no effect.`
        : `“${argument.word}” is no attribute of a section and has no effect.`;
      if (!change || (!isFirst && changes(change, section.elf)))
        target.problems.warning("unknown-attribute", message, source, argument);
    }
  }
  if (isFirst) section.elf = elf;
  const { merge, entry, strings } = section.elf;
  if (isFirst && merge && !entry && !strings)
    work.wrong("“merge” needs the size of an entry, such as dword, or strings.");
}

const changes = (change: ElfAttributes, known: ElfAttributes): boolean =>
  Object.entries(change).some(([key, value]) => known[key as keyof ElfAttributes] !== value);

function alignSection({ target, wrong }: Work, section: Section, { value, ...span }: DirectiveArgument): void {
  const boundary = value && target.critical(value, "The attribute align of a section");
  if (!value) wrong("“align” needs a value: align=16.", span);
  else if (boundary !== undefined && isPowerOfTwo(boundary)) section.alignTo(Number(boundary));
  else if (boundary !== undefined) wrong("The alignment of a section is a power of two.", value);
}

/** What a word says of a section in an object file; undefined if it is none that does. */
function elfChange(word: string, { value }: DirectiveArgument, { target }: Work): ElfAttributes | undefined {
  const [, not, property] = /^(no)?(alloc|exec|write|tls|merge|strings)$/.exec(word) ?? [];
  if (property && !value) return { [property]: !not };
  if (elfSectionType.test(word) && !value) return { type: word as NonNullable<ElfAttributes["type"]> };
  const unit = word === "pointer" ? (target.format === "elf32" ? 4 : 8) : sizeWords[word];
  if (unit === undefined) return undefined;
  const count = value ? target.critical(value, "The number of units in an entry") : 1n;
  return { entry: unit * Number(count ?? 1n), entryAlign: unit };
}

const isAttribute = (word: string): word is "start" | "vstart" | "align" | "valign" =>
  ["start", "vstart", "align", "valign"].includes(word);
