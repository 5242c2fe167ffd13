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
 * A lane in a window, as wide as `width` pixels. Where spans are narrower than pixels, each pixel is divided among its values by the
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

function dense(lane: Lane, { from, to }: Window, width: number): readonly Segment[] {
  const step = (to - from) / width;
  const found: Segment[] = [];
  for (let x = 0; x < width; x++) {
    const times = timesIn(lane, from + x * step, from + (x + 1) * step);
    const all = [...times.values()].reduce((a, b) => a + b, 0);
    let top = 0;
    for (const [value, time] of [...times].sort(([a], [b]) => a - b)) {
      if (value !== unknown) found.push({ x, width: 1, value, top, height: time / all });
      top += time / all;
    }
  }
  return found;
}

/** How long a lane had each value between two moments. */
function timesIn(lane: Lane, from: number, to: number): ReadonlyMap<number, number> {
  const times = new Map<number, number>();
  const [first, last] = [lane.spanAt(from), lane.spanAt(to)];
  const stride = Math.max(1, (last - first) / samples);
  for (let place = first; place <= last; place += stride) {
    const span = Math.floor(place);
    const start = span < 0 ? from : Math.max(from, lane.startOf(span));
    const end = span >= lane.length - 1 ? to : Math.min(to, lane.startOf(span + 1));
    if (end > start) times.set(lane.valueOf(span), (times.get(lane.valueOf(span)) ?? 0) + end - start);
  }
  return times;
}
