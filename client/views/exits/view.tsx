import { Empty } from "../shared/empty.tsx";
import { type Column, EventRows } from "../shared/event-rows.tsx";
import { Filter } from "../shared/filter.tsx";
import { accent, cycles } from "../shared/format.ts";
import { Marks, markAt, tell, unitsOf } from "../shared/marks.tsx";
import { marksWidth } from "../shared/time-marks.ts";
import type { Bar, Exit } from "./exit-log.ts";
import { place, type State } from "./model.ts";

export interface Actions {
  readonly filter: (text: string) => void;
  readonly select: (sequence: number) => void;
  readonly live: (on: boolean) => void;
  /** Move the time cursor of all views. */
  readonly point: (cycle: number) => void;
  /** Travel to the moment of an exit and show its line. */
  readonly go: (exit: Exit) => void;
  readonly debug: () => void;
}

function Nothing({ state, actions }: { state: State; actions: Actions }) {
  const example = [
    ["IO_INSTRUCTION", 74, "out 3F8h, al = 48h 'H'"],
    ["CPUID", 38, "cpuid leaf 0"],
    ["EPT_VIOLATION", 20, "write 8000h → not mapped yet"],
  ] as const;
  return (
    <Empty
      text={
        state.session
          ? "No VM exit yet. Continue (F5) or step: each time the guest leaves to the hypervisor, a row appears here."
          : "Each time a guest leaves to its hypervisor, a row appears here: when, why, at which line and at what cost."
      }
      debug={!state.session ? actions.debug : undefined}
    >
      {example.map(([reason, width, what]) => (
        <div class="bar-row" key={reason}>
          <span class="reason">{reason}</span>
          <span class="track">
            <span class={`fill ${accent(reason)}`} style={{ width: `${width}%` }} />
          </span>
          <span>{what}</span>
        </div>
      ))}
    </Empty>
  );
}

const look = { base: 38, least: 10, most: 36 } as const;
/** A mark may begin at the end. */
const wide = marksWidth + 4;

/** One mark for each exit, or for each pixel that has some, along virtual time. */
function Timeline({ state, actions }: { state: State; actions: Actions }) {
  const { log, now, cursor } = state;
  const end = Math.max(now.cycle, log.sought.at(-1)?.cycle ?? 0, 1);
  const at = (cycle: number) => Math.round((cycle / end) * marksWidth);
  const groups = [...log.marks(end)];
  const all = groups.flatMap(([, marks]) => marks);
  const tallest = all.reduce((most, { count }) => Math.max(most, count), 1);
  const selected = log.rowOf(state.selected) < 0 ? undefined : log.at(state.selected);
  return (
    <div>
      <svg
        class="timeline"
        viewBox={`0 0 ${wide} 40`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${log.sought.length} exits up to cycle ${end}`}
        onClick={(event) => {
          const mark = markAt(all, unitsOf(event, wide));
          if (mark) actions.select(mark.first.sequence);
          else actions.point(Math.round((end * unitsOf(event, wide)) / marksWidth));
        }}
        onPointerMove={(event) => {
          const { first, count = 0 } = markAt(all, unitsOf(event, wide)) ?? {};
          const more = count > 1 ? ` and ${count - 1} more` : "";
          tell(event.currentTarget, first ? `${first.reason}${more} at cycle ${first.cycle}` : "");
        }}
      >
        <line class="axis" x1="0" y1="38" x2={wide} y2="38" />
        {groups.map(([colour, marks]) => (
          <Marks
            key={colour}
            {...{ marks, look, tallest }}
            colours={[colour, colour]}
            selected={selected && accent(selected.reason) === colour ? at(selected.cycle) : undefined}
          />
        ))}
        {cursor !== undefined && <line class="cursor" x1={at(cursor)} y1="0" x2={at(cursor)} y2="40" />}
        <line class="now" x1={at(now.cycle)} y1="0" x2={at(now.cycle)} y2="40" />
      </svg>
    </div>
  );
}

function Histogram({ bars, state, actions }: { bars: readonly Bar[]; state: State; actions: Actions }) {
  const most = bars[0]?.count ?? 1;
  return (
    <section class="histogram" aria-label="Exits by reason">
      {bars.map((bar) => (
        <button
          type="button"
          class="bar-row"
          key={bar.reason}
          title={`${bar.count} × ${bar.reason}, ${cycles(bar.cost)} cycles outside of the guest. Click to ${state.filter === bar.reason ? "show all" : "show only these"}.`}
          onClick={() => actions.filter(state.filter === bar.reason ? "" : bar.reason)}
        >
          <span class="reason">{bar.reason}</span>
          <span class="track">
            <span class={`fill ${accent(bar.reason)}`} style={{ width: `${(100 * bar.count) / most}%` }} />
          </span>
          <span class="count">{bar.count}</span>
          <span class="share">{state.now.cycle > 0 ? `${((100 * bar.cost) / state.now.cycle).toFixed(0)} %` : ""}</span>
        </button>
      ))}
    </section>
  );
}

/** Why the selected exit happened, its decoded qualification, and what the VMM did. */
function Detail({ exit, handled }: { exit: Exit; handled: string | undefined }) {
  return (
    <section class="detail" aria-label={`Exit ${exit.sequence}`}>
      <p>
        <b>Why</b> {exit.why.sentence} <span class="rule">{exit.why.rule}</span>{" "}
        <span class="source">{exit.why.source}</span>
      </p>
      <p>
        <b>Qualification</b> {exit.qualification}h{" "}
        {exit.fields.map((field) => (
          <span class="field" key={field.name} title={`bits ${field.bits}`}>
            {field.name} = {field.value}
          </span>
        ))}
      </p>
      <p>
        <b>VMM</b> {handled ?? "has not resumed the guest yet"}
      </p>
    </section>
  );
}

function Row({ exit, cost, selected, actions }: { exit: Exit; cost: number; selected: boolean; actions: Actions }) {
  return (
    <tr
      class={selected ? "selected" : ""}
      aria-selected={selected}
      data-sequence={exit.sequence}
      title="Click to go to this line and this moment"
      onClick={() => actions.go(exit)}
    >
      <td class="number">{exit.sequence}</td>
      <td class="number">{exit.cycle.toLocaleString("en")}</td>
      <td>{`${exit.vm}/${exit.vcpu}`}</td>
      <td>
        <span class={`dot ${accent(exit.reason)}`} />
        {exit.reason}
      </td>
      <td class="what">{exit.what}</td>
      <td>{place(exit)}</td>
      <td class="number">{cost > 0 ? cycles(cost) : "…"}</td>
    </tr>
  );
}

const columns: readonly Column[] = [
  { title: "#", numeric: true },
  { title: "time", numeric: true },
  { title: "vCPU" },
  { title: "reason" },
  { title: "what" },
  { title: "line" },
  { title: "cost", numeric: true },
];

function Table({ exits, state, actions }: { exits: readonly Exit[]; state: State; actions: Actions }) {
  const { log, live, cursor } = state;
  return (
    <EventRows
      events={exits}
      name="VM exits"
      enter="goes to the moment"
      columns={columns}
      selected={log.rowOf(state.selected)}
      live={live}
      cursor={cursor}
      select={({ sequence }) => actions.select(sequence)}
      go={actions.go}
      row={(exit, selected) => (
        <Row key={exit.sequence} exit={exit} cost={log.costOf(exit)} selected={selected} actions={actions} />
      )}
    />
  );
}

interface ToolbarProps {
  readonly exits: readonly Exit[];
  readonly bars: readonly Bar[];
  readonly state: State;
  readonly actions: Actions;
}

function Toolbar({ exits, bars, state, actions }: ToolbarProps) {
  const outside = bars.reduce((sum, { cost }) => sum + cost, 0);
  const share = state.now.cycle > 0 ? ` · ${((100 * outside) / state.now.cycle).toFixed(0)} % of the time` : "";
  const total = state.log.all.length;
  const shown = exits.length === total ? "" : `${exits.length.toLocaleString("en")} of `;
  return (
    <header>
      <Filter label="Filter exits by reason, text or line" value={state.filter} change={actions.filter} />
      <label>
        <input type="checkbox" checked={state.live} onChange={(event) => actions.live(event.currentTarget.checked)} />{" "}
        live
      </label>
      <span class="summary" role="status">
        {shown}
        {total.toLocaleString("en")} {total === 1 ? "exit" : "exits"}
        {share}
        {state.dropped > 0 ? ` · ${state.dropped.toLocaleString("en")} events no longer kept` : ""}
      </span>
    </header>
  );
}

export function View({ state, actions }: { state: State; actions: Actions }) {
  const { log } = state;
  if (log.all.length === 0) return <Nothing state={state} actions={actions} />;
  const { sought: exits, bars } = log;
  const selected = log.at(state.selected) ?? (state.live ? exits.at(-1) : undefined);
  return (
    <>
      <Toolbar exits={exits} bars={bars} state={state} actions={actions} />
      <Timeline state={state} actions={actions} />
      <div class="columns">
        <Histogram bars={bars} state={state} actions={actions} />
        <div class="list">
          {exits.length > 0 ? (
            <Table exits={exits} state={state} actions={actions} />
          ) : (
            <p class="none">
              No exit matches “{state.filter}”.{" "}
              <button type="button" onClick={() => actions.filter("")}>
                Show all
              </button>
            </p>
          )}
          {selected && <Detail exit={selected} handled={log.handledOf(selected)} />}
        </div>
      </div>
    </>
  );
}
