import { binaryOperators, unaryOperators, wrap } from "./operators.ts";
import type { BinaryOperator, Expression, UnaryOperator } from "./tree.ts";

/** Builds expression trees, computing at once what is constant: most operands are plain numbers by the time they are used. */

const constant = (e: Expression): bigint | undefined =>
  e.kind === "number" || e.kind === "string" ? e.value : undefined;

const wasSummed = (e: Expression): boolean => e.kind === "number" && e.summed === true;

/** `operands` joined by `operators` in order, grouped by precedence; all operators group to the left. */
export function binary(operands: readonly Expression[], operators: readonly BinaryOperator[]): Expression {
  const values: Expression[] = [operands[0]!];
  const pending: BinaryOperator[] = [];
  const reduce = () => {
    const right = values.pop()!;
    values.push(join(pending.pop()!, values.pop()!, right));
  };
  for (const [n, operator] of operators.entries()) {
    while (pending.length > 0 && level(pending.at(-1)!) >= level(operator)) reduce();
    pending.push(operator);
    values.push(operands[n + 1]!);
  }
  while (pending.length > 0) reduce();
  return values[0]!;
}

const level = (operator: BinaryOperator): number => binaryOperators[operator]?.level ?? 0;

function join(operator: BinaryOperator, left: Expression, right: Expression): Expression {
  const span = { start: left.start, end: right.end };
  const [a, b] = [constant(left), constant(right)];
  const value = a === undefined || b === undefined ? undefined : binaryOperators[operator]?.apply(a, b);
  if (value === undefined) return { kind: "binary", operator, left, right, ...span };
  const summed = wasSummed(left) || wasSummed(right) || ((operator === "+" || operator === "-") && value !== 0n);
  return { kind: "number", value: wrap(value), summed, ...span };
}

export function unary(operator: UnaryOperator, start: number, operand: Expression): Expression {
  const span = { start, end: operand.end };
  const a = constant(operand);
  const value = a === undefined ? undefined : unaryOperators[operator](a);
  if (value !== undefined) return { kind: "number", value: wrap(value), summed: wasSummed(operand), ...span };
  return { kind: "unary", operator, operand, ...span };
}

export function conditional(condition: Expression, yes: Expression, no: Expression): Expression {
  return { kind: "conditional", condition, yes, no, start: condition.start, end: no.end };
}
