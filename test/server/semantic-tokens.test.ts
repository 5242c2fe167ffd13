import { describe, expect, it } from "vitest";
import { Assembler, assemble } from "../../assembler/index.ts";
import { DocumentTokens, legend } from "../../server/features/semantic-tokens.ts";
import { edited, generatedProgram, seeded } from "../assembler/random.ts";

const file = "f";

/** Each token as `line:text type modifier…`. */
function shown(text: string): string[] {
  const { data } = new DocumentTokens().full(file, text, assemble({ file, text }));
  const lines = text.split("\n");
  const out: string[] = [];
  let [line, column] = [0, 0];
  for (let at = 0; at < data.length; at += 5) {
    const [down, right, length, type, marks] = data.slice(at, at + 5) as [number, number, number, number, number];
    column = down > 0 ? right : column + right;
    line += down;
    const modifiers = legend.tokenModifiers.filter((_, n) => marks & (1 << n));
    out.push(
      [`${line}:${lines[line]!.slice(column, column + length)}`, legend.tokenTypes[type], ...modifiers].join(" "),
    );
  }
  return out;
}

describe("semantic tokens", () => {
  it("say what each word is", () => {
    expect(shown("%define port 80h\nstart: mov al, port ; go\n sgdt [table]\ntable: db 'x', 1")).toEqual([
      "0:%define directive",
      "0:port macro declaration",
      "0:80h number",
      "1:start label declaration",
      "1:mov keyword",
      "1:al register",
      "1:port macro",
      "1:; go comment",
      "2:sgdt keyword sensitive",
      "2:table variable",
      "3:table label declaration",
      "3:db directive",
      "3:'x' string",
      "3:1 number",
    ]);
  });

  it("mark what is sensitive and not privileged, by its operands", () => {
    const sensitive = shown("bits 32\nmov ax, cs\nmov ax, bx\nmov cr0, eax\npopfd").filter((text) =>
      /sensitive/.test(text),
    );
    expect(sensitive).toEqual(["1:mov keyword sensitive", "4:popfd keyword sensitive"]);
  });

  it("of a range are those of the whole", () => {
    const text = "a: nop\n\nb: mov eax, 1\nc: nop";
    const assembly = assemble({ file, text });
    const { data } = new DocumentTokens().range(file, text, assembly, 2, 2);
    expect(data).toHaveLength(4 * 5);
    expect(data.slice(0, 5)).toEqual([2, 0, 1, 1, 1]);
  });

  it("of an edit give what new ones give", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = seeded(seed);
      let text = generatedProgram(random, 60).join("\n");
      const assembler = new Assembler({ file });
      const tokens = new DocumentTokens();
      let { resultId, data } = tokens.full(file, text, assembler.assemble(text));
      for (let n = 0; n < 25; n++) {
        text = edited(text, random);
        const assembly = assembler.assemble(text);
        const answer = tokens.delta(file, text, assembly, resultId!);
        if ("edits" in answer) {
          for (const { start, deleteCount, data: made } of answer.edits)
            data = [...data.slice(0, start), ...(made ?? []), ...data.slice(start + deleteCount)];
        } else ({ data } = answer);
        resultId = answer.resultId;
        expect(data).toEqual(new DocumentTokens().full(file, text, assembly).data);
      }
    }
  });
});
