import type { IToken } from "chevrotain";
import { run } from "./assemble.ts";
import type { AssembleOptions } from "./interface.ts";
import { tokensText } from "./macro.ts";
import { type SourceLine, withoutComment } from "./source.ts";

/**
 * The program as the preprocessor hands it on, like `nasm -E`: without directives, macros replaced, included files in
 * their places. `%line` says where what follows was written.
 */
export function preprocessed(options: AssembleOptions): string {
  let lines: string[] = [];
  let next = { file: "", line: 0 };
  const add = ({ file, place, text }: SourceLine, tokens: readonly IToken[] | undefined) => {
    const shown = tokens ? tokensText(tokens) : withoutComment(text).trim();
    if (shown === "") return;
    if (next.file !== file || next.line !== place.line) lines.push(`%line ${place.line + 1}+1 ${file}`);
    lines.push(shown);
    next = { file, line: place.line + 1 };
  };
  run(options, false, {
    begin: () => {
      lines = [];
      next = { file: "", line: 0 };
    },
    line: add,
  });
  return `${lines.join("\n")}\n`;
}
