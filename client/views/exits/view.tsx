import { exitName } from "../../../emulator/trace/exit-name.ts";
import { exitFields, exitQualification } from "../../../emulator/trace/exit-qualification.ts";
import { Empty, type Start } from "../shared/empty.tsx";
import { type Column, EventRows } from "../shared/event-rows.tsx";
import { Filter } from "../shared/filter.tsx";
import { accent, cycles, percent } from "../shared/format.ts";
import { Legend } from "../shared/legend.tsx";
import type { Bar, Exit } from "./exit-log.ts";
import { place, type State } from "./model.ts";
import { Timeline } from "./timeline.tsx";

export interface Actions {
  readonly filter: (text: string) => void;
  readonly select: (sequence: number) => void;
  readonly live: (on: boolean) => void;
  /** Move the time cursor of all views. */
  readonly point: (cycle: number) => void;
  /** Travel to the moment of an exit and show its line. */
  readonly go: (exit: Exit) => void;
  readonly debug: Start;
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
      {...{ start: actions.debug, hasSession: state.session !== undefined }}
      sample={state.session === undefined ? "exits.asm" : undefined}
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

function Histogram({ bars, state, actions }: { bars: readonly Bar[]; state: State; actions: Actions }) {
  const most = bars[0]?.count ?? 1;
  return (
    <section class="histogram" aria-label="Exits by reason">
      <div class="bar-row head" aria-hidden="true">
        <span class="reason">reason</span>
        <span class="track" />
        <span class="count">exits</span>
        <span class="share">time</span>
      </div>
      {bars.map((bar) => (
        <button
          type="button"
          class="bar-row"
          key={bar.reason}
          title={`${bar.count.toLocaleString("en")} × ${bar.reason}, ${cycles(bar.cost)} cycles outside of the guest, ${percent(bar.cost, state.now.cycle)} of the time. Click to ${state.filter === bar.reason ? "show all" : "show only these"}.`}
          onClick={() => actions.filter(state.filter === bar.reason ? "" : bar.reason)}
        >
          <span class="reason">{bar.reason}</span>
          <span class="track">
            <span class={`fill ${accent(bar.reason)}`} style={{ width: `${(100 * bar.count) / most}%` }} />
          </span>
          <span class="count">{bar.count.toLocaleString("en")}</span>
          <span class="share">{state.now.cycle > 0 ? percent(bar.cost, state.now.cycle) : ""}</span>
        </button>
      ))}
    </section>
  );
}

/** Why the selected exit happened, its decoded qualification, and what the VMM did. */
function Detail({ exit, handled }: { exit: Exit; handled: string | undefined }) {
  const qualification = exitQualification(exit);
  return (
    <section class="detail" aria-label={`Exit ${exit.sequence}`}>
      <dl>
        <dt>Why</dt>
        <dd>
          {exit.why.sentence} <span class="rule">{exit.why.rule}</span> <span class="source">{exit.why.source}</span>
        </dd>
        {qualification && (
          <>
            <dt>{qualification.title}</dt>
            <dd>
              {qualification.value}
              {qualification.none ? ", none for this reason" : " "}
              {exitFields(exit).map((field) => (
                <span class="field" key={field.name} title={`bits ${field.bits}`}>
                  {field.name} = {field.value}
                </span>
              ))}
            </dd>
          </>
        )}
        <dt>VMM</dt>
        <dd>{handled ?? "has not resumed the guest yet"}</dd>
      </dl>
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
        <span class={`dot ${accent(exitName(exit))}`} />
        {exitName(exit)}
      </td>
      <td class="what" title={exit.what}>
        {exit.what}
      </td>
      <td>{place(exit)}</td>
      <td class="number">{cost > 0 ? cycles(cost) : "…"}</td>
    </tr>
  );
}

const columns: readonly Column[] = [
  { title: "#", numeric: true },
  { title: "at cycle", numeric: true, hint: "Virtual time of the exit, in cycles" },
  { title: "vCPU" },
  { title: "reason" },
  { title: "what" },
  { title: "line" },
  { title: "cost", numeric: true, hint: "Cycles from the exit to the entry that ended it" },
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
  const share = state.now.cycle > 0 ? ` · ${percent(outside, state.now.cycle)} of the time` : "";
  const { total, all } = state.log;
  const shown = exits.length === all.length ? "" : `${exits.length.toLocaleString("en")} of `;
  return (
    <header>
      <Filter label="Filter exits by reason, text or line" value={state.filter} change={actions.filter} />
      <label>
        <input type="checkbox" checked={state.live} onChange={(event) => actions.live(event.currentTarget.checked)} />{" "}
        live
      </label>
      <Legend accents={new Set(bars.map(({ reason }) => accent(reason)))} />
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
