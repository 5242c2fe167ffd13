import type { IToken } from "chevrotain";
import { type Call, type Directive, type Fault, isWord, restTokens } from "./directive.ts";
import { numberTokens, plainMacro, spaced } from "./macro.ts";
import type { Preprocessor } from "./preprocess.ts";
import { rangeOf } from "./source.ts";
import * as token from "./tokens.ts";
import { endOf, tokenize } from "./tokens.ts";
import { sizeWords } from "./words.ts";

/** `%stacksize`, `%arg` and `%local`: names for what a stack frame holds. */

/** Where the next argument and the next local variable of a stack frame are. */
export interface Frame {
  /** Register that the frame is reached by. */
  readonly pointer: "bp" | "ebp" | "rbp";
  /** Bytes that each takes at least. */
  readonly slot: number;
  /** Distance of the next argument above the pointer. */
  readonly arguments: number;
  /** Distance of the last local variable below it. */
  readonly locals: number;
}

const frames: Readonly<Record<string, Frame>> = {
  flat: { pointer: "ebp", slot: 4, arguments: 8, locals: 0 },
  flat64: { pointer: "rbp", slot: 8, arguments: 16, locals: 0 },
  large: { pointer: "bp", slot: 2, arguments: 4, locals: 0 },
  small: { pointer: "bp", slot: 2, arguments: 6, locals: 0 },
};

function stackSize(p: Preprocessor, call: Call): Fault {
  const [word] = restTokens(call);
  const frame = frames[word?.image.toLowerCase() ?? ""];
  if (!frame) return `“%stacksize” is followed by ${Object.keys(frames).join(", ")}.`;
  p.frame = frame;
  return undefined;
}

interface Entry {
  readonly name: IToken;
  readonly bytes: number;
}

/** Reads `name:size, …`; a string says what is wrong. */
function entriesOf(p: Preprocessor, call: Call): readonly Entry[] | string {
  const groups: IToken[][] = [[]];
  for (const t of restTokens(call)) {
    if (t.tokenType === token.Comma) groups.push([]);
    else groups.at(-1)!.push(t);
  }
  const entries: Entry[] = [];
  for (const [name, colon, ...size] of groups) {
    const [only, ...more] = p.expand(size, call.source);
    const bytes = only && more.length === 0 ? sizeOf(only) : undefined;
    if (!isWord(name) || colon?.tokenType !== token.Colon || bytes === undefined)
      return `“%${call.name}” takes names with sizes: name:word, other:dword.`;
    entries.push({ name, bytes });
  }
  return entries;
}

function sizeOf({ image }: IToken): number | undefined {
  return sizeWords[image.toLowerCase()] ?? (/^\d+$/.test(image) ? Number(image) : undefined);
}

function define(p: Preprocessor, call: Call, name: IToken, body: string): Fault {
  const range = rangeOf(call.source, { start: name.startOffset, end: endOf(name) });
  if (!p.macros.define(plainMacro(name.image, spaced(tokenize(body)), { range })))
    return `“${name.image}” cannot be both with and without parentheses.`;
  p.definitions.push({ name: name.image, kind: "define", value: undefined, range });
  return undefined;
}

/** Without a frame, nasm's answer depends on how often it has read the program. */
const noFrame = (call: Call): string => `Say with %stacksize what the stack is like before “%${call.name}”.`;

function args(p: Preprocessor, call: Call): Fault {
  if (!p.frame) return noFrame(call);
  const entries = entriesOf(p, call);
  if (typeof entries === "string") return entries;
  for (const { name, bytes } of entries) {
    const frame: Frame = p.frame;
    const fault = define(p, call, name, `(${frame.pointer}+${frame.arguments})`);
    if (fault !== undefined) return fault;
    p.frame = { ...frame, arguments: frame.arguments + roundUp(bytes, frame.slot) };
  }
  return undefined;
}

function locals(p: Preprocessor, call: Call): Fault {
  if (!p.frame) return noFrame(call);
  const entries = entriesOf(p, call);
  if (typeof entries === "string") return entries;
  const size = p.contexts.fullName("localsize", 0);
  if (size === undefined) return "“%local” stands in a context: %push opens one.";
  let added = 0;
  for (const { name, bytes } of entries) {
    const frame: Frame = p.frame;
    const length = roundUp(bytes, frame.slot);
    const fault = define(p, call, name, `(${frame.pointer}-${frame.locals + length})`);
    if (fault !== undefined) return fault;
    p.frame = { ...frame, locals: frame.locals + length };
    added += length;
  }
  const before = p.expression(
    spaced(tokenize(p.macros.find(size) ? size : "0")),
    call.source,
    "The size of the locals",
  );
  p.macros.define(plainMacro(size, numberTokens((before ?? 0n) + BigInt(added))));
  return undefined;
}

const roundUp = (bytes: number, slot: number): number => Math.ceil(bytes / slot) * slot;

export const frameDirectives: Readonly<Record<string, Directive>> = {
  stacksize: { run: stackSize },
  arg: { run: args },
  local: { run: locals },
};
