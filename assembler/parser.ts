import { EmbeddedActionsParser, type IOrAlt, type IToken } from "chevrotain";
import { registerNamed } from "../isa/registers.ts";
import { binary, conditional, unary } from "./fold.ts";
import { parseNumber, parseText, textValue } from "./literals.ts";
import { binaryOperators, operatorOf } from "./operators.ts";
import { syntaxProblem } from "./syntax-problem.ts";
import * as token from "./tokens.ts";
import { endOf } from "./tokens.ts";
import type {
  AddressWord,
  BinaryOperator,
  DataItem,
  DirectiveArgument,
  Expression,
  FillTree,
  LineProblem,
  LineTree,
  OperandTree,
  OperandWord,
  StatementTree,
  SymbolUse,
  UnaryOperator,
  Word,
} from "./tree.ts";
import { sizeWords, units } from "./words.ts";

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

const blank = (): Reading => ({
  label: undefined,
  times: [],
  prefixes: [],
  statement: undefined,
  symbols: [],
  problems: [],
  usesPlace: false,
});

const lower = (t: IToken): Word => ({ text: t.image.toLowerCase(), start: t.startOffset, end: endOf(t) });
const symbolName = (t: IToken): string => (t.image[0] === "$" ? t.image.slice(1) : t.image);

/** `__Infinity__` and `__?Infinity?__`, and so the other numbers that are none. */
const special = /^__\??(Infinity|NaN|QNaN|SNaN)\??__$/i;
const isFloat = (t: IToken): boolean =>
  t.tokenType === token.Float || (t.tokenType === token.Name && special.test(t.image));
const floatText = (image: string): string => special.exec(image)?.[1] ?? image;

/** The token that a choice gave. While Chevrotain records the grammar, a choice gives something else. */
const chosen = (t: IToken): IToken => (t.image === undefined ? { ...t, image: "", startOffset: 0 } : t);

/**
 * One source line as the start rule. Trees are built in the rules; there is no recovery inside a line, because the line
 * end is the recovery: a mistake costs its own line and nothing else.
 */
export class LineParser extends EmbeddedActionsParser {
  private reading: Reading = blank();

  // The choices made for nearly every line are kept: making their functions anew would cost more than the choice.
  private readonly statements: IOrAlt<StatementTree>[] = [
    { ALT: () => this.SUBRULE(this.instruction) },
    { ALT: () => this.SUBRULE(this.data) },
    { ALT: () => this.SUBRULE(this.reserve) },
    { ALT: () => this.SUBRULE(this.equ) },
    { ALT: () => this.SUBRULE(this.align) },
    { ALT: () => this.SUBRULE(this.directive) },
    { ALT: () => this.SUBRULE(this.file) },
    { ALT: () => this.SUBRULE(this.structure) },
    { ALT: () => this.SUBRULE(this.member) },
  ];
  private readonly primaries: IOrAlt<Expression>[] = [
    { ALT: () => this.number(this.CONSUME(token.Digits)) },
    { ALT: () => this.symbol(this.CONSUME(token.Name)) },
    { ALT: () => this.register(this.CONSUME(token.Register)) },
    { ALT: () => this.string(this.CONSUME(token.Text)) },
    { ALT: () => this.symbol(this.CONSUME(token.EscapedName)) },
    { ALT: () => this.place("here", this.CONSUME(token.Here)) },
    { ALT: () => this.place("section-start", this.CONSUME(token.SectionStart)) },
    {
      ALT: () => {
        const open = this.CONSUME(token.Open);
        const inner = this.SUBRULE(this.expression);
        const close = this.CONSUME(token.Close);
        const span = { start: open.startOffset, end: endOf(close) };
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
    this.performSelfAnalysis();
  }

  /** Parses the tokens of a line. Never throws; what cannot be read is in `problems`. */
  read(tokens: IToken[], extra: readonly LineProblem[] = []): Omit<LineTree, "start" | "end"> {
    this.reading = blank();
    this.reading.problems.push(...extra);
    this.input = tokens;
    this.line();
    const [failure] = this.errors;
    // One mistake a line is enough: what follows it is guesswork.
    if (failure && !this.reading.problems.some(({ severity }) => severity === "error"))
      this.reading.problems.push(syntaxProblem(failure.token, tokens));
    return this.reading;
  }

  private problem(t: IToken, code: string, message: string): void {
    this.reading.problems.push({ code, severity: "error", message, start: t.startOffset, end: endOf(t) });
  }

  private readonly line = this.RULE("line", () => {
    this.OPTION(() => {
      const label = this.CONSUME(token.Label);
      const colon = this.OPTION1(() => this.CONSUME(token.Colon)) !== undefined;
      this.reading.label = { text: symbolName(label), start: label.startOffset, end: endOf(label), colon };
    });
    this.MANY(() => {
      this.OR([
        {
          ALT: () => {
            this.CONSUME(token.Times);
            const count = this.SUBRULE(this.expression);
            this.reading.times.push(count);
          },
        },
        { ALT: () => this.reading.prefixes.push(lower(this.CONSUME(token.Prefix))) },
        { ALT: () => this.segmentPrefix(this.CONSUME(token.Register)) },
      ]);
    });
    this.OPTION2(() => {
      this.OR1([
        {
          ALT: () => {
            this.CONSUME(token.OpenBracket);
            this.reading.statement = this.OR2<IOrAlt<StatementTree>[]>([
              { ALT: () => this.SUBRULE(this.directive) },
              { ALT: () => this.SUBRULE(this.structure) },
            ]);
            this.CONSUME(token.CloseBracket);
          },
        },
        {
          ALT: () => {
            this.reading.statement = this.SUBRULE(this.statement);
          },
        },
      ]);
    });
  });

  private readonly statement = this.RULE("statement", (): StatementTree => {
    return this.OR(this.statements);
  });

  private readonly instruction = this.RULE("instruction", (): StatementTree => {
    const word = chosen(
      this.OR([
        { ALT: () => this.CONSUME(token.Mnemonic) },
        { ALT: () => this.CONSUME(token.UnknownWord) },
        { ALT: () => this.CONSUME(token.Name) },
      ]),
    );
    const mnemonic: Word = { text: word.image, start: word.startOffset, end: endOf(word) };
    const operands: OperandTree[] = [];
    const statement: StatementTree = { kind: "instruction", mnemonic, operands, constant: {} };
    this.reading.statement ??= statement;
    this.OPTION(() => {
      operands.push(this.SUBRULE(this.operand));
      this.MANY(() => {
        this.CONSUME(token.Comma);
        operands.push(this.SUBRULE1(this.operand));
      });
    });
    return statement;
  });

  private readonly data = this.RULE("data", (): StatementTree => {
    const word = lower(this.CONSUME(token.Data));
    const items: DataItem[] = [];
    let gap: IToken | undefined;
    const statement: StatementTree = { kind: "data", word, unit: units[word.text] ?? 1, items };
    this.reading.statement ??= statement;
    this.OPTION(() => {
      items.push(this.SUBRULE(this.dataItem));
      this.MANY(() => {
        const comma = this.CONSUME(token.Comma);
        // A comma at the end of the list is allowed, but nothing between two.
        if (gap) this.problem(gap, "syntax", "A value is missing after this comma.");
        gap = comma;
        this.OPTION1(() => {
          items.push(this.SUBRULE1(this.dataItem));
          gap = undefined;
        });
      });
    });
    return statement;
  });

  private readonly dataItem = this.RULE("dataItem", (): DataItem => {
    return this.OR<IOrAlt<DataItem>[]>([
      {
        ALT: () => {
          const word = this.CONSUME(token.OperandWord);
          const item = this.OR1<IOrAlt<DataItem>[]>([
            { GATE: () => this.startsList(), ALT: () => this.SUBRULE(this.dataList) },
            { ALT: () => this.SUBRULE(this.dataItem) },
          ]);
          const unit = sizeWords[word.image?.toLowerCase() ?? ""];
          if (!unit) this.problem(word, "syntax", `“${word.image}” is no size of data.`);
          return { kind: "sized", unit: unit ?? 1, item, start: word.startOffset, end: endOf(this.LA(0)) };
        },
      },
      {
        ALT: () => {
          const t = this.CONSUME(token.Question);
          return { kind: "uninitialized", start: t.startOffset, end: endOf(t) };
        },
      },
      { GATE: () => this.LA(1).image === "%", ALT: () => this.SUBRULE1(this.dataList) },
      { GATE: () => this.startsFloat(), ALT: () => this.SUBRULE(this.float) },
      {
        ALT: () => {
          const count = this.SUBRULE(this.expression);
          return (
            this.OPTION(() => {
              this.CONSUME(token.Dup);
              const body = this.OR2<IOrAlt<DataItem>[]>([
                { GATE: () => this.startsList(), ALT: () => this.SUBRULE2(this.dataList) },
                { ALT: () => this.SUBRULE1(this.dataItem) },
              ]);
              const items = body?.kind === "list" && !body.count ? body.items : [body];
              return { kind: "list", count, items, start: count?.start ?? 0, end: endOf(this.LA(0)) } as DataItem;
            }) ?? count
          );
        },
      },
    ]);
  });

  /** After a size or `dup`, a parenthesis opens a list, not an expression. */
  private startsList(): boolean {
    const next = this.LA(1);
    return next.tokenType === token.Open || next.image === "%";
  }

  private startsFloat(): boolean {
    const sign = this.LA(1).tokenType === token.PlusMinus;
    return isFloat(sign ? this.LA(2) : this.LA(1));
  }

  /** `(…)` or `%(…)`. */
  private readonly dataList = this.RULE("dataList", (): DataItem => {
    const start = this.LA(1).startOffset;
    const items: DataItem[] = [];
    this.OPTION(() => this.CONSUME(token.Infix));
    this.CONSUME(token.Open);
    this.MANY_SEP({ SEP: token.Comma, DEF: () => items.push(this.SUBRULE(this.dataItem)) });
    const end = endOf(this.CONSUME(token.Close));
    return { kind: "list", count: undefined, items, start, end };
  });

  private readonly float = this.RULE("float", (): DataItem => {
    const sign = this.OPTION(() => this.CONSUME(token.PlusMinus));
    const t = chosen(this.OR([{ ALT: () => this.CONSUME(token.Float) }, { ALT: () => this.CONSUME(token.Name) }]));
    const start = sign?.startOffset ?? t.startOffset;
    return { kind: "float", text: floatText(t.image), negative: sign?.image === "-", start, end: endOf(t) };
  });

  private readonly file = this.RULE("file", (): StatementTree => {
    const word = lower(this.CONSUME(token.Incbin));
    const path = this.CONSUME(token.Text);
    let skip: Expression | undefined;
    let length: Expression | undefined;
    this.OPTION(() => {
      this.CONSUME(token.Comma);
      skip = this.SUBRULE(this.expression);
      this.OPTION1(() => {
        this.CONSUME1(token.Comma);
        length = this.SUBRULE1(this.expression);
      });
    });
    const text = path.image?.[0] === "`" ? String.fromCharCode(...parseText(path.image)) : path.image?.slice(1, -1);
    return { kind: "file", word, path: { text: text ?? "", start: path.startOffset, end: endOf(path) }, skip, length };
  });

  private readonly structure = this.RULE("structure", (): StatementTree => {
    return this.OR<IOrAlt<StatementTree>[]>([
      {
        ALT: () => {
          const word = lower(this.CONSUME(token.Absolute));
          return { kind: "absolute", word, origin: this.SUBRULE(this.expression) };
        },
      },
      {
        ALT: () => {
          const word = lower(this.CONSUME(token.Structure));
          const name = this.SUBRULE1(this.expression);
          const origin = this.OPTION(() => {
            this.CONSUME(token.Comma);
            return this.SUBRULE2(this.expression);
          });
          return { kind: "structure", word, name, origin };
        },
      },
      {
        ALT: () => {
          const word = lower(this.CONSUME(token.EndStructure));
          return { kind: "structure", word, name: undefined, origin: undefined };
        },
      },
    ]);
  });

  private readonly member = this.RULE("member", (): StatementTree => {
    const word = lower(this.CONSUME(token.Member));
    const member = this.SUBRULE(this.expression);
    const times: Expression[] = [];
    const body = this.OPTION(() => {
      this.CONSUME(token.Comma);
      this.MANY(() => {
        this.CONSUME(token.Times);
        times.push(this.SUBRULE1(this.expression));
      });
      return this.OR<IOrAlt<StatementTree>[]>([
        { ALT: () => this.SUBRULE(this.instruction) },
        { ALT: () => this.SUBRULE(this.data) },
        { ALT: () => this.SUBRULE(this.reserve) },
        { ALT: () => this.SUBRULE(this.align) },
        { ALT: () => this.SUBRULE(this.file) },
      ]);
    });
    return { kind: "member", word, member, times, body };
  });

  private readonly reserve = this.RULE("reserve", (): StatementTree => {
    const word = lower(this.CONSUME(token.Reserve));
    const count = this.SUBRULE(this.expression);
    return { kind: "reserve", word, unit: units[word.text] ?? 1, count };
  });

  private readonly equ = this.RULE("equ", (): StatementTree => {
    const word = lower(this.CONSUME(token.Equ));
    const value = this.SUBRULE(this.expression);
    return { kind: "equ", word, value };
  });

  private readonly align = this.RULE("align", (): StatementTree => {
    const word = lower(this.CONSUME(token.Align));
    const boundary = this.SUBRULE(this.expression);
    const fill = this.OPTION(() => {
      const comma = this.CONSUME(token.Comma);
      return this.SUBRULE(this.fill, { ARGS: [endOf(comma)] });
    });
    return { kind: "align", word, boundary, fill };
  });

  private readonly fill = this.RULE("fill", (start: number): FillTree => {
    const statement = this.OR<IOrAlt<StatementTree>[]>([
      { ALT: () => this.SUBRULE(this.instruction) },
      { ALT: () => this.SUBRULE(this.data) },
      { ALT: () => this.SUBRULE(this.reserve) },
    ]);
    return { statement, start, end: endOf(this.LA(0)) };
  });

  private readonly directive = this.RULE("directive", (): StatementTree => {
    return this.OR<IOrAlt<StatementTree>[]>([
      {
        ALT: () => {
          const word = lower(this.CONSUME(token.ValueDirective));
          const value = this.SUBRULE(this.expression);
          const argument = { word: undefined, value, start: value?.start ?? 0, end: value?.end ?? 0 };
          return { kind: "directive", word, arguments: [argument] };
        },
      },
      {
        ALT: () => {
          const word = lower(this.CONSUME(token.WordDirective));
          const list: DirectiveArgument[] = [];
          this.MANY(() => {
            this.OPTION(() => this.CONSUME(token.Comma));
            list.push(this.SUBRULE(this.directiveWord));
          });
          return { kind: "directive", word, arguments: list };
        },
      },
    ]);
  });

  private readonly directiveWord = this.RULE("directiveWord", (): DirectiveArgument => {
    const word = chosen(
      this.OR([
        { ALT: () => this.CONSUME(token.Name) },
        { ALT: () => this.CONSUME(token.EscapedName) },
        { ALT: () => this.CONSUME(token.UnknownWord) },
        { ALT: () => this.CONSUME(token.Mnemonic) },
        { ALT: () => this.CONSUME(token.AddressWord) },
        { ALT: () => this.CONSUME(token.Align) },
      ]),
    );
    const value = this.OPTION(() => {
      this.CONSUME(token.Infix);
      return this.SUBRULE(this.expression);
    });
    return { word: symbolName(word), value, start: word.startOffset, end: value?.end ?? endOf(word) };
  });

  private readonly operand = this.RULE("operand", (): OperandTree => {
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
          this.OR([{ ALT: () => this.CONSUME(token.OperandWord) }, { ALT: () => this.CONSUME(token.AddressWord) }]),
        );
        addressWords.push(lower(word).text as AddressWord);
      });
      const first = this.SUBRULE(this.expression);
      const second = this.OPTION(() => {
        this.CONSUME(token.Colon);
        return this.SUBRULE1(this.expression);
      });
      const end = endOf(this.CONSUME(token.CloseBracket));
      const [segment, address] = second ? [first, second] : [outer, first];
      return { kind: "memory", words, addressWords, segment, address, start, end };
    },
  );

  /** Operators are read as a flat list and put together by their levels: far fewer rule calls than a rule per level. */
  private readonly expression = this.RULE("expression", (): Expression => {
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
    return (
      this.OPTION(() => {
        this.CONSUME(token.Question);
        const yes = this.SUBRULE(this.expression);
        this.CONSUME(token.Colon);
        const no = this.SUBRULE1(this.expression);
        return conditional(value, yes, no);
      }) ?? value
    );
  });

  private readonly unary = this.RULE("unary", (): Expression => {
    let operators: IToken[] | undefined;
    this.MANY(() => {
      const operator = chosen(
        this.OR([{ ALT: () => this.CONSUME(token.PlusMinus) }, { ALT: () => this.CONSUME(token.Complement) }]),
      );
      operators ??= [];
      operators.push(operator);
    });
    let value = this.SUBRULE(this.primary);
    if (operators)
      for (const operator of operators.reverse())
        value = unary(operator.image as UnaryOperator, operator.startOffset, value);
    return value;
  });

  private readonly primary = this.RULE("primary", (): Expression => {
    return this.OR(this.primaries);
  });

  private segmentPrefix(t: IToken): void {
    this.reading.prefixes.push(lower(t));
    if (registerNamed(t.image)?.class !== "segment")
      this.problem(t, "syntax", `“${t.image}” is a register; an instruction is expected here.`);
  }

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
