import { type Lane, unknown } from "./lane.ts";
import type { Window } from "./window.ts";

/** A piece of a lane's picture, in pixels from the left. */
export interface Segment {
  readonly x: number;
  readonly width: number;
  readonly value: number;
  /** Where it lies across the lane, in parts of its height: less than all where one pixel has several values. */
  readonly top: number;
  readonly height: number;
}

/** Looks into one pixel where it holds more spans than that. */
const samples = 8;

/**
 * A lane in a window, as wide as `width` pixels. Where spans are narrower than pixels, each column of a few is divided among its values by the
 * time they took, so that shares are seen at any distance; of very many, some spread evenly stand for all.
 */
export function segments(lane: Lane, window: Window, width: number): readonly Segment[] {
  const { from, to } = window;
  const [first, last] = [Math.max(0, lane.spanAt(from)), lane.spanAt(to)];
  return last - first > 2 * width ? dense(lane, window, width) : exact(lane, window, width, first, last);
}

/** Segments in the order in which to draw them: what is narrower than a pixel comes last, a pixel wide, unless there are too many of them. */
export function drawn(found: readonly Segment[], pixels: number): readonly Segment[] {
  if (found.length > pixels / 2) return found;
  const [wide, narrow] = [found.filter(({ width }) => width >= 1), found.filter(({ width }) => width < 1)];
  return [...wide, ...narrow.map((segment) => ({ ...segment, width: 1 }))];
}

function exact(lane: Lane, { from, to }: Window, width: number, first: number, last: number): readonly Segment[] {
  const scale = width / (to - from);
  const found: Segment[] = [];
  for (let span = first; span <= last; span++) {
    const start = Math.max(from, lane.startOf(span));
    const end = span === lane.length - 1 ? to : Math.min(to, lane.startOf(span + 1));
    const value = lane.valueOf(span);
    if (end > start && value !== unknown)
      found.push({ x: (start - from) * scale, width: (end - start) * scale, value, top: 0, height: 1 });
  }
  return found;
}

/** Pixels of a column. */
const columnWidth = 2;

function dense(lane: Lane, { from, to }: Window, width: number): readonly Segment[] {
  const step = (columnWidth * (to - from)) / width;
  const found: Segment[] = [];
  const times = new Times();
  let first = lane.spanAt(from);
  for (let column = 0; column * columnWidth < width; column++) {
    const begin = from + column * step;
    const end = Math.min(to, begin + step);
    const last = lane.spanAt(end);
    times.measure(lane, first, last, begin, end);
    const x = column * columnWidth;
    const wide = Math.min(columnWidth, width - x);
    first = last;
    let top = 0;
    for (const value of times.values) {
      const height = times.of(value) / times.all;
      if (value !== unknown) found.push({ x, width: wide, value, top, height });
      top += height;
    }
  }
  return found;
}

/** Values of lanes are from here on. */
const leastValue = -2;

/** How long a lane had each value between two moments. It is used again and again: a picture has thousands of such moments. */
class Times {
  readonly #times: number[] = [];
  /** The values that it had, in order. */
  values: number[] = [];
  all = 0;

  of(value: number): number {
    return this.#times[value - leastValue] ?? 0;
  }

  #add(value: number, time: number): void {
    const n = value - leastValue;
    if (!this.#times[n]) this.values.push(value);
    this.#times[n] = (this.#times[n] ?? 0) + time;
    this.all += time;
  }

  /** @param first the spans at the two moments */
  measure(lane: Lane, first: number, last: number, from: number, to: number): void {
    for (const value of this.values) this.#times[value - leastValue] = 0;
    this.values = [];
    this.all = 0;
    const stride = Math.max(1, (last - first) / samples);
    for (let place = first; place <= last; place += stride) {
      const span = Math.floor(place);
      const start = span < 0 ? from : Math.max(from, lane.startOf(span));
      const end = span >= lane.length - 1 ? to : Math.min(to, lane.startOf(span + 1));
      if (end > start) this.#add(lane.valueOf(span), end - start);
    }
    if (this.values.length > 1) this.values.sort((a, b) => a - b);
  }
}
