import type { Bits } from "../isa/operands.ts";
import type { OutputFormat } from "./interface.ts";
import type { Context } from "./item.ts";
import { specialSections } from "./output/elf.ts";
import type { ProblemList } from "./problems.ts";
import { Section } from "./section.ts";
import type { SourceLine } from "./source.ts";
import type { DirectiveArgument, Expression, Span, StatementTree } from "./tree.ts";
import { isPowerOfTwo } from "./value.ts";

/** What directives may change of the program. */
interface Target {
  readonly sections: Map<string, Section>;
  addSection(section: Section): void;
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
function useBits({ context, word }: Work): Context {
  return { ...context, bits: Number(word.slice("use".length)) as Bits };
}

function setBits({ target, context, list: [argument], wrong }: Work): Context | undefined {
  const bits = argument?.value && target.critical(argument.value, "The argument of bits");
  if (bits === 16n || bits === 32n || bits === 64n) return { ...context, bits: Number(bits) as Bits };
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

const isNobits = (word: string | undefined): boolean => word?.toLowerCase() === "nobits";

function enterSection(work: Work): Context | undefined {
  const { target, context, list, wrong } = work;
  const [name, ...attributes] = list;
  if (!name?.word) {
    wrong("“section” is followed by a name, such as .text, .data or .bss.");
    return undefined;
  }
  const kind = attributes.find(({ word, value }) => !value && word && /^(no|prog)bits$/i.test(word));
  const known = target.sections.get(name.word);
  const section = known ?? begunSection(work, name.word, kind ? isNobits(kind.word) : name.word === ".bss");
  if (target.format !== "bin" && specialSections.has(name.word))
    wrong(`The section “${name.word}” is not supported in object files.`, name);
  section.definition ??= { source: work.source, span: name };
  target.addSection(section);
  if (known && kind && isNobits(kind.word) !== section.nobits)
    wrong(`The section “${name.word}” began as ${section.nobits ? "nobits" : "progbits"}.`, kind);
  for (const attribute of attributes) if (attribute !== kind) sectionAttribute(work, section, attribute);
  return { ...context, section };
}

/** `.bss` follows what is last in the file; others what was begun before them. */
function begunSection({ target }: Work, name: string, nobits: boolean): Section {
  const previous = [...target.sections.values()].at(-1);
  return name === ".bss" ? new Section(name, nobits) : new Section(name, nobits, previous);
}

/** The most an address of a file may be. */
const highest = 0xffff_ffffn;

function sectionAttribute({ target, source, wrong }: Work, section: Section, argument: DirectiveArgument): void {
  const { word, value } = argument;
  const attribute = word?.toLowerCase() ?? "";
  const { wishes } = section;
  if (target.format !== "bin" && attribute !== "align") {
    const [, not, property] = /^(no)?(alloc|exec|write)$/.exec(attribute) ?? [];
    if (property && !value) section.elf[property as "alloc"] = !not;
    else wrong(`The section attribute “${word}” is not supported in object files.`, argument);
    return;
  }
  if (attribute === "follows" || attribute === "vfollows") {
    const name = value?.kind === "symbol" ? value.name : undefined;
    if (name === undefined) wrong(`“${attribute}” needs the name of a section: ${attribute}=.text.`, argument);
    else wishes[attribute] = name;
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
  else wishes[attribute] = Number(number);
}

const isAttribute = (word: string): word is "start" | "vstart" | "align" | "valign" =>
  ["start", "vstart", "align", "valign"].includes(word);
