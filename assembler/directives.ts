import { defineText, definitionDirectives } from "./definitions.ts";
import { type Call, type Directive, type Fault, isWord, restText, restTokens } from "./directive.ts";
import { fileDirectives } from "./file-directives.ts";
import { frameDirectives } from "./frames.ts";
import type { Settings } from "./interface.ts";
import { arityOf, greedyTexts, splitArguments } from "./multi-macro.ts";
import { lineDirectives } from "./numbering.ts";
import type { Preprocessor } from "./preprocess.ts";
import { readSetting } from "./settings.ts";
import { rangeOf, type SourceLine, withoutComment } from "./source.ts";
import { textDirectives } from "./text-directives.ts";
import { endOf } from "./tokens.ts";
import type { Span } from "./tree.ts";

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
  else settle(p, call, setting);
}

/** A guest starts in the mode that is named first; a later one is about the code that follows it. */
function settle(p: Preprocessor, call: Call, setting: Settings): void {
  const { mode = setting.mode } = p.settings;
  p.settings = { ...p.settings, ...setting, ...(mode && { mode }) };
  if (setting.mode || setting.cpl !== undefined)
    p.statements.push({ source: call.source, span: wholeLine(call), said: setting });
}

/** `%strlen` and the like. */
function text(p: Preprocessor, call: Call, make: (typeof textDirectives)[string], anyCase: boolean): Fault {
  const [name, ...tokens] = restTokens(call);
  if (!isWord(name)) return `“%${call.name}” needs a name.`;
  const body = make(p, call, tokens);
  if (typeof body === "string") return body;
  return defineText(p, call, name, body, anyCase);
}

// Blocks.

const macroWords = ["macro", "imacro", "rmacro", "irmacro"];

/** The call without `.nolist`, which changes no byte. */
const withoutListing = (call: Call): Call => ({
  ...call,
  source: { ...call.source, text: call.source.text.replace(/(?<=[\d*+\s])\.nolist\b/i, "       ") },
});

function openMacro(p: Preprocessor, call: Call): Fault {
  const finishing = { opening: macroWords, closing: ["endmacro", "endm"] };
  const [name, ...header] = p.expand(restTokens(withoutListing(call)), call.source);
  const arity = arityOf(header);
  if (!isWord(name) || !arity) {
    p.openBlock({ ...finishing, finish: () => {} }, call);
    return `“%${call.name}” needs a name and a number of parameters, such as 2, 1-3, 0-* or 1+.`;
  }
  const { used, ...parameters } = arity;
  const after = header.slice(used);
  const range = rangeOf(call.source, { start: name.startOffset, end: endOf(name) });
  const defaults = splitArguments(after);
  const head = {
    ...parameters,
    name: name.image,
    anyCase: call.name.startsWith("i"),
    recursive: call.name.endsWith("rmacro"),
    defaults: arity.greedy ? greedyTexts(after, defaults, arity.most - arity.least) : defaults,
    range,
  };
  const finish = (body: readonly SourceLine[]) => {
    const takesLabel = body.some(({ text: line }) => /%\{?00/.test(line));
    p.multi.define({ ...head, body, takesLabel });
    p.definitions.push({ name: head.name, kind: "define", isMultiLine: true, value: undefined, range });
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
  const [name, ...header] = p.expand(restTokens(withoutListing(call)), call.source);
  const arity = arityOf(header);
  if (!isWord(name) || !arity) return `“%${call.name}” needs the name of a macro and its number of parameters.`;
  p.refersTo(p.multi.find(name.image)[0], name, call.source);
  p.multi.undefine(name.image, arity, call.name === "unimacro");
  return undefined;
}

function rotate(p: Preprocessor, call: Call): Fault {
  const { invocation } = p.expansions;
  if (!invocation) return "“%rotate” has a meaning only inside a macro.";
  const value = p.expression(restTokens(call), call.source, "The argument of %rotate");
  const count = invocation.parameters.length;
  if (count === 0) return "This call of the macro has no parameters to rotate.";
  if (value !== undefined) invocation.rotation = Number((BigInt(invocation.rotation) + value) % BigInt(count));
  return undefined;
}

/** The name after `%push`, `%pop` or `%repl`, if there is one. */
const contextName = (call: Call): string | undefined => restTokens(call)[0]?.image;

/** The directives there are. */
export const directives: Readonly<Record<string, Directive>> = {
  ...definitionDirectives,
  ...fileDirectives,
  ...frameDirectives,
  ...lineDirectives,
  else: { conditional: true, run: (p, call) => p.conditionals.continue(call, true, () => true) },
  endif: { conditional: true, run: (p) => p.conditionals.end() },
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
  unimacro: { run: forgetMacro },
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
