import type { IToken } from "chevrotain";
import { defineText } from "./definitions.ts";
import { type Call, type Directive, type Fault, isWord, restTokens } from "./directive.ts";
import { parseText } from "./literals.ts";
import { tokensText } from "./macro.ts";
import { findPackage, packages, refusedPackages } from "./packages.ts";
import type { Preprocessor } from "./preprocess.ts";
import { bytesOf, charactersOf, quoted } from "./quote.ts";
import { didYouMean } from "./suggest.ts";
import * as token from "./tokens.ts";
import { endOf, tokenize } from "./tokens.ts";
import type { Span } from "./tree.ts";

/** `%include`, `%use` and the like: what else a program is made of. */

/** The text of a quoted string, as a file name. */
const pathOf = ({ image }: IToken): string => (image[0] === "`" ? charactersOf(parseText(image)) : image.slice(1, -1));

const spanOf = (t: IToken): Span => ({ start: t.startOffset, end: endOf(t) });

/** A file name, in quotes or as it stands. */
export function fileName(tokens: readonly IToken[]): string | undefined {
  const [first] = tokens;
  if (!first) return undefined;
  return first.tokenType === token.Text ? pathOf(first) : tokensText(tokens);
}

function include(p: Preprocessor, call: Call, once: boolean): Fault {
  const [name] = p.expand(restTokens(call), call.source);
  if (name?.tokenType !== token.Text) return `“%${call.name}” needs a file name in quotes.`;
  p.include(pathOf(name), call.source, spanOf(name), once);
  return undefined;
}

/** `%pathsearch NAME "file"`: the name stands for the path where the file is found, else for the file as given. */
function pathSearch(p: Preprocessor, call: Call): Fault {
  const [name, ...rest] = restTokens(call);
  const file = fileName(p.expand(rest, call.source));
  if (!isWord(name) || file === undefined) return "“%pathsearch” needs a name and a file.";
  const path = p.includes.pathOf(file, call.source) ?? file;
  return defineText(p, call, name, tokenize(quoted(bytesOf(path))), false);
}

/** What a package is, is in the package; that it was asked for is a macro. */
function use(p: Preprocessor, call: Call): Fault {
  const [word] = p.expand(restTokens(call), call.source);
  const name = word && (word.tokenType === token.Text ? pathOf(word) : word.image);
  if (name === undefined) return "“%use” needs the name of a package.";
  const refused = refusedPackages.get(name.toLowerCase());
  if (refused !== undefined) {
    p.problems.error("unsupported-directive", refused, call.source, call.span);
    return undefined;
  }
  const found = findPackage(name);
  if (!found) return `There is no package “${name}”.${didYouMean(name, packages.keys())}`;
  if (!p.used.has(found.name)) {
    p.used.add(found.name);
    found.use(p, call.source);
  }
  return undefined;
}

export const fileDirectives: Readonly<Record<string, Directive>> = {
  include: { run: (p, call) => include(p, call, false) },
  require: { run: (p, call) => include(p, call, true) },
  pathsearch: { run: pathSearch },
  // Only a makefile would want to know.
  depend: { run: (_, call) => (restTokens(call).length > 0 ? undefined : "“%depend” needs the name of a file.") },
  use: { run: use },
};
