import { type FloatMode, lostFloat } from "./float.ts";
import { floatBits } from "./functions.ts";
import { binaryOperators, unaryOperators, wrap } from "./operators.ts";
import type { Expression, Span } from "./tree.ts";
import { combine, isScalar, number, register, scale, unknown, type Value } from "./value.ts";

/** What the value of an expression depends on, and who hears of its mistakes. */
export interface Environment {
  /** Value of the line's symbol in `slot`, or undefined if it has none yet. */
  symbol(slot: number): Value | undefined;
  here(): Value;
  sectionStart(): Value;
  readonly floatMode: FloatMode;
  /** Why an address cannot be taken with respect to something; undefined if it can. */
  wrtFault(base: string): string | undefined;
  fault(code: string, message: string, span: Span): void;
}

type Binary = Extract<Expression, { kind: "binary" }>;

/** Evaluates as nasm does, on 64-bit values. Mistakes are reported and give an unknown value. */
export function evaluate(expression: Expression, environment: Environment): Value {
  switch (expression.kind) {
    case "number":
      return number(expression.value, expression.summed);
    case "string":
      return number(expression.value);
    case "symbol":
      return environment.symbol(expression.slot) ?? unknown;
    case "wrt": {
      const fault = environment.wrtFault(expression.base);
      if (fault !== undefined) environment.fault("unsupported-word", fault, expression);
      return { ...evaluate(expression.operand, environment), wrt: expression.base };
    }
    case "float-bits":
      return evaluateFloat(expression, environment);
    case "here":
      return environment.here();
    case "section-start":
      return environment.sectionStart();
    case "register":
      return register(expression.register);
    case "unary":
      return evaluateUnary(expression, environment);
    case "binary":
      return evaluateBinary(expression, environment);
    case "conditional":
      return evaluateConditional(expression, environment);
  }
}

function evaluateUnary(expression: Extract<Expression, { kind: "unary" }>, environment: Environment): Value {
  const value = evaluate(expression.operand, environment);
  if (expression.operator === "+") return value;
  if (expression.operator === "-") return scale(value, -1n);
  if (value.unknown) return unknown;
  if (!isScalar(value)) return notScalar(expression.operator, expression.operand, environment);
  const result = unaryOperators[expression.operator](value.constant);
  if (result !== undefined) return number(wrap(result), value.summed);
  environment.fault("not-a-power", "Only a power of two has a whole logarithm to the base 2.", expression.operand);
  return unknown;
}

function evaluateFloat(expression: Extract<Expression, { kind: "float-bits" }>, environment: Environment): Value {
  const { format, text, negative } = expression;
  const bits = floatBits(format, text, negative, environment.floatMode);
  if (bits !== undefined) return number(bits);
  environment.fault("value-out-of-range", lostFloat(text), expression);
  return unknown;
}

/** Long sums lean to the left, so the left side is walked in a loop. */
function evaluateBinary(expression: Binary, environment: Environment): Value {
  const spine: Binary[] = [];
  let leftmost: Expression = expression;
  while (leftmost.kind === "binary") {
    spine.push(leftmost);
    leftmost = leftmost.left;
  }
  let value = evaluate(leftmost, environment);
  for (let n = spine.length - 1; n >= 0; n--) {
    const node = spine[n]!;
    value = apply(node, value, evaluate(node.right, environment), environment);
  }
  return value;
}

function apply(node: Binary, a: Value, b: Value, environment: Environment): Value {
  const { operator } = node;
  if (operator === "+") return combine(a, b, 1n);
  if (operator === "-") return combine(a, b, -1n);
  if (a.unknown || b.unknown) return unknown;
  const summed = a.summed || b.summed;
  if (operator === "*") {
    if (isScalar(b)) return { ...scale(a, b.constant), summed };
    if (isScalar(a)) return { ...scale(b, a.constant), summed };
  }
  if (!isScalar(a)) return notScalar(operator, node.left, environment);
  if (!isScalar(b)) return notScalar(operator, node.right, environment);
  const known = binaryOperators[operator];
  if (!known) return unknown;
  const result = known.apply(a.constant, b.constant);
  if (result !== undefined) return number(wrap(result), summed);
  if (operator === "<=>") {
    const message = "nasm 2.16.01 gives “<=>” no value where the first number is less; compare with < and >.";
    environment.fault("unsupported-operator", message, node);
  } else environment.fault("division-by-zero", "Division by zero.", node.right);
  return unknown;
}

function evaluateConditional(
  { condition, yes, no }: Extract<Expression, { kind: "conditional" }>,
  environment: Environment,
): Value {
  const value = evaluate(condition, environment);
  // Both are evaluated, so that a mistake in either is seen.
  const [first, second] = [evaluate(yes, environment), evaluate(no, environment)];
  if (value.unknown) return unknown;
  if (!isScalar(value)) return notScalar("?", condition, environment);
  const chosen = value.constant === 0n ? second : first;
  return { ...chosen, summed: chosen.summed || value.summed };
}

function notScalar(operator: string, span: Span, environment: Environment): Value {
  const message =
    `The operator “${operator}” needs a constant, but the address of a label is only known after assembly; ` +
    "use a difference of labels, such as label - $$.";
  environment.fault("not-constant", message, span);
  return unknown;
}
