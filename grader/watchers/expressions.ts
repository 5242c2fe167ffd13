import { type Answer, answerText, evaluateText } from "../../debug-adapter/evaluate.ts";
import { type Expression, namesIn, parseExpression } from "../../debug-adapter/expression.ts";
import type { Verdict } from "../verdict.ts";
import { missing, type Subject } from "../watcher.ts";

/** A parsed expression; the assignment has been checked. */
const parsed = (text: string): Expression => parseExpression(text).expression!;

/** A name of an expression that neither the machine nor the program has: the verdict. */
export async function unknownName(subject: Subject, text: string, expected: string): Promise<Verdict | undefined> {
  for (const name of namesIn(parsed(text)))
    if (evaluateText(subject, name).problem !== undefined) return missing(subject, name, expected);
  return undefined;
}

const widths: Readonly<Record<number, string>> = { 8: "byte ", 16: "word ", 32: "dword ", 64: "qword " };

function written(expression: Expression): string {
  switch (expression.kind) {
    case "number":
      return `0x${expression.value.toString(16)}`;
    case "name":
      return expression.name;
    case "memory": {
      const { width, place, address } = expression;
      return `${width === undefined ? "" : widths[width]}[${place === undefined ? "" : `${place}:`}${written(address)}]`;
    }
    case "translation": {
      const { to, place, address } = expression;
      return `${to}(${place === undefined ? "" : `${place}:`}${written(address)})`;
    }
    case "unary":
      return `${expression.operator}${grouped(expression.operand)}`;
    case "binary":
      return `${grouped(expression.left)} ${expression.operator} ${grouped(expression.right)}`;
  }
}

const grouped = (expression: Expression): string =>
  expression.kind === "binary" ? `(${written(expression)})` : written(expression);

/** What of an expression may have another value than expected: registers and memory. */
function operands(expression: Expression): readonly string[] {
  switch (expression.kind) {
    case "number":
      return [];
    case "name":
    case "memory":
    case "translation":
      return [written(expression)];
    case "unary":
      return operands(expression.operand);
    case "binary":
      return [...operands(expression.left), ...operands(expression.right)];
  }
}

/** The registers and the memory that an expression is about, with their values now. */
export function valuesText(subject: Subject, text: string): string {
  const told = [...new Set(operands(parsed(text)))].flatMap((operand) => {
    const outcome = evaluateText(subject, operand);
    if (outcome.problem !== undefined) return [outcome.problem];
    return ["register", "memory", "field"].includes(outcome.kind)
      ? [`${operand} is ${answerText(subject, outcome)}`]
      : [];
  });
  return told.join(", ");
}

/** An address in linear or physical memory: of a label, where the program has been put. */
export const addressOf = ({ kind, value, location }: Answer): bigint =>
  kind === "label" && location ? location.address : BigInt.asUintN(64, value);
