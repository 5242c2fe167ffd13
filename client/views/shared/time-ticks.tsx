import { ticks } from "./ticks.ts";
import { marksWidth } from "./time-marks.ts";

/** "20 k": a round number of cycles. */
export function tickText(cycle: number): string {
  const [size, unit] = cycle >= 1e9 ? [1e9, " G"] : cycle >= 1e6 ? [1e6, " M"] : cycle >= 1e3 ? [1e3, " k"] : [1, ""];
  return `${Number((cycle / size).toPrecision(6))}${unit}`;
}

interface Props {
  /** Cycles at the left and at the right end of the marks. */
  readonly from?: number;
  readonly end: number;
  /** Units of the picture from its left to its right. */
  readonly wide: number;
}

/** The numbers below a line of time; for the eye only. */
export function TimeTicks({ from = 0, end, wide }: Props) {
  const scale = (100 * marksWidth) / (wide * Math.max(1, end - from));
  return (
    <div class="ticks" aria-hidden="true">
      {ticks({ from, to: end }, 7).map((cycle, n) => (
        <span key={cycle} style={{ left: `${(cycle - from) * scale}%` }}>
          {tickText(cycle)}
          {n === 0 ? " cycles" : ""}
        </span>
      ))}
    </div>
  );
}
