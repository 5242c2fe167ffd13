import type { IToken } from "chevrotain";
import { headsOf, parseTokens } from "./line.ts";
import { fresh } from "./macro.ts";
import { behindBraces, chooseMacro, type Invocation, type MultiMacro } from "./multi-macro.ts";
import type { Preprocessor } from "./preprocess.ts";
import { CallSite, type SourceLine } from "./source.ts";
import * as token from "./tokens.ts";
import { endOf, tokenize } from "./tokens.ts";

/** Expands the call of a multi-line macro that the line is; false if it is none. */
export function expandCall(p: Preprocessor, tokens: readonly IToken[], source: SourceLine): boolean {
  for (const at of headsOf(tokens)) {
    const name = tokens[at]!;
    const candidates = p.multi.find(name.image).filter((macro) => !p.expansions.isRunning(macro));
    if (candidates.length === 0) continue;
    const chosen = chooseMacro(candidates, tokens.slice(at + 1));
    const stray = behindBraces(tokens.slice(at + 1));
    if (stray) {
      const message = "The braces must enclose all of the argument: a comma is missing, or the rest belongs inside.";
      p.problems.error("macro-arguments", message, source, { start: stray.startOffset, end: endOf(stray) });
    } else if (chosen) call(p, chosen, tokens, at, source);
    else if (wrongCount(p, candidates, name, source)) continue;
    return true;
  }
  return false;
}

/** No macro takes so many parameters. True if the word is an instruction as well, which is then meant. */
function wrongCount(p: Preprocessor, candidates: readonly MultiMacro[], name: IToken, source: SourceLine): boolean {
  const counts = candidates.map(({ least, most, greedy }) =>
    greedy || most === Number.POSITIVE_INFINITY
      ? `${least} or more`
      : most > least
        ? `${least} to ${most}`
        : `${least}`,
  );
  const message = `The macro “${name.image}” takes ${[...new Set(counts)].join(", or ")} parameters.`;
  const span = { start: name.startOffset, end: endOf(name) };
  const isWord = name.tokenType !== token.Name && name.tokenType !== token.UnknownWord;
  if (isWord) p.problems.warning("macro-arguments", `${message} This is taken as the instruction.`, source, span);
  else p.problems.error("macro-arguments", message, source, span);
  return isWord;
}

function call(
  p: Preprocessor,
  { macro, parameters }: { readonly macro: MultiMacro; readonly parameters: readonly string[] },
  tokens: readonly IToken[],
  at: number,
  source: SourceLine,
): void {
  const name = tokens[at]!;
  const label = tokens.slice(0, at);
  const span = { start: name.startOffset, end: endOf(tokens.at(-1)!) };
  if (macro.range) p.references.push({ name: macro.name, source, span: { start: span.start, end: endOf(name) } });
  if (label.length > 0 && !macro.takesLabel) labelBefore(p, label, source);
  const invocation: Invocation = {
    macro,
    called: name.image,
    parameters,
    label: label[0]?.image ?? "",
    unique: p.unique(),
    rotation: 0,
  };
  const expansion = new CallSite(macro.name, source, span);
  p.expandLines(macro.body, invocation, source, span, expansion);
}

/** The label of a call is one of its own line. */
function labelBefore(p: Preprocessor, label: readonly IToken[], source: SourceLine): void {
  const end = endOf(label.at(-1)!);
  const [colon] = label.length === 1 ? tokenize(":") : [];
  const place = { startOffset: end, endOffset: end - 1 };
  p.sink.line(parseTokens(fresh(colon ? [...label, { ...colon, ...place }] : label)), source);
}
