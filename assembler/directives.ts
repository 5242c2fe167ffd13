import type { IToken } from "chevrotain";
import { builtin } from "./builtin.ts";
import { parseText } from "./literals.ts";
import { numberTokens } from "./macro.ts";
import type { Preprocessor } from "./preprocess.ts";
import { readSetting } from "./settings.ts";
import { rangeOf, type SourceLine, withoutComment } from "./source.ts";
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
const rest = ({ source, restStart }: Call): IToken[] => tokenize(source.text).filter((t) => t.startOffset >= restStart);

const restText = ({ source, restStart }: Call): string => withoutComment(source.text).slice(restStart).trim();

const isWord = (t: IToken | undefined): t is IToken => t !== undefined && /^[A-Za-z_?.@]/.test(t.image);

function define(p: Preprocessor, call: Call, anyCase: boolean, expandNow: boolean): Fault {
  const [name, ...after] = rest(call);
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
  const [name, ...expression] = rest(call);
  if (!isWord(name)) return `“%${call.name}” needs a name and a value.`;
  if (expression.length === 0) return `“%${call.name}” needs a value after the name.`;
  const value = p.expression(expression, call.source, "The value of %assign");
  if (value === undefined) return undefined;
  const range = rangeOf(call.source, { start: name.startOffset, end: endOf(name) });
  if (!p.macros.define({ name: name.image, parameters: undefined, body: numberTokens(value), anyCase, range }))
    return `“${name.image}” cannot be both with and without parentheses.`;
  p.definitions.push({ name: name.image, kind: "define", value, range });
  return undefined;
}

function undefine(p: Preprocessor, call: Call): Fault {
  const [name] = rest(call);
  if (!isWord(name)) return "“%undef” needs the name of a macro.";
  p.macros.undefine(name.image);
  return undefined;
}

function bad(p: Preprocessor, call: Call, message: string): void {
  p.problems.error("bad-directive", message, call.source, call.span);
}

/** The truth of an `%if` expression; false if it has none, which was reported. */
const truth = (p: Preprocessor, call: Call): boolean => {
  const tokens = rest(call);
  if (tokens.length === 0) bad(p, call, `“%${call.name}” needs an expression.`);
  return tokens.length > 0 && (p.expression(tokens, call.source, `The condition of %${call.name}`) ?? 0n) !== 0n;
};

/** True if any of the names is a macro. */
const isDefined = (p: Preprocessor, call: Call): boolean => {
  const names = rest(call);
  if (names.length === 0 || !names.every(isWord)) bad(p, call, `“%${call.name}” needs the name of a macro.`);
  for (const name of names)
    if (/^__.*__$/.test(name.image) && !builtin(name.image) && !p.macros.find(name.image)) {
      const at = { start: name.startOffset, end: endOf(name) };
      const message = `Ringside does not know whether nasm defines “${name.image}”; name the macro without underscores.`;
      p.problems.error("unsupported-directive", message, call.source, at);
    }
  for (const name of names) {
    const [macro] = p.macros.find(name.image) ?? [];
    const span = { start: name.startOffset, end: endOf(name) };
    if (macro?.range) p.references.push({ name: macro.name, source: call.source, span });
  }
  return names.some((name) => p.macros.find(name.image) !== undefined || builtin(name.image) !== undefined);
};

function include(p: Preprocessor, call: Call): Fault {
  const [name] = p.expand(rest(call), call.source);
  if (name?.tokenType !== token.Text) return "“%include” needs a file name in quotes.";
  const path = name.image[0] === "`" ? String.fromCharCode(...parseText(name.image)) : name.image.slice(1, -1);
  p.include(path, call.source, { start: name.startOffset, end: endOf(name) });
  return undefined;
}

function message(p: Preprocessor, call: Call, severity: "error" | "warning"): undefined {
  const text = restText(call).replace(/^(["'`])(.*)\1$/, "$2") || `This is a %${call.name} line.`;
  p.problems.add({
    code: severity === "error" ? "user-error" : "user-warning",
    severity,
    message: text,
    range: rangeOf(call.source, wholeLine(call)),
  });
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

const opening = (test: (p: Preprocessor, call: Call) => boolean): Directive => ({
  conditional: true,
  run: (p, call) => p.openConditional(call, () => test(p, call)),
});
const continuing = (test: (p: Preprocessor, call: Call) => boolean, isElse = false): Directive => ({
  conditional: true,
  run: (p, call) => p.continueConditional(call, isElse, () => test(p, call)),
});

/** The directives there are. */
export const directives: Readonly<Record<string, Directive>> = {
  define: { run: (p, call) => define(p, call, false, false) },
  idefine: { run: (p, call) => define(p, call, true, false) },
  xdefine: { run: (p, call) => define(p, call, false, true) },
  ixdefine: { run: (p, call) => define(p, call, true, true) },
  undef: { run: undefine },
  assign: { run: (p, call) => assign(p, call, false) },
  iassign: { run: (p, call) => assign(p, call, true) },
  if: opening(truth),
  ifdef: opening(isDefined),
  ifndef: opening((p, call) => !isDefined(p, call)),
  elif: continuing(truth),
  elifdef: continuing(isDefined),
  elifndef: continuing((p, call) => !isDefined(p, call)),
  else: continuing(() => true, true),
  endif: { conditional: true, run: (p) => p.closeConditional() },
  include: { run: include },
  error: { run: (p, call) => message(p, call, "error") },
  fatal: { run: (p, call) => message(p, call, "error") },
  warning: { run: (p, call) => message(p, call, "warning") },
  pragma: { run: pragma },
};

/** Directives of nasm that Ringside does not know, and where the block that they open ends. */
export const notSupported: ReadonlyMap<string, string> = new Map([
  ["macro", "%endmacro"],
  ["imacro", "%endmacro"],
  ["rmacro", "%endmacro"],
  ["rep", "%endrep"],
  ...["endmacro", "endm", "endrep", "exitrep", "exitmacro", "rotate", "unmacro", "defstr", "deftok", "defalias"].map(
    noBlock,
  ),
  ...["strcat", "strlen", "substr", "pathsearch", "depend", "use", "push", "pop", "repl", "arg", "local"].map(noBlock),
  ...["stacksize", "line", "clear", "undefalias", "idefstr", "ideftok", "require", "null", "aliases"].map(noBlock),
]);

function noBlock(name: string): [string, string] {
  return [name, ""];
}
