import type { CostPredicate, costMeasures } from "./assignment.ts";
import { comparison, comparisonText, holds } from "./comparison.ts";
import { baseless, type Verdict, verdict } from "./verdict.ts";

/** What a run took. */
export type Figures = Readonly<Record<(typeof costMeasures)[number], number>>;

/** What the runs of the scenarios took; undefined of those that did not run. */
export type FiguresOf = (scenario: string) => Figures | undefined;

const text = (value: number): string => value.toLocaleString("en", { maximumFractionDigits: 4 });

/** For checks of what a run took, maybe beside another. */
export function costVerdict(
  { measure, is, relativeTo }: CostPredicate,
  scenario: string,
  figuresOf: FiguresOf,
): Verdict {
  const bound = comparison(is);
  const beside = relativeTo === undefined ? "" : ` times those of ${relativeTo}`;
  const expected = `${comparisonText(bound)}${beside} ${measure}`;
  const own = figuresOf(scenario)?.[measure];
  const other = relativeTo === undefined ? 1 : figuresOf(relativeTo)?.[measure];
  if (own === undefined || other === undefined) return baseless(expected, "the program did not run");
  const met = holds(other === 0 ? (own === 0 ? 1 : Number.POSITIVE_INFINITY) : own / other, bound);
  const factor = relativeTo === undefined ? "" : `, ${text(own / other)} times the ${text(other)} of ${relativeTo}`;
  return verdict(met, { expected, happened: `${text(own)} ${measure}${factor}` });
}
