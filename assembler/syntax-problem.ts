import { EOF as End, type IToken, type TokenType } from "chevrotain";
import * as token from "./tokens.ts";
import { endOf } from "./tokens.ts";
import type { LineProblem } from "./tree.ts";

/** Tokens that are a mistake wherever they are, and what to say of them. */
const namedFaults = new Map<TokenType, (image: string) => { code: string; message: string }>([
  [
    token.Float,
    (image) => ({
      code: "unsupported-float",
      message: `Floating-point constants such as ${image} are not supported yet.`,
    }),
  ],
  [
    token.Unterminated,
    (image) => ({ code: "unterminated-string", message: `The string has no closing ${image[0]} on this line.` }),
  ],
  [
    token.MacroToken,
    (image) =>
      image === "%!"
        ? {
            code: "unsupported-word",
            message: "Ringside does not read environment variables; define a macro on the command line.",
          }
        : { code: "macro-parameter", message: `“${image}” has a meaning only inside a multi-line macro.` },
  ],
  [
    token.UnknownWord,
    (image) => ({
      code: "unsupported-word",
      message: `“${image}” is a reserved word of nasm that Ringside does not know yet; as a symbol write $${image}.`,
    }),
  ],
  [
    token.Stray,
    (image) => ({
      code: "unexpected-character",
      message: `The character “${image}” has no meaning here.${image === "#" ? " Comments begin with “;”." : ""}`,
    }),
  ],
]);

/** What to say where the grammar found no way on. */
export function syntaxProblem(found: IToken, tokens: readonly IToken[]): LineProblem {
  const previous = tokens[tokens.indexOf(found) - 1];
  const named = namedFaults.get(found.tokenType)?.(found.image);
  const severity = "error" as const;
  if (found.tokenType === End || !tokens.includes(found)) {
    const last = tokens.at(-1);
    const at = { start: last?.startOffset ?? 0, end: last ? endOf(last) : 0 };
    const message = last ? `Something is missing after “${last.image}”.` : "Something is missing here.";
    return { code: "syntax", severity, message, ...at };
  }
  const at = { start: found.startOffset, end: endOf(found) };
  if (named) return { ...named, severity, ...at };
  const hint = foreignSyntax(found, previous, tokens);
  return { code: "syntax", severity, message: `“${found.image}” is not expected here.${hint && ` ${hint}`}`, ...at };
}

/** What nasm writes where the line looks like another assembler's, or like C; empty if nothing is known. */
function foreignSyntax(found: IToken, previous: IToken | undefined, tokens: readonly IToken[]): string {
  const before = tokens.slice(0, tokens.indexOf(found));
  const next = tokens[tokens.indexOf(found) + 1];
  if (before.some(({ image }) => /^ptr$/i.test(image))) return "nasm writes sizes without “ptr”: dword [x].";
  if (/^offset$/i.test(previous?.image ?? "")) return "nasm has no “offset”: a name alone is the address.";
  if (found.image === "%" && next?.tokenType === token.Register)
    return "nasm writes registers without “%”, and the destination first.";
  if ([...before, found].some(({ image }) => image === "//") || found.image === "/") return "Comments begin with “;”.";
  const isInstruction = before.some(({ tokenType }) => tokenType === token.Mnemonic);
  if (found.image === "(" && isInstruction) return "nasm writes addresses in square brackets: [ebx+4].";
  if (found.image === "[" && isInstruction) return "nasm writes the whole address in one pair of brackets: [x+ebx].";
  return "";
}
