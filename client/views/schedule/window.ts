/** The part of time that a picture shows, in microseconds of virtual time. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Less than that is not worth looking at: decisions are whole microseconds apart. */
const shortest = 20;

/** As much of time as there is, at least a little. */
const whole = (end: number): Window => ({ from: 0, to: Math.max(shortest, end) });

/** Keeps a window within time, as wide as it is if there is room. */
export function within({ from, to }: Window, end: number): Window {
  const all = whole(end);
  const width = Math.min(all.to, Math.max(shortest, to - from));
  const start = Math.max(0, Math.min(from, all.to - width));
  return { from: start, to: start + width };
}

/** `factor` below 1 shows less; the moment `centre` stays where it is. */
export function zoomed({ from, to }: Window, factor: number, centre: number, end: number): Window {
  const width = Math.min(whole(end).to, Math.max(shortest, (to - from) * factor));
  const part = (centre - from) / (to - from);
  return within({ from: centre - part * width, to: centre + (1 - part) * width }, end);
}

/** Moves by a part of what is in sight; to the right above 0. */
export const panned = ({ from, to }: Window, part: number, end: number): Window =>
  within({ from: from + part * (to - from), to: to + part * (to - from) }, end);

/** A window of the same width in which a moment is to be seen; the same if it is already. */
export function showing(window: Window, moment: number, end: number): Window {
  if (moment >= window.from && moment <= window.to) return window;
  const half = (window.to - window.from) / 2;
  return within({ from: moment - half, to: moment + half }, end);
}

/** "12.5 ms": exact to the microsecond. */
export const timeText = (time: number): string =>
  time < 1000
    ? `${Math.round(time)} µs`
    : `${(Math.round(time) / 1000).toLocaleString("en", { maximumFractionDigits: 3 })} ms`;
