import type { IOrAlt, IToken } from "chevrotain";
import { registerNamed } from "../isa/registers.ts";
import { parseText } from "./literals.ts";
import { blank, chosen, floatText, isFloat, lower, OperandParser, symbolName } from "./operand-parser.ts";
import { syntaxProblem } from "./syntax-problem.ts";
import * as token from "./tokens.ts";
import { endOf } from "./tokens.ts";
import type {
  DataItem,
  DirectiveArgument,
  Expression,
  FillTree,
  LineProblem,
  LineTree,
  OperandTree,
  StatementTree,
  Word,
} from "./tree.ts";
import { sizeWords, units } from "./words.ts";

/**
 * One source line as the start rule. Trees are built in the rules; there is no recovery inside a line, because the line
 * end is the recovery: a mistake costs its own line and nothing else.
 */
export class LineParser extends OperandParser {
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

  constructor() {
    super();
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
    return { kind: "float", text: floatText(t.image) ?? "0.0", negative: sign?.image === "-", start, end: endOf(t) };
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
        { ALT: () => this.CONSUME(token.OperandWord) },
        { ALT: () => this.CONSUME(token.Align) },
      ]),
    );
    const value = this.OPTION(() => {
      this.CONSUME(token.Infix);
      return this.SUBRULE(this.expression);
    });
    return { word: symbolName(word), value, start: word.startOffset, end: value?.end ?? endOf(word) };
  });

  private segmentPrefix(t: IToken): void {
    this.reading.prefixes.push(lower(t));
    if (registerNamed(t.image)?.class !== "segment")
      this.problem(t, "syntax", `“${t.image}” is a register; an instruction is expected here.`);
  }
}
