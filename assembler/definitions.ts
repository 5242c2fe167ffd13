import type { IToken } from "chevrotain";
import { type Call, type Directive, type Fault, isWord, restTokens } from "./directive.ts";
import { type Macro, numberTokens, plainMacro } from "./macro.ts";
import { type ParameterList, parametersOf } from "./macro-parameters.ts";
import type { Preprocessor } from "./preprocess.ts";
import { rangeOf } from "./source.ts";
import * as token from "./tokens.ts";
import { endOf } from "./tokens.ts";

/** `%define` and its relatives: what makes and forgets single-line macros. */

interface Manner {
  readonly anyCase: boolean;
  /** The macros in the body are replaced at once. */
  readonly expandNow: boolean;
}

function define(p: Preprocessor, call: Call, { anyCase, expandNow }: Manner): Fault {
  const [name, ...after] = restTokens(call);
  if (!isWord(name)) return `“%${call.name}” needs a name.`;
  let list: ParameterList | undefined;
  let body = after;
  // Parameters follow the name without a space.
  if (after[0]?.tokenType === token.Open && after[0].startOffset === endOf(name)) {
    const close = after.findIndex((t) => t.tokenType === token.Close);
    const read = close < 0 ? "The parentheses of the parameters are not closed." : parametersOf(after.slice(1, close));
    if (typeof read === "string") return read;
    list = read;
    body = after.slice(close + 1);
  }
  const range = rangeOf(call.source, { start: name.startOffset, end: endOf(name) });
  const made = expandNow ? expandBody(p, call, body, list) : body;
  return add(p, { ...plainMacro(p.aliased(name.image), made, { anyCase, range }), ...list });
}

/** Marks a word as no macro's name; no word of a source has it. */
const shield = "\u0001";

/** The body with its macros replaced; its parameters are none, whatever macros have their names. */
function expandBody(p: Preprocessor, call: Call, body: readonly IToken[], list: ParameterList | undefined): IToken[] {
  const names = new Set(list?.parameters.map(({ name }) => name));
  const shielded = body.map((t) => (names.has(t.image) ? { ...t, image: shield + t.image } : t));
  return p
    .expand(shielded, call.source)
    .map((t) => (t.image.startsWith(shield) ? { ...t, image: t.image.slice(shield.length) } : t));
}

function add(p: Preprocessor, macro: Macro): Fault {
  if (!p.macros.define(macro)) return `“${macro.name}” cannot be both with and without parentheses.`;
  if (macro.range)
    p.definitions.push({ name: macro.name, kind: "define", value: constantOf(macro.body), range: macro.range });
  return undefined;
}

function constantOf(body: readonly IToken[]): bigint | undefined {
  const [only] = body;
  const text = body.length === 1 && only!.tokenType === token.Digits ? only!.image : "";
  return /^(0x[\da-f]+|\d+)$/i.test(text) ? BigInt(text) : undefined;
}

/** Defines a macro without parameters; `name` is where its name is written. */
export function defineText(
  p: Preprocessor,
  call: Call,
  name: IToken,
  body: readonly IToken[],
  anyCase: boolean,
): Fault {
  const range = rangeOf(call.source, { start: name.startOffset, end: endOf(name) });
  return add(p, plainMacro(p.aliased(name.image), body, { anyCase, range }));
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
  p.refersTo(p.macros.find(name.image)?.[0], name, call.source);
  p.macros.undefine(p.aliased(name.image));
  return undefined;
}

function defineAlias(p: Preprocessor, call: Call, anyCase: boolean): Fault {
  const [name, target, ...more] = restTokens(call);
  if (!isWord(name) || !isWord(target) || more.length > 0)
    return `“%${call.name}” needs two names: the new and the old.`;
  if (p.aliased(target.image) === name.image) return `“${name.image}” would stand for itself.`;
  const range = rangeOf(call.source, { start: name.startOffset, end: endOf(name) });
  return add(p, plainMacro(name.image, [target], { anyCase, range, alias: true }));
}

function undefineAlias(p: Preprocessor, call: Call): Fault {
  const [name] = restTokens(call);
  if (!isWord(name)) return "“%undefalias” needs the name of an alias.";
  if (p.macros.find(name.image)?.some((macro) => macro.alias)) p.macros.undefine(name.image);
  return undefined;
}

function switchAliases(p: Preprocessor, call: Call): Fault {
  const [word] = restTokens(call);
  if (word?.image !== "on" && word?.image !== "off") return "“%aliases” is followed by on or off.";
  p.usesAliases = word.image === "on";
  return undefined;
}

function clear(p: Preprocessor, call: Call): Fault {
  if (restTokens(call).length > 0)
    return "Ringside knows %clear alone only: with more words the nasm program never ends.";
  p.macros.clear();
  p.multi.clear();
  return undefined;
}

export const definitionDirectives: Readonly<Record<string, Directive>> = {
  define: { run: (p, call) => define(p, call, { anyCase: false, expandNow: false }) },
  idefine: { run: (p, call) => define(p, call, { anyCase: true, expandNow: false }) },
  xdefine: { run: (p, call) => define(p, call, { anyCase: false, expandNow: true }) },
  ixdefine: { run: (p, call) => define(p, call, { anyCase: true, expandNow: true }) },
  undef: { run: undefine },
  assign: { run: (p, call) => assign(p, call, false) },
  iassign: { run: (p, call) => assign(p, call, true) },
  defalias: { run: (p, call) => defineAlias(p, call, false) },
  idefalias: { run: (p, call) => defineAlias(p, call, true) },
  undefalias: { run: undefineAlias },
  aliases: { run: switchAliases },
  clear: { run: clear },
};
