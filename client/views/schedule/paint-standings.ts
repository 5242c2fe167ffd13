import { gutter } from "./layout.ts";
import { inSight } from "./model.ts";
import { colourOf, line, type Sheet, scaleOf } from "./sheet.ts";
import { running, type VcpuTrack } from "./trace.ts";
import type { Window } from "./window.ts";

/** Points of one line that are drawn at most for each pixel. */
const pointsPerPixel = 2;

/** The points of a window with one before and one after it, or some of them spread evenly. */
function* pointsIn({ standings }: VcpuTrack, { from, to }: Window, most: number): Generator<number> {
  const first = Math.max(0, standings.time.upTo(from) - 1);
  const last = Math.min(standings.length - 1, standings.time.upTo(to));
  const stride = Math.max(1, (last - first) / most);
  for (let place = first; place <= last; place += stride) yield Math.floor(place);
}

function rangeOf(tracks: readonly VcpuTrack[], window: Window, most: number): { least: number; most: number } {
  let [least, greatest] = [0, 0];
  for (const track of tracks)
    for (const n of pointsIn(track, window, most)) {
      least = Math.min(least, track.standings.value.at(n));
      greatest = Math.max(greatest, track.standings.value.at(n));
    }
  return { least, most: greatest === least ? least + 1 : greatest };
}

/** The numbers by which the scheduler decides, over time: a line for each vCPU. */
export function paintStandings(sheet: Sheet): void {
  const { canvas, layout, state, theme } = sheet;
  const { trace } = state;
  const window = inSight(state);
  const { x, pixels } = scaleOf(sheet);
  const { y: top, height } = layout.standings;
  const { least, most } = rangeOf(trace.vcpus, window, pointsPerPixel * pixels);
  const y = (value: number): number => top + height - ((value - least) / (most - least)) * height;
  canvas.strokeStyle = theme.grid;
  canvas.globalAlpha = 0.5;
  line(canvas, gutter, Math.round(y(0)) + 0.5, gutter + pixels, Math.round(y(0)) + 0.5);
  canvas.globalAlpha = 1;
  paintScale(sheet, least, most, y);
  canvas.save();
  canvas.beginPath();
  canvas.rect(gutter, top - 2, pixels, height + 4);
  canvas.clip();
  for (const [n, track] of trace.vcpus.entries()) {
    canvas.strokeStyle = colourOf(sheet, n);
    canvas.globalAlpha = state.lane?.kind === "vcpu" && state.lane.n !== n ? 0.2 : 1;
    canvas.lineWidth = 1.5;
    paintLine(sheet, track, x, y, pointsIn(track, window, pointsPerPixel * pixels));
    paintRaised(sheet, track, n, x, y);
  }
  canvas.restore();
  paintBands(sheet, y);
}

/** Bands that go by the sign of the number need no mark; others do: who is boosted or warped runs before its number says so. */
const bySign = ["", "UNDER", "OVER"];

/** A dot at each point at which a vCPU has come into such a band, unless there are too many to be seen. */
function paintRaised(
  sheet: Sheet,
  { standings }: VcpuTrack,
  vcpu: number,
  x: (time: number) => number,
  y: (value: number) => number,
): void {
  const { canvas, state } = sheet;
  const { from, to } = inSight(state);
  const [first, last] = [standings.time.upTo(from), standings.time.upTo(to)];
  if (last - first > scaleOf(sheet).pixels) return;
  canvas.fillStyle = colourOf(sheet, vcpu);
  for (let n = first; n < last; n++) {
    const band = standings.bandAt(n);
    if (bySign.includes(band) || (n > 0 && standings.bandAt(n - 1) === band)) continue;
    canvas.beginPath();
    canvas.arc(x(standings.time.at(n)), y(standings.value.at(n)), 3, 0, 2 * Math.PI);
    canvas.fill();
  }
}

/** The names of the bands that the line at 0 divides. */
function paintBands({ canvas, layout, state, theme, width }: Sheet, y: (value: number) => number): void {
  const { vcpus } = state.trace;
  if (
    !vcpus.some(
      ({ standings }) => standings.length > 0 && bySign.slice(1).includes(standings.bandAt(standings.length - 1)),
    )
  )
    return;
  const { y: top, height } = layout.standings;
  canvas.textAlign = "right";
  const write = (text: string, at: number): void => {
    const wide = canvas.measureText(text).width;
    canvas.globalAlpha = 0.75;
    canvas.fillStyle = theme.background;
    canvas.fillRect(width - 12 - wide, at - 6, wide + 4, 12);
    canvas.globalAlpha = 1;
    canvas.fillStyle = theme.quiet;
    canvas.fillText(text, width - 10, at);
  };
  if (y(0) - top > 14) write("UNDER", y(0) - 8);
  if (top + height - y(0) > 14) write("OVER", y(0) + 9);
}

/** Straight where it runs and so is charged; else level until something changes it. */
function paintLine(
  { canvas }: Sheet,
  { standings, lane }: VcpuTrack,
  x: (time: number) => number,
  y: (value: number) => number,
  points: Iterable<number>,
): void {
  canvas.beginPath();
  let last: { x: number; y: number; time: number } | undefined;
  for (const n of points) {
    const time = standings.time.at(n);
    const to = { x: x(time), y: y(standings.value.at(n)), time };
    if (!last) canvas.moveTo(to.x, to.y);
    else if (lane.valueOf(lane.spanAt(last.time)) !== running) canvas.lineTo(to.x, last.y);
    if (last) canvas.lineTo(to.x, to.y);
    last = to;
  }
  canvas.stroke();
}

function paintScale(
  { canvas, layout, state, theme }: Sheet,
  least: number,
  most: number,
  y: (value: number) => number,
) {
  const { y: top, height } = layout.standings;
  canvas.fillStyle = theme.quiet;
  canvas.textAlign = "right";
  const values = [most, 0, least].filter((value, n, all) => all.indexOf(value) === n);
  const apart = values.filter((value) => value !== 0 || (y(0) - top > 11 && top + height - y(0) > 11));
  for (const value of apart.length > 0 ? apart : values)
    canvas.fillText(
      value.toLocaleString("en"),
      gutter - 6,
      Math.min(top + height - 4, Math.max(top + 4, y(value))),
      gutter - 8,
    );
  canvas.textAlign = "left";
  canvas.fillText(state.trace.measure, gutter + 4, top - 2);
}
