export interface Painter {
  /** At once: what a person did is seen, and the next key finds it. */
  readonly now: () => void;
  /**
   * Once a frame at most, and for a third of the time: events come by thousands, and where drawing takes long, it must not keep what
   * comes from being heard.
   */
  readonly soon: () => void;
}

/** Draws a page anew after what it shows has changed. */
export function painter(draw: () => void): Painter {
  let waiting = false;
  /** Until then the page rests. */
  let rest = 0;
  const now = (): void => {
    const start = performance.now();
    draw();
    rest = performance.now() + 2 * (performance.now() - start);
  };
  const onFrame = (): void => {
    waiting = false;
    now();
  };
  const soon = (): void => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => requestAnimationFrame(onFrame), Math.max(0, rest - performance.now()));
  };
  return { now, soon };
}
