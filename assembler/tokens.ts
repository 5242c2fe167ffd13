import { createToken, type IToken, Lexer, type TokenType } from "chevrotain";
import { registerNamed } from "../isa/registers.ts";
import { meaningOf } from "../isa/table.ts";
import { floatParts, functionName, logarithms, textForms } from "./functions.ts";
import { reservedWords } from "./reserved-words.ts";
import { type WordKind, wordKinds } from "./words.ts";

const space = createToken({
  name: "Space",
  pattern: /[ \t\f\v]+/,
  group: Lexer.SKIPPED,
  start_chars_hint: [" ", "\t"],
});
const comment = createToken({ name: "Comment", pattern: /;.*/, group: Lexer.SKIPPED });

/** Letters, digits and `_ $ # @ ~ . ?` make a word; it starts with a letter, `_`, `.`, `@`, or `?` before more of it. */
const wordStart = "A-Za-z_.@\\u0080-\\uffff";
const wordRest = "\\w$#@~.?\\u0080-\\uffff";

/** A word that is nothing else: a symbol. The lexer makes only these; `classify` gives words their own types. */
export const Name = createToken({
  name: "Name",
  pattern: new RegExp(`[${wordStart}][${wordRest}]*|\\?[${wordRest}]+`),
});
/** `$eax`: a symbol even if the word means something else. */
export const EscapedName = createToken({ name: "EscapedName", pattern: new RegExp(`\\$[${wordStart}][${wordRest}]*`) });
export const Float = createToken({
  name: "Float",
  pattern:
    /(?:0[xXhH]|\$(?=\d))[\da-fA-F_]*(?:\.[\da-fA-F_]*(?:[pP][+-]?[\d_]+)?|[pP][+-]?[\d_]+)|0[oOqQ][0-7_]*(?:\.[0-7_]*(?:[pP][+-]?[\d_]+)?|[pP][+-]?[\d_]+)|0[bByY][01_]*(?:\.[01_]*(?:[pP][+-]?[\d_]+)?|[pP][+-]?[\d_]+)|0[dDtT][\d_]*\.[\d_]*(?:[eE][+-]?\d[\d_]*)?|0[pP][\d_]+(?![\w.])|\d[\d_]*[pP](?![\w.])|\d[\d_]*\.[\d_]*(?:[eE][+-]?\d[\d_]*)?|\d[\d_]*[eE][+-]?\d[\d_]*(?![\w.])/,
});
export const Digits = createToken({ name: "Digits", pattern: /\$?\d\w*/ });
export const Text = createToken({ name: "Text", pattern: /'[^']*'|"[^"]*"|`[^\\`]*(?:\\.[^\\`]*)*`/ });
export const Unterminated = createToken({ name: "Unterminated", pattern: /['"`].*/ });
/** Parameters, local labels and contexts of multi-line macros: `%1`, `%%loop`, `%$x`. */
export const MacroToken = createToken({ name: "MacroToken", pattern: /%(?:[0-9]+|\*?\?\??|[$!+[{]|%[\w$#@~.?]+)/ });

export const SectionStart = createToken({ name: "SectionStart", pattern: /\$\$/ });
export const Here = createToken({ name: "Here", pattern: /\$/ });
/** `+` and `-` stand before one operand or between two. */
export const PlusMinus = createToken({ name: "PlusMinus", pattern: /[+-]/ });
export const Infix = createToken({
  name: "Infix",
  pattern: /<<<|>>>|<=>|<<|>>|<=|>=|<>|==|!=|&&|\|\||\^\^|\/\/|%%|[<>=&|^*/%]/,
});
export const Complement = createToken({ name: "Complement", pattern: /[~!]/ });
export const Question = createToken({ name: "Question", pattern: /\?/ });
export const Colon = createToken({ name: "Colon", pattern: /:/ });
export const Comma = createToken({ name: "Comma", pattern: /,/ });
export const Open = createToken({ name: "Open", pattern: /\(/ });
export const Close = createToken({ name: "Close", pattern: /\)/ });
export const OpenBracket = createToken({ name: "OpenBracket", pattern: /\[/ });
export const CloseBracket = createToken({ name: "CloseBracket", pattern: /\]/ });
/** Whatever is not part of the language. The lexer looks only at patterns that may start with the character at hand. */
export const Stray = createToken({
  name: "Stray",
  pattern: /[\s\S]/,
  start_chars_hint: Array.from({ length: 128 }, (_, code) => code),
});

const word = (name: string): TokenType => createToken({ name, pattern: Lexer.NA });
export const Label = word("Label");
export const Mnemonic = word("Mnemonic");
export const Register = word("Register");
export const Prefix = word("Prefix");
export const Times = word("Times");
export const Data = word("Data");
export const Reserve = word("Reserve");
export const Equ = word("Equ");
export const Incbin = word("Incbin");
/** Words that mean something at the head of a line only. */
export const Absolute = word("Absolute");
export const Structure = word("Structure");
export const EndStructure = word("EndStructure");
export const Member = word("Member");
/** Between a count and a list in data. */
export const Dup = word("Dup");
export const Align = word("Align");
export const ValueDirective = word("ValueDirective");
export const WordDirective = word("WordDirective");
export const OperandWord = word("OperandWord");
export const AddressWord = word("AddressWord");
/** Between an address and what it is taken with respect to. */
export const Wrt = word("Wrt");
/** `__float32__` before a floating-point constant in parentheses. */
export const FloatFunction = word("FloatFunction");
/** `__utf16__` before a string in parentheses. */
export const TextFunction = word("TextFunction");
/** `__ilog2e__` before a value. */
export const UnaryWord = word("UnaryWord");
/** A word where an instruction is expected and which is none; or one that nasm reserves and Ringside does not know. */
export const UnknownWord = word("UnknownWord");

const lexed = [
  space,
  Name,
  Comma,
  Float,
  Digits,
  OpenBracket,
  CloseBracket,
  PlusMinus,
  Colon,
  comment,
  Text,
  Unterminated,
  EscapedName,
  SectionStart,
  Here,
  MacroToken,
  Infix,
  Complement,
  Question,
  Open,
  Close,
  Stray,
];
const words = [
  Label,
  Mnemonic,
  Register,
  Prefix,
  Times,
  Data,
  Reserve,
  Equ,
  Incbin,
  Absolute,
  Structure,
  EndStructure,
  Member,
  Dup,
  Align,
  ValueDirective,
  WordDirective,
  OperandWord,
  AddressWord,
  Wrt,
  FloatFunction,
  TextFunction,
  UnaryWord,
  UnknownWord,
];
export const vocabulary: TokenType[] = [...lexed, ...words];

const typeOfKind: Readonly<Record<WordKind, TokenType>> = {
  prefix: Prefix,
  times: Times,
  data: Data,
  reserve: Reserve,
  equ: Equ,
  align: Align,
  "value-directive": ValueDirective,
  "word-directive": WordDirective,
  operand: OperandWord,
  address: AddressWord,
  wrt: Wrt,
  incbin: Incbin,
};

const types = new Map<string, TokenType>();

function functionType(word: string): TokenType {
  const name = functionName(word);
  if (name in floatParts) return FloatFunction;
  if (name in textForms) return TextFunction;
  return name in logarithms ? UnaryWord : Name;
}

/** The token type of a word by itself, in any letter case; `Name` if it is no word of the dialect. */
export function wordType(text: string): TokenType {
  const known = types.get(text);
  if (known) return known;
  const lower = text.toLowerCase();
  const kind = wordKinds.get(lower);
  const type = kind
    ? typeOfKind[kind]
    : lower.startsWith("__")
      ? functionType(lower)
      : meaningOf(lower)
        ? Mnemonic
        : registerNamed(lower)
          ? Register
          : reservedWords.has(lower)
            ? UnknownWord
            : Name;
  if (type === Name) return Name;
  types.set(text, type);
  return type;
}

const lexer = new Lexer(lexed, { positionTracking: "onlyOffset", ensureOptimizations: false });

export const retype = (token: IToken, type: TokenType): void => {
  token.tokenType = type;
  token.tokenTypeIdx = type.tokenTypeIdx!;
};

/** The tokens of one logical line; words have their types, except that labels are still names or keywords. */
export function tokenize(text: string): IToken[] {
  const { tokens } = lexer.tokenize(text);
  for (const token of tokens) {
    if (token.tokenType !== Name) continue;
    const type = wordType(token.image);
    if (type !== Name) retype(token, type);
  }
  return tokens;
}

/** Column after the last character of a token. A token from a macro has an `endOffset` of its own. */
export const endOf = (token: IToken): number =>
  token.endOffset === undefined ? token.startOffset + token.image.length : token.endOffset + 1;
