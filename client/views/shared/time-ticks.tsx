import { ticks } from "./ticks.ts";
import { marksWidth } from "./time-marks.ts";

/** "20 k": a round number of cycles. */
export function tickText(cycle: number): string {
  const [size, unit] = cycle >= 1e9 ? [1e9, " G"] : cycle >= 1e6 ? [1e6, " M"] : cycle >= 1e3 ? [1e3, " k"] : [1, ""];
  return `${Number((cycle / size).toPrecision(6))}${unit}`;
}

/** The numbers below a line of time of `end` cycles in a picture `wide` units wide; for the eye only. */
export function TimeTicks({ end, wide }: { readonly end: number; readonly wide: number }) {
  return (
    <div class="ticks" aria-hidden="true">
      {ticks({ from: 0, to: end }, 7).map((cycle) => (
        <span key={cycle} style={{ left: `${(100 * marksWidth * cycle) / (wide * Math.max(1, end))}%` }}>
          {cycle === 0 ? "0 cycles" : tickText(cycle)}
        </span>
      ))}
    </div>
  );
}
