import { useEffect } from "preact/hooks";
import type { Start } from "../shared/empty.tsx";
import { Filter } from "../shared/filter.tsx";
import { Gap } from "../shared/gap.tsx";
import { rowByKey } from "../shared/keys.ts";
import { rowHeight, useRowsInSight } from "../shared/rows.ts";
import { vmColour } from "../shared/vm-colours.ts";
import { Nothing } from "./empty.tsx";
import { inDetail, inSight, present, type State } from "./model.ts";
import { Picture } from "./picture.tsx";
import { SharesTable } from "./shares-table.tsx";
import type { DecisionRow, VcpuTrack } from "./trace.ts";
import { timeText } from "./window.ts";

export interface Actions {
  readonly filter: (text: string) => void;
  readonly select: (sequence: number) => void;
  readonly point: (sequence: number | undefined) => void;
  readonly lane: (by: number) => void;
  readonly along: (by: number) => void;
  readonly zoom: (factor: number, centre?: number) => void;
  readonly pan: (part: number) => void;
  readonly all: () => void;
  readonly live: (on: boolean) => void;
  /** Travel to the moment of an event and show its line. */
  readonly go: (sequence: number) => void;
  readonly debug: Start;
}

export interface Props {
  readonly state: State;
  readonly actions: Actions;
}

const number = (value: number): string => value.toLocaleString("en");
const counted = (count: number, what: string): string => `${number(count)} ${what}${count === 1 ? "" : "s"}`;

function Toolbar({ state, actions }: Props) {
  const { trace, matches } = state;
  const shown = state.filter.trim() === "" ? "" : `${number(matches.length)} of `;
  return (
    <header>
      <Filter label="Filter decisions by vCPU, kind or reason" value={state.filter} change={actions.filter} />
      <label>
        <input type="checkbox" checked={state.live} onChange={(event) => actions.live(event.currentTarget.checked)} />{" "}
        live
      </label>
      <span class="zoom">
        <button type="button" title="Show less time ( + )" aria-label="Zoom in" onClick={() => actions.zoom(0.5)}>
          +
        </button>
        <button type="button" title="Show more time ( - )" aria-label="Zoom out" onClick={() => actions.zoom(2)}>
          −
        </button>
        <button type="button" title="Show all of time ( 0 )" onClick={actions.all} disabled={!state.window}>
          all
        </button>
      </span>
      <Legend />
      <span class="summary" role="status">
        {counted(trace.pcpus.length, "physical CPU")} · {counted(trace.vcpus.length, "vCPU")} · {shown}
        {counted(trace.length, "event")} · {timeText(present(state))}
        {state.dropped > 0 && trace.length > 0 ? " · older ones no longer kept" : ""}
      </span>
    </header>
  );
}

/** What is drawn on the lane of a vCPU, or behind those of a VM. */
const legend = {
  running: "Has a physical CPU",
  runnable: "Could run and waits for a physical CPU",
  parked: "May not run for now: its cap or its budget is spent",
  blocked: "Waits for an event",
  hazard: "Concurrency hazard: some vCPUs of a VM run while others wait for a physical CPU",
  migration: "Comes to another physical CPU than it last ran on",
} as const;

function Legend() {
  return (
    <span class="legend">
      {(Object.keys(legend) as (keyof typeof legend)[]).map((state) => (
        <span key={state} title={legend[state]}>
          <span class={`swatch ${state}`} aria-hidden="true" />
          {state}
        </span>
      ))}
    </span>
  );
}

function VcpuName({ track, state }: { track: VcpuTrack | undefined; state: State }) {
  if (!track) return null;
  const n = state.trace.vms.findIndex(({ name }) => name === track.vm);
  return (
    <>
      <span class={`dot ${vmColour(n)}`} />
      {track.id}
    </>
  );
}

/** What happened, and why, as one line. */
function Detail({ row, state }: { row: DecisionRow; state: State }) {
  const place = row.pcpu === undefined ? "" : ` on pCPU ${row.pcpu}`;
  return (
    <section class="detail" aria-label={`Event ${row.sequence}`}>
      <p>
        <b>at {timeText(row.time)}</b>
        <VcpuName track={row.subject} state={state} /> {row.what}
        {place}
        {row.from && `, taken from ${row.from.id}`}
        {row.movedFrom !== undefined && `, migrated from pCPU ${row.movedFrom}`}: {row.reason}
      </p>
    </section>
  );
}

function Row({ row, state, actions }: Props & { row: DecisionRow }) {
  const selected = row.sequence === state.selected;
  return (
    <tr
      class={selected ? "selected" : ""}
      aria-selected={selected}
      data-sequence={row.sequence}
      title={`${row.reason}\nClick to go to this moment`}
      onClick={() => actions.go(row.sequence)}
    >
      <td class="number">{row.sequence}</td>
      <td class="number">{timeText(row.time)}</td>
      <td class="number">{row.pcpu ?? ""}</td>
      <td>
        <VcpuName track={row.subject} state={state} />
      </td>
      <td class="kind">
        {row.what}
        {row.from && ` ← ${row.from.id}`}
        {row.movedFrom !== undefined && ` · migrated from pCPU ${row.movedFrom}`}
      </td>
      <td class="what">{row.reason}</td>
    </tr>
  );
}

/** The rows in sight only: there may be a million. */
function Table({ state, actions }: Props) {
  const { matches, trace } = state;
  const { scroller, first, end, onScroll, show } = useRowsInSight(matches.length, state.live);
  const shown = Array.from({ length: Math.max(0, Math.min(end, matches.length) - first) }, (_, n) =>
    trace.row(matches.at(first + n)!),
  );
  const after = matches.length - first - shown.length;
  const place = state.selected === undefined ? undefined : trace.placeOf(state.selected);
  useEffect(() => {
    // What is selected in the picture is to be seen here.
    const row = place === undefined ? -1 : matches.rowOf(place);
    const element = scroller.current;
    if (row < 0 || !element) return;
    const [top, bottom] = [row * rowHeight, (row + 2) * rowHeight];
    if (top < element.scrollTop || bottom > element.scrollTop + element.clientHeight) show(row);
  }, [state.selected]);
  const onKeyDown = (event: KeyboardEvent) => {
    const index = place === undefined ? -1 : matches.rowOf(place);
    const to = rowByKey(event.key, index, matches.length);
    const target = to === undefined ? undefined : matches.at(to);
    if (to !== undefined && target !== undefined) {
      event.preventDefault();
      actions.select(trace.sequence.at(target));
      show(to);
    } else if (event.key === "Enter" && state.selected !== undefined) actions.go(state.selected);
  };
  return (
    <div
      class="rows"
      role="application"
      aria-label="Decisions: arrow keys select, Enter goes to the moment"
      ref={scroller}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onScroll={(event) => onScroll(event.currentTarget)}
    >
      <table aria-label="Decisions" aria-rowcount={matches.length}>
        <thead>
          <tr>
            <th class="number">#</th>
            <th class="number">time</th>
            <th class="number">pCPU</th>
            <th>vCPU</th>
            <th>what</th>
            <th>why</th>
          </tr>
        </thead>
        <tbody>
          <Gap rows={first} />
          {shown.map((row) => (
            <Row key={row.sequence} row={row} state={state} actions={actions} />
          ))}
          <Gap rows={after} />
        </tbody>
      </table>
    </div>
  );
}

function Rows({ state, actions }: Props) {
  if (state.matches.length > 0) return <Table state={state} actions={actions} />;
  return (
    <p class="none">
      No event matches “{state.filter}”.{" "}
      <button type="button" onClick={() => actions.filter("")}>
        Show all
      </button>
    </p>
  );
}

export function View({ state, actions }: Props) {
  if (state.trace.length === 0) return <Nothing state={state} actions={actions} />;
  const row = inDetail(state);
  return (
    <>
      <Toolbar state={state} actions={actions} />
      <div class="columns">
        <Picture state={state} actions={actions} />
        <div class="side">
          <SharesTable state={state} window={inSight(state)} />
          <Rows state={state} actions={actions} />
        </div>
      </div>
      {row && <Detail row={row} state={state} />}
    </>
  );
}
