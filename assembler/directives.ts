import type { IToken } from "chevrotain";
import { parseText } from "./literals.ts";
import { numberTokens, spaced, tokensText } from "./macro.ts";
import { arityOf, greedyTexts, splitArguments } from "./multi-macro.ts";
import type { Preprocessor } from "./preprocess.ts";
import { charactersOf } from "./quote.ts";
import { readSetting } from "./settings.ts";
import { rangeOf, type SourceLine, withoutComment } from "./source.ts";
import { textDirectives } from "./text-directives.ts";
import * as token from "./tokens.ts";
import { endOf, tokenize } from "./tokens.ts";
import type { Span } from "./tree.ts";

/** A preprocessor directive at its place. */
export interface Call {
  /** Lower case, without `%`. */
  readonly name: string;
  readonly span: Span;
  /** Column after the name. */
  readonly restStart: number;
  readonly source: SourceLine;
}

/** What is wrong with the directive itself, as a sentence; undefined if nothing is. */
type Fault = string | undefined;

interface Directive {
  /** Acts even where lines are left out. */
  readonly conditional?: true;
  readonly run: (preprocessor: Preprocessor, call: Call) => Fault;
}

/** The tokens after the directive's name, at their columns. */
export const restTokens = ({ source, restStart }: Call): IToken[] =>
  spaced(tokenize(source.text)).filter((t) => t.startOffset >= restStart);

const restText = ({ source, restStart }: Call): string => withoutComment(source.text).slice(restStart).trim();

const isWord = (t: IToken | undefined): t is IToken => t !== undefined && /^[A-Za-z_?.@]/.test(t.image);

function define(p: Preprocessor, call: Call, anyCase: boolean, expandNow: boolean): Fault {
  const [name, ...after] = restTokens(call);
  if (!isWord(name)) return `“%${call.name}” needs a name.`;
  let parameters: string[] | undefined;
  let body = after;
  // Parameters follow the name without a space.
  if (after[0]?.tokenType === token.Open && after[0].startOffset === endOf(name)) {
    const close = after.findIndex((t) => t.tokenType === token.Close);
    const list = after.slice(1, close);
    parameters = list.filter(isWord).map((t) => t.image);
    const commas = list.filter((t) => t.tokenType === token.Comma).length;
    if (
      close < 0 ||
      parameters.length + commas !== list.length ||
      (list.length > 0 && commas !== parameters.length - 1)
    )
      return "The parameters of a macro are names with commas between them, in parentheses.";
    body = after.slice(close + 1);
  }
  const range = rangeOf(call.source, { start: name.startOffset, end: endOf(name) });
  const macro = { name: name.image, parameters, body: expandNow ? p.expand(body, call.source) : body, anyCase, range };
  if (!p.macros.define(macro)) return `“${name.image}” cannot be both with and without parentheses.`;
  p.definitions.push({ name: name.image, kind: "define", value: constantOf(macro.body), range });
  return undefined;
}

function constantOf(body: readonly IToken[]): bigint | undefined {
  const [only] = body;
  const text = body.length === 1 && only!.tokenType === token.Digits ? only!.image : "";
  return /^(0x[\da-f]+|\d+)$/i.test(text) ? BigInt(text) : undefined;
}

function assign(p: Preprocessor, call: Call, anyCase: boolean): Fault {
  const [name, ...expression] = restTokens(call);
  if (!isWord(name)) return `“%${call.name}” needs a name and a value.`;
  if (expression.length === 0) return `“%${call.name}” needs a value after the name.`;
  const value = p.expression(expression, call.source, "The value of %assign");
  if (value === undefined) return undefined;
  return defineText(p, call, name, numberTokens(value), anyCase);
}

function undefine(p: Preprocessor, call: Call): Fault {
  const [name] = restTokens(call);
  if (!isWord(name)) return "“%undef” needs the name of a macro.";
  p.macros.undefine(name.image);
  return undefined;
}

function include(p: Preprocessor, call: Call): Fault {
  const [name] = p.expand(restTokens(call), call.source);
  if (name?.tokenType !== token.Text) return "“%include” needs a file name in quotes.";
  const path = name.image[0] === "`" ? charactersOf(parseText(name.image)) : name.image.slice(1, -1);
  p.include(path, call.source, { start: name.startOffset, end: endOf(name) });
  return undefined;
}

function message(p: Preprocessor, call: Call, severity: "error" | "warning"): undefined {
  const text = restText(call).replace(/^(["'`])(.*)\1$/, "$2") || `This is a %${call.name} line.`;
  const code = severity === "error" ? "user-error" : "user-warning";
  p.problems.add({ code, severity, message: text, range: rangeOf(call.source, wholeLine(call)) }, call.source);
}

const wholeLine = ({ source, span }: Call): Span => ({
  start: span.start,
  end: withoutComment(source.text).trimEnd().length,
});

function pragma(p: Preprocessor, call: Call): undefined {
  const [, who, what = ""] = /^(\S+)\s*(.*)$/.exec(restText(call)) ?? [];
  if (who?.toLowerCase() !== "ringside") return;
  const setting = readSetting(what);
  if (typeof setting === "string") p.problems.error("bad-setting", setting, call.source, wholeLine(call));
  else p.settings = { ...p.settings, ...setting };
}

/** `%strlen` and the like. */
function text(p: Preprocessor, call: Call, make: (typeof textDirectives)[string], anyCase: boolean): Fault {
  const [name, ...tokens] = restTokens(call);
  if (!isWord(name)) return `“%${call.name}” needs a name.`;
  const body = make(p, call, tokens);
  if (typeof body === "string") return body;
  return defineText(p, call, name, body, anyCase);
}

function defineText(p: Preprocessor, call: Call, name: IToken, body: readonly IToken[], anyCase: boolean): Fault {
  const range = rangeOf(call.source, { start: name.startOffset, end: endOf(name) });
  if (!p.macros.define({ name: name.image, parameters: undefined, body, anyCase, range }))
    return `“${name.image}” cannot be both with and without parentheses.`;
  p.definitions.push({ name: name.image, kind: "define", value: constantOf(body), range });
  return undefined;
}

// Blocks.

const macroWords = ["macro", "imacro", "rmacro", "irmacro"];

function openMacro(p: Preprocessor, call: Call): Fault {
  const finishing = { opening: macroWords, closing: ["endmacro", "endm"] };
  // Listings do not concern Ringside.
  const source = { ...call.source, text: call.source.text.replace(/(?<=[\d*+\s])\.nolist\b/i, "       ") };
  const [name, ...header] = p.expand(restTokens({ ...call, source }), call.source);
  const arity = arityOf(header);
  if (!isWord(name) || !arity) {
    p.openBlock({ ...finishing, finish: () => {} }, call);
    return `“%${call.name}” needs a name and a number of parameters, such as 2, 1-3, 0-* or 1+.`;
  }
  const { used, ...parameters } = arity;
  const after = header.slice(used);
  const defaults = splitArguments(after);
  const head = {
    ...parameters,
    name: name.image,
    anyCase: call.name.startsWith("i"),
    recursive: call.name.endsWith("rmacro"),
    defaults: arity.greedy ? greedyTexts(after, defaults, arity.most - arity.least) : defaults.map(tokensText),
    range: rangeOf(call.source, { start: name.startOffset, end: endOf(name) }),
  };
  const finish = (body: readonly SourceLine[]) => {
    const takesLabel = body.some(({ text: line }) => /%\{?00/.test(line));
    p.multi.define({ ...head, body, takesLabel });
    p.definitions.push({ name: head.name, kind: "define", value: undefined, range: head.range });
  };
  p.openBlock({ ...finishing, finish }, call);
  return undefined;
}

function openRepetition(p: Preprocessor, call: Call): Fault {
  const tokens = restTokens(call);
  const noList = tokens.at(-1)?.image.toLowerCase() === ".nolist" ? 1 : 0;
  const expression = tokens.slice(0, tokens.length - noList);
  const count = expression.length > 0 ? p.expression(expression, call.source, "The count of %rep") : undefined;
  const finish = (lines: readonly SourceLine[]) => p.repeat(lines, count ?? 0n, call);
  p.openBlock({ opening: ["rep"], closing: ["endrep"], finish }, call);
  return expression.length === 0 ? "“%rep” needs a count." : undefined;
}

const closing =
  (opening: string): Directive["run"] =>
  () =>
    `There is no %${opening} before this.`;

function forgetMacro(p: Preprocessor, call: Call): Fault {
  const [name, ...header] = p.expand(restTokens(call), call.source);
  const arity = arityOf(header);
  if (!isWord(name) || !arity) return "“%unmacro” needs the name of a macro and its number of parameters.";
  p.multi.undefine(name.image, arity);
  return undefined;
}

function rotate(p: Preprocessor, call: Call): Fault {
  const { invocation } = p.expansions;
  if (!invocation) return "“%rotate” has a meaning only inside a macro.";
  const value = p.expression(restTokens(call), call.source, "The argument of %rotate");
  const count = invocation.parameters.length;
  if (value !== undefined && count > 0)
    invocation.rotation = Number((BigInt(invocation.rotation) + value) % BigInt(count));
  return undefined;
}

/** The name after `%push`, `%pop` or `%repl`, if there is one. */
const contextName = (call: Call): string | undefined => restTokens(call)[0]?.image;

/** The directives there are. */
export const directives: Readonly<Record<string, Directive>> = {
  define: { run: (p, call) => define(p, call, false, false) },
  idefine: { run: (p, call) => define(p, call, true, false) },
  xdefine: { run: (p, call) => define(p, call, false, true) },
  ixdefine: { run: (p, call) => define(p, call, true, true) },
  undef: { run: undefine },
  assign: { run: (p, call) => assign(p, call, false) },
  iassign: { run: (p, call) => assign(p, call, true) },
  else: { conditional: true, run: (p, call) => p.conditionals.continue(call, true, () => true) },
  endif: { conditional: true, run: (p) => p.conditionals.end() },
  include: { run: include },
  error: { run: (p, call) => message(p, call, "error") },
  fatal: {
    run: (p, call) => {
      message(p, call, "error");
      p.stopped = true;
      return undefined;
    },
  },
  warning: { run: (p, call) => message(p, call, "warning") },
  pragma: { run: pragma },
  ...Object.fromEntries(macroWords.map((word) => [word, { run: openMacro }])),
  endmacro: { run: closing("macro") },
  endm: { run: closing("macro") },
  unmacro: { run: forgetMacro },
  rotate: { run: rotate },
  exitmacro: {
    run: (p) => (p.expansions.exit("macro") ? undefined : "“%exitmacro” has a meaning only inside a macro."),
  },
  rep: { run: openRepetition },
  endrep: { run: closing("rep") },
  exitrep: { run: (p) => (p.expansions.exit("rep") ? undefined : "“%exitrep” has a meaning only inside %rep.") },
  push: { run: (p, call) => p.contexts.push(contextName(call), p.unique()) },
  pop: { run: (p, call) => p.contexts.pop(contextName(call)) },
  repl: { run: (p, call) => p.contexts.replace(contextName(call)) },
  null: { run: () => undefined },
  ...Object.fromEntries(
    Object.entries(textDirectives).flatMap(([name, make]) => [
      [name, { run: (p: Preprocessor, call: Call) => text(p, call, make, false) }],
      [`i${name}`, { run: (p: Preprocessor, call: Call) => text(p, call, make, true) }],
    ]),
  ),
};

/** Directives of nasm that Ringside does not know, and where the block that they open ends. */
export const notSupported: ReadonlyMap<string, string> = new Map(
  "defalias undefalias aliases clear pathsearch depend use arg local stacksize line require".split(" ").map(noBlock),
);

function noBlock(name: string): [string, string] {
  return [name, ""];
}
