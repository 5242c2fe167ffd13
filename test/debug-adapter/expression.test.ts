import { describe, expect, it } from "vitest";
import { type Expression, parseExpression, parseNumber } from "../../debug-adapter/expression.ts";

/** An expression with all its parentheses. */
function show(expression: Expression): string {
  switch (expression.kind) {
    case "number":
      return `${expression.value}`;
    case "name":
      return expression.name;
    case "memory": {
      const place = expression.place ? `${expression.place}:` : "";
      return `${expression.width ?? "?"}[${place}${show(expression.address)}]`;
    }
    case "translation":
      return `${expression.to}(${expression.place ? `${expression.place}:` : ""}${show(expression.address)})`;
    case "unary":
      return `${expression.operator}${show(expression.operand)}`;
    case "binary":
      return `(${show(expression.left)} ${expression.operator} ${show(expression.right)})`;
  }
}

describe("expressions", () => {
  it.each([
    ["eax+4*2", "(eax + (4 * 2))"],
    ["1 - 2 - 3", "((1 - 2) - 3)"],
    ["al & 1 == 1", "((al & 1) == 1)"],
    ["zf && !cf || sf", "((zf && !cf) || sf)"],
    ["-1 + ~eax", "(-1 + ~eax)"],
    ["1 << 2 + 3", "(1 << (2 + 3))"],
    ["(1 << 2) + 3", "((1 << 2) + 3)"],
    ["[bx+si-2]", "?[((bx + si) - 2)]"],
    ["byte [es:di]", "8[es:di]"],
    ["DWORD PTR [table + 4]", "32[(table + 4)]"],
    ["qword [gpa:1000h]", "64[gpa:4096]"],
    ["cs.base + print.loop", "(cs.base + print.loop)"],
    ["'AB'", "16961"],
    ["$", "$"],
    ["vmcs.exit_reason & 0xffff", "(vmcs.exit_reason & 65535)"],
    ["GPA(es:di + 1) >> 12", "(gpa(es:(di + 1)) >> 12)"],
    ["byte [hpa: hpa(rsp)]", "8[hpa:hpa(rsp)]"],
  ])("reads %s", (source, shown) => {
    expect(show(parseExpression(source).expression!)).toBe(shown);
  });

  it.each([
    ["(1 + 2", '")" is missing before the end'],
    ["1 +", "a value is missing before the end"],
    ["eax ebx", 'an operator is missing before "ebx"'],
    ["gpa(1", '")" is missing before the end'],
    ["word", '"[" is missing before the end'],
    ["12zz", '"12zz" is not a number'],
    ["''", "'' must hold 1 to 8 ASCII characters"],
    ["eax ; 5", '"; 5" is not part of an expression'],
    ["", "a value is missing before the end"],
    ["(".repeat(5000), "an expression may have at most 1000 characters"],
  ])("refuses %s", (source, problem) => {
    expect(parseExpression(source).problem).toBe(problem);
  });

  it.each([
    ["0x1F", 31n],
    ["1Fh", 31n],
    ["$1f", 31n],
    ["0h1f", 31n],
    ["1010b", 10n],
    ["0b1010", 10n],
    ["17q", 15n],
    ["0o17", 15n],
    ["1_000", 1000n],
    ["10d", 10n],
    ["0bh", 11n],
    ["1g", undefined],
    ["eax", undefined],
  ])("knows NASM's number %s", (text, value) => {
    expect(parseNumber(text)).toBe(value);
  });
});
