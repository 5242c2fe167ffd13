import type { Mark } from "./time-marks.ts";

/** Of a mark, in the units in which marks begin. */
const markWidth = 3;

/** How a row of marks is drawn. */
export interface MarkLook {
  /** Height at which marks stand. */
  readonly base: number;
  /** Height of a mark of one event, and of the most that one stands for. */
  readonly least: number;
  readonly most: number;
}

interface Props<E> {
  readonly marks: readonly Mark<E>[];
  /** Classes of marks, and of those that are to be told apart. */
  readonly colours: readonly [string, string];
  readonly look: MarkLook;
  /** The most events of one mark. */
  readonly tallest: number;
  /** Virtual time of the selected event, in units, if it is one of these. */
  readonly selected: number | undefined;
}

const shape = <E,>({ x, count }: Mark<E>, { base, least, most }: MarkLook, tallest: number): string =>
  `M${x} ${base}v${-(least + ((most - least) * count) / tallest).toFixed(1)}h${markWidth}V${base}z`;

/** All marks of a group: a path for each colour, for a thousand elements would take the browser longer than all else. */
export function Marks<E>({ marks, colours, look, tallest, selected }: Props<E>) {
  const paths: Record<string, string> = {};
  for (const mark of marks) {
    const colour = colours[mark.special ? 1 : 0];
    paths[colour] = (paths[colour] ?? "") + shape(mark, look, tallest);
  }
  const chosen = selected === undefined ? undefined : marks.findLast(({ x }) => x <= Math.round(selected));
  return (
    <>
      {Object.entries(paths).map(([colour, path]) => (
        <path key={colour} class={`mark ${colour}`} d={path} />
      ))}
      {chosen && <path class={`mark selected ${colours[chosen.special ? 1 : 0]}`} d={shape(chosen, look, tallest)} />}
    </>
  );
}

/** Marks so many units away are still meant. */
const reach = 4;

/** The nearest mark to a place; undefined where none is near. */
export function markAt<E>(marks: Iterable<Mark<E>>, x: number): Mark<E> | undefined {
  let best: Mark<E> | undefined;
  const distance = (mark: Mark<E>): number => Math.abs(mark.x + markWidth / 2 - x);
  for (const mark of marks) if (distance(mark) <= reach && !(best && distance(best) <= distance(mark))) best = mark;
  return best;
}

/** Where in a picture so many units wide the pointer is. */
export const unitsOf = (
  { offsetX, currentTarget }: { offsetX: number; currentTarget: Element },
  wide: number,
): number => (offsetX * wide) / Math.max(1, currentTarget.clientWidth);

/** What is said of the place under the pointer; of a picture by its frame, which alone can have a title that changes. */
export function tell(picture: Element, text: string): void {
  if (picture.parentElement && picture.parentElement.title !== text) picture.parentElement.title = text;
}
