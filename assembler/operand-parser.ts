import { EmbeddedActionsParser, type IOrAlt, type IToken } from "chevrotain";
import { registerNamed } from "../isa/registers.ts";
import { binary, conditional, unary } from "./fold.ts";
import { functionName, transformed } from "./functions.ts";
import { parseNumber, parseText, textValue } from "./literals.ts";
import { binaryOperators, operatorOf } from "./operators.ts";
import * as token from "./tokens.ts";
import { endOf } from "./tokens.ts";
import type {
  AddressWord,
  BinaryOperator,
  Expression,
  LineProblem,
  LineTree,
  OperandTree,
  OperandWord,
  StatementTree,
  SymbolUse,
  UnaryOperator,
  Word,
} from "./tree.ts";

/** What has been read of the line at hand. Kept beside the rules' results so that a line with a mistake keeps the rest. */
interface Reading {
  label: LineTree["label"];
  times: Expression[];
  prefixes: Word[];
  statement: StatementTree | undefined;
  symbols: SymbolUse[];
  problems: LineProblem[];
  usesPlace: boolean;
}

export const blank = (): Reading => ({
  label: undefined,
  times: [],
  prefixes: [],
  statement: undefined,
  symbols: [],
  problems: [],
  usesPlace: false,
});

export const lower = (t: IToken): Word => ({ text: t.image.toLowerCase(), start: t.startOffset, end: endOf(t) });
export const symbolName = (t: IToken): string => (t.image[0] === "$" ? t.image.slice(1) : t.image);

/** The token that a choice gave. While Chevrotain records the grammar, a choice gives something else. */
export const chosen = (t: IToken): IToken => (t.image === undefined ? { ...t, image: "", startOffset: 0 } : t);

/** Words before an address, inside its brackets. */
const addressWords: ReadonlySet<string> = new Set("byte word dword qword rel abs nosplit a16 a32 a64".split(" "));

/** `__Infinity__` and `__?Infinity?__`, and so the other numbers that are none. */
const special = /^__(\??)(Infinity|NaN|QNaN|SNaN)\1__$/i;

export const isFloat = (t: IToken): boolean =>
  t.tokenType === token.Float || (t.tokenType === token.Name && special.test(t.image));

/** A floating-point constant as `floatBytes` takes it; undefined if it is none. */
export const floatText = (image: string): string | undefined =>
  special.exec(image)?.[2] ?? (/^[\d$]/.test(image) ? image : undefined);

const unaryOf = ({ image }: IToken): UnaryOperator => (functionName(image.toLowerCase()) || image) as UnaryOperator;

/** The rules for operands and expressions. The class with the start rule analyses the whole grammar. */
export class OperandParser extends EmbeddedActionsParser {
  protected reading: Reading = blank();

  // Made for nearly every line: making its functions anew would cost more than the choice.
  private readonly primaries: IOrAlt<Expression>[] = [
    { ALT: () => this.number(this.CONSUME(token.Digits)) },
    { ALT: () => this.symbol(this.CONSUME(token.Name)) },
    { ALT: () => this.register(this.CONSUME(token.Register)) },
    { ALT: () => this.string(this.CONSUME(token.Text)) },
    { ALT: () => this.symbol(this.CONSUME(token.EscapedName)) },
    // Instructions and data words can be labels: `jmp loop`.
    { ALT: () => this.symbol(this.CONSUME(token.Mnemonic)) },
    { ALT: () => this.symbol(this.CONSUME(token.Data)) },
    { ALT: () => this.symbol(this.CONSUME(token.Reserve)) },
    { ALT: () => this.SUBRULE(this.floatFunction) },
    { ALT: () => this.SUBRULE(this.textFunction) },
    { ALT: () => this.place("here", this.CONSUME(token.Here)) },
    { ALT: () => this.place("section-start", this.CONSUME(token.SectionStart)) },
    {
      ALT: () => {
        const open = this.CONSUME(token.Open);
        const inner = this.SUBRULE(this.expression);
        const close = this.CONSUME(token.Close);
        const span = { start: open.startOffset, end: endOf(close) };
        if (inner?.kind === "wrt") this.problem(close, "syntax", "“wrt” stands outside of parentheses.");
        // A string in parentheses is a number even as a whole data item.
        return inner?.kind === "string" ? { kind: "number", value: inner.value, ...span } : { ...inner, ...span };
      },
    },
  ];

  constructor() {
    super(token.vocabulary, {
      recoveryEnabled: false,
      maxLookahead: 2,
      skipValidations: false,
      errorMessageProvider: {
        buildMismatchTokenMessage: ({ expected }) => expected.name,
        buildNotAllInputParsedMessage: () => "",
        buildNoViableAltMessage: () => "",
        buildEarlyExitMessage: () => "",
      },
    });
  }

  protected problem(t: IToken, code: string, message: string): void {
    this.reading.problems.push({ code, severity: "error", message, start: t.startOffset, end: endOf(t) });
  }

  protected readonly operand = this.RULE("operand", (): OperandTree => {
    const words: OperandWord[] = [];
    const start = this.LA(1).startOffset;
    this.MANY(() => words.push(lower(this.CONSUME(token.OperandWord)).text as OperandWord));
    return this.OR<IOrAlt<OperandTree>[]>([
      { ALT: () => this.SUBRULE(this.memory, { ARGS: [words, start, undefined] }) },
      {
        ALT: () => {
          const first = this.SUBRULE(this.expression);
          return (
            this.OPTION(() => {
              this.CONSUME(token.Colon);
              return this.OR1<IOrAlt<OperandTree>[]>([
                { ALT: () => this.SUBRULE1(this.memory, { ARGS: [words, start, first] }) },
                {
                  ALT: () => {
                    // The size of the offset may also stand before it: 8:dword x.
                    this.MANY1(() => words.push(lower(this.CONSUME1(token.OperandWord)).text as OperandWord));
                    const offset = this.SUBRULE1(this.expression);
                    return { kind: "far", selector: first, offset, words, start, end: endOf(this.LA(0)) };
                  },
                },
              ]);
            }) ?? { kind: "value", value: first, words, start, end: endOf(this.LA(0)) }
          );
        },
      },
    ]);
  });

  private readonly memory = this.RULE(
    "memory",
    (words: readonly OperandWord[], start: number, outer: Expression | undefined): OperandTree => {
      const addressWords: AddressWord[] = [];
      this.CONSUME(token.OpenBracket);
      this.MANY(() => {
        const word = chosen(
          this.OR([
            { ALT: () => this.CONSUME(token.OperandWord) },
            { ALT: () => this.CONSUME(token.AddressWord) },
            { ALT: () => this.CONSUME(token.Prefix) },
          ]),
        );
        this.addressWord(word, addressWords);
      });
      const first = this.SUBRULE(this.expression);
      const second = this.OPTION(() => {
        this.CONSUME(token.Colon);
        this.MANY1(() => {
          const word = chosen(
            this.OR1([
              { ALT: () => this.CONSUME1(token.OperandWord) },
              { ALT: () => this.CONSUME1(token.AddressWord) },
              { ALT: () => this.CONSUME1(token.Prefix) },
            ]),
          );
          this.addressWord(word, addressWords);
        });
        return this.SUBRULE1(this.expression);
      });
      const end = endOf(this.CONSUME(token.CloseBracket));
      const [segment, address] = second ? [first, second] : [outer, first];
      return { kind: "memory", words, addressWords, segment, address, start, end };
    },
  );

  private addressWord(t: IToken, words: AddressWord[]): void {
    const word = lower(t).text;
    if (addressWords.has(word)) words.push(word as AddressWord);
    else if (word) this.problem(t, "bad-address", `“${word}” cannot stand inside the brackets.`);
  }

  /** Operators are read as a flat list and put together by their levels: far fewer rule calls than a rule per level. */
  protected readonly expression = this.RULE("expression", (): Expression => {
    const first = this.SUBRULE(this.unary);
    let rest: Expression[] | undefined;
    let operators: BinaryOperator[] | undefined;
    this.MANY(() => {
      const operator = chosen(
        this.OR([{ ALT: () => this.CONSUME(token.PlusMinus) }, { ALT: () => this.CONSUME(token.Infix) }]),
      );
      rest ??= [first];
      operators ??= [];
      if (!(operatorOf(operator.image) in binaryOperators))
        this.problem(operator, "unsupported-operator", `The operator “${operator.image}” is not supported.`);
      operators.push(operatorOf(operator.image));
      rest.push(this.SUBRULE1(this.unary));
    });
    const value = rest && operators ? binary(rest, operators) : first;
    const chosenValue =
      this.OPTION(() => {
        this.CONSUME(token.Question);
        const yes = this.SUBRULE(this.expression);
        this.CONSUME(token.Colon);
        const no = this.SUBRULE1(this.expression);
        return conditional(value, yes, no);
      }) ?? value;
    return (
      this.OPTION1(() => {
        this.CONSUME(token.Wrt);
        const base = this.CONSUME(token.Name);
        const { image = "" } = base;
        return { kind: "wrt", operand: chosenValue, base: image, start: chosenValue?.start ?? 0, end: endOf(base) };
      }) ?? chosenValue
    );
  });

  private readonly unary = this.RULE("unary", (): Expression => {
    let operators: IToken[] | undefined;
    this.MANY(() => {
      const operator = chosen(
        this.OR([
          { ALT: () => this.CONSUME(token.PlusMinus) },
          { ALT: () => this.CONSUME(token.Complement) },
          { ALT: () => this.CONSUME(token.UnaryWord) },
        ]),
      );
      operators ??= [];
      operators.push(operator);
    });
    let value = this.SUBRULE(this.primary);
    if (operators)
      for (const operator of operators.reverse()) value = unary(unaryOf(operator), operator.startOffset, value);
    return value;
  });

  private readonly primary = this.RULE("primary", (): Expression => {
    return this.OR(this.primaries);
  });

  /** `__float32__(-1.5)`. */
  private readonly floatFunction = this.RULE("floatFunction", (): Expression => {
    const word = lower(this.CONSUME(token.FloatFunction));
    this.CONSUME(token.Open);
    const sign = this.OPTION(() => this.CONSUME(token.PlusMinus));
    const constant = chosen(
      this.OR([{ ALT: () => this.CONSUME(token.Float) }, { ALT: () => this.CONSUME(token.Name) }]),
    );
    const close = this.CONSUME(token.Close);
    const text = floatText(constant.image);
    if (text === undefined) this.problem(constant, "syntax", `“${constant.image}” is no floating-point constant.`);
    return {
      kind: "float-bits",
      format: functionName(word.text),
      text: text ?? "0.0",
      negative: sign?.image === "-",
      start: word.start,
      end: endOf(close),
    };
  });

  /** `__utf16__("text")`. */
  private readonly textFunction = this.RULE("textFunction", (): Expression => {
    const word = lower(this.CONSUME(token.TextFunction));
    // The parentheses may be left out.
    const open = this.OPTION(() => this.CONSUME(token.Open));
    const text = this.CONSUME(token.Text);
    const close = open ? this.CONSUME(token.Close) : text;
    const bytes = text.image && transformed(functionName(word.text), parseText(text.image));
    if (!bytes) this.problem(text, "bad-text", "The string is no UTF-8 text.");
    const made = bytes || new Uint8Array();
    return { kind: "string", bytes: made, value: textValue(made), start: word.start, end: endOf(close) };
  });

  private number(t: IToken): Expression {
    let value = parseNumber(t.image);
    if (value === undefined) this.problem(t, "bad-number", `“${t.image}” is not a number.`);
    else if (value > 0xffff_ffff_ffff_ffffn) {
      const message = `${t.image} does not fit in 64 bits; its upper bits are dropped.`;
      const place = { start: t.startOffset, end: endOf(t) };
      this.reading.problems.push({ code: "value-out-of-range", severity: "warning", message, ...place });
    }
    if (value !== undefined && value > 0x7fff_ffff_ffff_ffffn) value = BigInt.asIntN(64, value);
    return { kind: "number", value: value ?? 0n, start: t.startOffset, end: endOf(t) };
  }

  private symbol(t: IToken): Expression {
    const name = symbolName(t);
    const slot = this.reading.symbols.length;
    const span = { start: t.startOffset, end: endOf(t) };
    this.reading.symbols.push({ name, ...span });
    return { kind: "symbol", name, slot, ...span };
  }

  private register(t: IToken): Expression {
    const register = registerNamed(t.image) ?? registerNamed("ax")!;
    return { kind: "register", register, start: t.startOffset, end: endOf(t) };
  }

  private string(t: IToken): Expression {
    const bytes = parseText(t.image);
    return { kind: "string", bytes, value: textValue(bytes), start: t.startOffset, end: endOf(t) };
  }

  private place(kind: "here" | "section-start", t: IToken): Expression {
    this.reading.usesPlace = true;
    return { kind, start: t.startOffset, end: endOf(t) };
  }
}
