import { runStates } from "../../../emulator/schedule/vcpu.ts";
import { ticks } from "../shared/ticks.ts";
import { axisHeight, gutter, type Row } from "./layout.ts";
import { inSight, present } from "./model.ts";
import { paintStandings } from "./paint-standings.ts";
import { drawn, type Segment, segments } from "./segments.ts";
import { colourOf, isInSight, line, type Sheet, scaleOf } from "./sheet.ts";
import { hazard } from "./trace.ts";
import { timeText } from "./window.ts";

/** Draws the whole picture anew. */
export function paint(sheet: Sheet): void {
  const { canvas, layout, theme, width } = sheet;
  canvas.clearRect(0, 0, width, layout.height);
  canvas.font = `11px ${theme.font}`;
  canvas.textBaseline = "middle";
  paintAxis(sheet);
  paintHazards(sheet);
  for (const row of layout.rows.filter((one) => isInSight(sheet, one)))
    row.lane.kind === "pcpu" ? paintPcpu(sheet, row) : paintVcpu(sheet, row);
  paintMigrations(sheet);
  if (isInSight(sheet, layout.standings)) paintStandings(sheet);
  paintCursors(sheet);
}

function paintAxis(sheet: Sheet): void {
  const { canvas, layout, theme, state, width } = sheet;
  const { x, pixels } = scaleOf(sheet);
  canvas.strokeStyle = theme.grid;
  canvas.fillStyle = theme.quiet;
  for (const time of ticks(inSight(state), Math.max(2, pixels / 110))) {
    const at = Math.round(x(time)) + 0.5;
    canvas.globalAlpha = 0.25;
    line(canvas, at, axisHeight - 3, at, layout.height);
    canvas.globalAlpha = 1;
    const text = timeText(time);
    const half = canvas.measureText(text).width / 2;
    canvas.textAlign = "left";
    canvas.fillText(text, Math.min(Math.max(at - half, gutter), width - 2 * half), axisHeight / 2 - 1);
  }
}

function paintLabel({ canvas, theme, state }: Sheet, { label, lane, y, height }: Row): void {
  const chosen = state.lane?.kind === lane.kind && state.lane.n === lane.n;
  canvas.textAlign = "right";
  canvas.fillStyle = chosen ? theme.text : theme.quiet;
  canvas.fillText(`${chosen ? "▸ " : ""}${label}`, gutter - 6, y + height / 2 + 0.5, gutter - 8);
}

/** A colour for each VM, the name where there is room. */
function paintPcpu(sheet: Sheet, row: Row): void {
  const { canvas, state, theme } = sheet;
  const { trace } = state;
  const { pixels } = scaleOf(sheet);
  paintLabel(sheet, row);
  const runs = segments(trace.pcpus[row.lane.n]!, inSight(state), pixels).filter(({ value }) => value >= 0);
  for (const segment of drawn(runs, pixels)) {
    const { x, width, value } = segment;
    canvas.fillStyle = colourOf(sheet, value);
    canvas.fillRect(...box(row, segment, width > 3 ? 1 : 0));
    const name = trace.vcpus[value]!.id;
    if (width < 18 || canvas.measureText(name).width > width - 6) continue;
    canvas.fillStyle = theme.background;
    canvas.textAlign = "center";
    canvas.fillText(name, gutter + x + width / 2, row.y + row.height / 2 + 0.5);
  }
}

/** @param gap pixels left free at the right, so that neighbours of one colour are told apart */
const box = (row: Row, { x, width, top, height }: Segment, gap = 0): [number, number, number, number] => [
  gutter + x,
  row.y + top * row.height,
  width - gap,
  height * row.height,
];

/** How much of a lane's height stands for a state, from below; the heights tell what colours alone may not. */
const looks: Readonly<Record<(typeof runStates)[number], { readonly part: number; readonly alpha: number }>> = {
  running: { part: 1, alpha: 1 },
  runnable: { part: 0.5, alpha: 0.5 },
  parked: { part: 0.5, alpha: 1 },
  blocked: { part: 0.1, alpha: 0.6 },
  offline: { part: 0, alpha: 0 },
};

function paintVcpu(sheet: Sheet, row: Row): void {
  const { canvas, state, theme } = sheet;
  const { pixels } = scaleOf(sheet);
  paintLabel(sheet, row);
  for (const segment of drawn(segments(state.trace.vcpus[row.lane.n]!.lane, inSight(state), pixels), pixels)) {
    const name = runStates[segment.value]!;
    const { part, alpha } = looks[name];
    canvas.globalAlpha = alpha;
    canvas.fillStyle = name === "parked" ? theme.red : name === "blocked" ? theme.quiet : colourOf(sheet, row.lane.n);
    const [x, y, width, height] = box(row, segment);
    if (segment.height < 1) canvas.fillRect(x, y, width, name === "blocked" || name === "offline" ? 0 : height);
    else canvas.fillRect(x, y + (1 - part) * height, width, part * height);
  }
  canvas.globalAlpha = 1;
}

/** A stroke on the lane of a vCPU where it came to another physical CPU, unless there are too many to be told apart. */
function paintMigrations(sheet: Sheet): void {
  const { canvas, layout, state, theme } = sheet;
  const { trace } = state;
  const { from, to } = inSight(state);
  const { x, pixels } = scaleOf(sheet);
  const first = trace.migrations.upTo(trace.time.upTo(from - 1) - 1);
  const end = trace.migrations.upTo(trace.time.upTo(to) - 1);
  if (end - first > pixels / 4) return;
  canvas.strokeStyle = theme.text;
  canvas.lineWidth = 2;
  for (let n = first; n < end; n++) {
    const { subject, time } = trace.row(trace.migrations.at(n));
    const row = layout.rows.find(({ lane }) => lane.kind === "vcpu" && trace.vcpus[lane.n] === subject);
    const at = Math.round(x(time));
    if (row && isInSight(sheet, row)) line(canvas, at, row.y - 1, at, row.y + row.height + 1);
  }
  canvas.lineWidth = 1;
}

/** Behind the lanes of a VM, when some of its vCPUs run while others wait. */
function paintHazards(sheet: Sheet): void {
  const { canvas, layout, state, theme } = sheet;
  const { pixels } = scaleOf(sheet);
  canvas.fillStyle = theme.red;
  for (const [n, { lane }] of state.trace.vms.entries()) {
    const group = layout.groups[n];
    if (!group || !isInSight(sheet, group)) continue;
    for (const { x, width, value, height } of segments(lane, inSight(state), pixels)) {
      if (value !== hazard) continue;
      canvas.globalAlpha = 0.18 * height;
      canvas.fillRect(gutter + x, group.y, width, group.height);
      canvas.globalAlpha = height;
      canvas.fillRect(gutter + x, group.y - 3, width, 2);
    }
  }
  canvas.globalAlpha = 1;
}

/** Where the present is, and the selected event. */
function paintCursors(sheet: Sheet): void {
  const { canvas, layout, state, theme } = sheet;
  const sight = inSight(state);
  const { x } = scaleOf(sheet);
  const at = (time: number, colour: string, dash: readonly number[]): void => {
    if (time < sight.from || time > sight.to) return;
    canvas.strokeStyle = colour;
    canvas.lineWidth = 2;
    canvas.setLineDash([...dash]);
    line(canvas, x(time), axisHeight - 3, x(time), layout.height);
  };
  for (const [sequence, colour, dash] of [
    [state.pointed, theme.quiet, [2, 3]],
    [state.selected, theme.text, []],
  ] as const) {
    const n = sequence === undefined ? undefined : state.trace.placeOf(sequence);
    if (n !== undefined) at(state.trace.time.at(n), colour, dash);
  }
  if (state.cursor !== undefined) at(state.trace.microseconds(state.cursor), theme.text, [4, 3]);
  at(present(state), theme.focus, []);
  canvas.setLineDash([]);
  canvas.lineWidth = 1;
}
