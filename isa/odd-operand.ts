import { fitOperand } from "./fit-operand.ts";
import { existsIn, type Form } from "./form.ts";
import type { OperandPattern } from "./operand-pattern.ts";
import type { Written } from "./written.ts";

/** The operand that keeps a statement from being of the forms nearest to it. */
export interface OddOperand {
  readonly index: number;
  /** What those forms take in its place. */
  readonly patterns: readonly OperandPattern[];
  readonly forms: readonly Form[];
}

interface Candidate {
  readonly form: Form;
  readonly misfits: readonly number[];
  /** More operands that fit are nearer, and earlier ones count more. */
  readonly nearness: number;
}

function candidate(form: Form, written: Written): Candidate {
  const misfits: number[] = [];
  let nearness = 0;
  written.operands.forEach((operand, n) => {
    const fits = typeof fitOperand(form.operands[n]!, operand, written, form) !== "string";
    if (fits) nearness += 100 - n;
    else misfits.push(n);
  });
  return { form, misfits, nearness };
}

/** The one operand that is wrong, if the forms nearest to the statement agree on it. */
export function oddOperand(forms: readonly Form[], written: Written): OddOperand | undefined {
  const { operands, bits } = written;
  const possible = forms.filter((form) => form.operands.length === operands.length && existsIn(form.row, bits));
  const candidates = possible.map((form) => candidate(form, written));
  const nearest = Math.max(...candidates.map(({ nearness }) => nearness));
  const best = candidates.filter(({ nearness }) => nearness === nearest);
  const index = best[0]?.misfits[0];
  if (index === undefined || best.some(({ misfits }) => misfits.length !== 1 || misfits[0] !== index)) return undefined;
  return { index, patterns: best.map(({ form }) => form.operands[index]!), forms: best.map(({ form }) => form) };
}
