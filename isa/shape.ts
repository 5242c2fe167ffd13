import type { Form } from "./form.ts";
import type { OperandPattern } from "./operand-pattern.ts";
import type { WrittenOperand } from "./statement.ts";

/** Kinds of written operands that the same forms can take: what is left are names, sizes and values. */
const kinds = [
  "8",
  "16",
  "32",
  "64",
  "segment",
  "control",
  "debug",
  "memory",
  "number",
  "far",
  "x87",
  "mmx",
  "xmm",
] as const;
type Kind = (typeof kinds)[number];

function kindOf(operand: WrittenOperand): number {
  if (operand.kind !== "register") return operand.kind === "memory" ? 7 : operand.kind === "number" ? 8 : 9;
  const { class: kind, width } = operand.register;
  if (kind === "general" || kind === "high-byte") return width === 8 ? 0 : width === 16 ? 1 : width === 32 ? 2 : 3;
  return kinds.indexOf(kind);
}

/** The kinds of all operands as one number; 0 for none. */
function shapeOf(operands: readonly WrittenOperand[]): number {
  let shape = 0;
  for (let n = 0; n < operands.length; n++) shape = shape * (kinds.length + 1) + kindOf(operands[n]!) + 1;
  return shape;
}

/** Whether a pattern may take an operand of a kind; it errs on the side of yes. */
function mayTake(pattern: OperandPattern, kind: Kind): boolean {
  switch (kind) {
    case "memory":
      return pattern.kind === "memory" || pattern.kind === "rm";
    case "number":
      return pattern.kind === "immediate" || pattern.kind === "relative";
    case "segment":
    case "control":
    case "debug":
    case "far":
      return pattern.kind === kind;
    case "x87":
    case "mmx":
    case "xmm":
      return pattern.class === kind;
    default:
      // A selector may come in a register that is wider than its 16 bits.
      if (pattern.kind !== "register" && pattern.kind !== "rm") return false;
      return pattern.width === Number(kind) || pattern.width === 16;
  }
}

const byForms = new WeakMap<readonly Form[], Map<number, readonly Form[]>>();

/** Of some forms those that may fit the operands, in their order; found once for each combination of kinds. */
export function formsOfShape(forms: readonly Form[], operands: readonly WrittenOperand[]): readonly Form[] {
  const shapes = byForms.get(forms) ?? new Map<number, readonly Form[]>();
  byForms.set(forms, shapes);
  const shape = shapeOf(operands);
  const known = shapes.get(shape);
  if (known) return known;
  const found = forms.filter(
    (form) =>
      form.operands.length === operands.length &&
      form.operands.every((pattern, n) => mayTake(pattern, kinds[kindOf(operands[n]!)]!)),
  );
  shapes.set(shape, found);
  return found;
}
