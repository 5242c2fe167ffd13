import { type FloatMode, plainFloat } from "./float.ts";
import type { Context } from "./item.ts";
import { padded, paddingModes } from "./padding.ts";
import { processors } from "./processors.ts";
import type { Program } from "./program.ts";
import { Section } from "./section.ts";
import type { SourceLine } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import { type Binding, type SymbolType, symbolTypes, type Visibility, visibilities } from "./symbols.ts";
import type { DeclaredName, LineTree, StatementTree, Word } from "./tree.ts";
import { isPowerOfTwo } from "./value.ts";

type Declaration = Extract<StatementTree, { kind: "declaration" }>;

/** `global`, `extern`, `common`, `required`, `static`: what other files know of symbols, and what this one of theirs. */
export function declare({ word, names }: Declaration, program: Program, source: SourceLine): void {
  for (const name of names) {
    const entry = program.symbols.entry(name.text);
    program.refersTo(entry, source, name);
    const binding = bindingOf(word.text, name, program, source);
    if (word.text === "static" || word.text === "global") {
      entry.binding ??= binding;
      continue;
    }
    if (word.text === "common" && program.format === "bin") {
      const message = "A flat binary has no common variables; reserve the space with resb.";
      program.problems.error("needs-object-file", message, source, word);
    }
    if (word.text === "common" && !name.size)
      program.problems.error("bad-directive", "“common” needs a name and a size.", source, name);
    if (word.text === "required") entry.mentioned = true;
    if (entry.definition || entry.binding) continue;
    entry.binding = binding;
    entry.predefined = true;
    entry.moveTo(program.sections.external(name.text), 0);
    program.known.push(entry);
  }
}

function bindingOf(word: string, name: DeclaredName, program: Program, source: SourceLine): Binding {
  const { attributes, size, extent } = name;
  const words = attributes.map(({ text }) => text);
  const isCommon = word === "common";
  const ask = (tree: LineTree | undefined, what: string): bigint => {
    const count = isCommon ? tree?.times[0] : undefined;
    return (count && tree && program.ask(count, tree, source, what).value) ?? 0n;
  };
  const boundary = ask(extent, "The boundary of a common variable");
  if (boundary !== 0n && !isPowerOfTwo(boundary))
    program.problems.error("bad-alignment", `The boundary is ${boundary}; it must be a power of two.`, source, extent!);
  return {
    kind: kinds[word] ?? "extern",
    type: words.findLast((one): one is SymbolType => one in symbolTypes) ?? "notype",
    visibility: words.findLast((one): one is Visibility => one in visibilities) ?? "default",
    weak: words.findLast((one) => one === "weak" || one === "strong") === "weak",
    size: Number(ask(size, "The size of a common variable")),
    boundary: Number(boundary),
    extent: isCommon || !extent ? undefined : program.deferred(extent, source),
  };
}

const kinds: Readonly<Record<string, Binding["kind"]>> = { global: "global", static: "static", common: "common" };

/** A section that stands for a symbol of another file. */
export function externalSection(name: string): Section {
  const section = new Section(name, true);
  section.external = true;
  return section;
}

type Option = Extract<StatementTree, { kind: "option" }>;

/** One directive of words at work. */
interface Work {
  readonly words: readonly Word[];
  readonly context: Context;
  readonly program: Program;
  wrong(message: string, word?: Word): void;
}

/** `cpu`, `float`, `[warning …]` and the like: the context after it. */
export function chooseOption(
  { word, words, values }: Option,
  program: Program,
  context: Context,
  source: SourceLine,
): Context {
  const wrong = (message: string, at: Word = words[0] ?? word) =>
    program.problems.error("bad-directive", message, source, at);
  const work = { words: words.filter(({ text }) => text !== ","), context, program, wrong };
  if (word.text === "sectalign") return alignSection(work, values, source);
  if (word.text === "osabi") {
    const [expression] = values?.times ?? [];
    const abi = values && expression && program.ask(expression, values, source, "The argument of osabi").value;
    if (program.format === "bin") wrong("“osabi” is about object files.", word);
    program.abi = Number(abi ?? 0n) & 255;
  }
  return options[word.text]?.(work) ?? context;
}

const options: Readonly<Record<string, (work: Work) => Context | undefined>> = {
  cpu: chooseProcessor,
  float: chooseFloat,
  alignmode: choosePadding,
  // Which warnings are shown, what a listing leaves out and a map file changes no byte.
};

function chooseProcessor({ words, context, wrong }: Work): Context | undefined {
  const name = words.map(({ text }) => text.toLowerCase()).join("");
  const processor = processors.get(name);
  if (processor !== undefined) return { ...context, processor };
  wrong(`There is no processor “${name}”.${didYouMean(name, processors.keys())}`);
  return undefined;
}

const floatWords: Readonly<Record<string, Partial<FloatMode>>> = {
  daz: { daz: true },
  nodaz: { daz: false },
  near: { round: "near" },
  up: { round: "up" },
  down: { round: "down" },
  zero: { round: "zero" },
  default: plainFloat,
};

function chooseFloat({ words, context, wrong }: Work): Context {
  let mode = context.floatMode;
  for (const word of words) {
    const change = floatWords[word.text.toLowerCase()];
    if (change) mode = { ...mode, ...change };
    else wrong(`“float” is followed by ${Object.keys(floatWords).join(", ")}.`, word);
  }
  const plain = mode.daz === plainFloat.daz && mode.round === plainFloat.round;
  return { ...context, floatMode: plain ? plainFloat : mode };
}

function choosePadding({ words: [name, threshold], context, wrong }: Work): Context | undefined {
  const jump = threshold?.text.toLowerCase() === "nojmp" ? -1 : threshold && Number(threshold.text);
  if (jump !== undefined && Number.isNaN(jump)) wrong("The second word of alignmode is a number, or nojmp.", threshold);
  const padding = padded(context.padding, name?.text.toLowerCase() ?? "", jump);
  if (padding) return { ...context, padding };
  wrong(`“alignmode” is followed by ${paddingModes.join(", ")}.`);
  return undefined;
}

/** `sectalign on`, `off` or a boundary. */
function alignSection(
  { words, context, program, wrong }: Work,
  values: LineTree | undefined,
  source: SourceLine,
): Context {
  const word = words.length === 1 ? words[0]!.text.toLowerCase() : "";
  if (word === "on" || word === "off") return { ...context, alignsSection: word === "on" };
  const [expression] = values?.times ?? [];
  const boundary = values && expression && program.ask(expression, values, source, "The boundary of sectalign").value;
  if (boundary === undefined) return context;
  if (isPowerOfTwo(boundary)) context.section.alignTo(Number(boundary));
  else wrong(`The boundary is ${boundary}; it must be a power of two.`);
  return context;
}
