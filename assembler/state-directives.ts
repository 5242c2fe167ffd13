import type { Bits } from "../isa/operands.ts";
import type { Context } from "./item.ts";
import type { ProblemList } from "./problems.ts";
import { Section } from "./section.ts";
import type { SourceLine } from "./source.ts";
import type { DirectiveArgument, Expression, Span, StatementTree } from "./tree.ts";
import { isPowerOfTwo } from "./value.ts";

/** What directives may change of the program. */
interface Target {
  readonly sections: Map<string, Section>;
  readonly problems: ProblemList;
  origin: number | undefined;
  critical(expression: Expression, what: string): bigint | undefined;
}

/** One directive at work: reads its arguments and says what is wrong with them. */
interface Work {
  readonly target: Target;
  readonly context: Context;
  readonly word: string;
  readonly list: readonly DirectiveArgument[];
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
  return actions[word.text]?.({ target, context, word: word.text, list, wrong }) ?? context;
}

const actions: Readonly<Record<string, (work: Work) => Context | undefined>> = {
  bits: setBits,
  use16: useBits,
  use32: useBits,
  use64: useBits,
  org: setOrigin,
  default: setDefault,
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
  if (target.origin !== undefined) wrong("The origin is already set by an earlier org.", argument);
  else if (value < 0n || value > 0xffff_ffffn) wrong("The origin is an address from 0 to FFFFFFFFh.", argument);
  else target.origin = Number(value);
}

function setDefault({ context, list, wrong }: Work): Context {
  let { relative } = context;
  for (const argument of list) {
    const word = argument.word?.toLowerCase();
    if (word === "rel" || word === "abs") relative = word === "rel";
    else wrong("“default” is followed by rel or abs.", argument);
  }
  if (list.length === 0) wrong("“default” is followed by rel or abs.");
  return { ...context, relative };
}

const isNobits = (word: string | undefined): boolean => word?.toLowerCase() === "nobits";

function enterSection({ target, context, list: [name, ...attributes], wrong }: Work): Context | undefined {
  if (!name?.word) {
    wrong("“section” is followed by a name, such as .text, .data or .bss.");
    return undefined;
  }
  const kind = attributes.find(({ word }) => word && /^(no|prog)bits$/i.test(word));
  let section = target.sections.get(name.word);
  if (!section) {
    section = new Section(name.word, kind ? isNobits(kind.word) : name.word === ".bss", 4);
    target.sections.set(name.word, section);
  } else if (kind && isNobits(kind.word) !== section.nobits)
    wrong(`The section “${name.word}” began as ${section.nobits ? "nobits" : "progbits"}.`, kind);
  for (const attribute of attributes) if (attribute !== kind) sectionAttribute({ target, wrong }, section, attribute);
  return { ...context, section };
}

function sectionAttribute(
  { target, wrong }: Pick<Work, "target" | "wrong">,
  section: Section,
  { word, value, ...span }: DirectiveArgument,
): void {
  if (word?.toLowerCase() !== "align" || !value) {
    wrong(`The section attribute “${word}” is not supported; nobits, progbits and align=… are.`, span);
    return;
  }
  const boundary = target.critical(value, "The alignment of a section");
  if (boundary === undefined) return;
  if (isPowerOfTwo(boundary)) section.alignment = Number(boundary);
  else wrong("The alignment of a section is a power of two.", value);
}
