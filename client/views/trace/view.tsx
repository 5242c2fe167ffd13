import { techniqueById } from "../../../isa/technique.ts";
import type { TracedEvent } from "../../../trace-file/index.ts";
import { type Column, EventRows } from "../shared/event-rows.tsx";
import { Filter } from "../shared/filter.tsx";
import { cycles } from "../shared/format.ts";
import { TimeTicks } from "../shared/time-ticks.tsx";
import type { TraceShown } from "./messages.ts";
import { bars, colourOf, group, marks, place, type State, timesOf, visible, width, xOf } from "./model.ts";

export interface Actions {
  readonly filter: (text: string) => void;
  readonly select: (sequence: number | undefined) => void;
  readonly open: (event: TracedEvent) => void;
  /** Starts a session at an event, or at the moment of the trace. */
  readonly debug: (event: number | undefined) => void;
}

interface Props {
  readonly state: State;
  readonly actions: Actions;
}

const number = (value: number): string => value.toLocaleString("en");
const counted = (count: number, what: string): string => `${number(count)} ${what}${count === 1 ? "" : "s"}`;

function Title({ trace, state, actions }: Props & { trace: TraceShown }) {
  const { title, note, technique, product, moment } = trace;
  const exits = trace.summary.exits.reduce((sum, { count }) => sum + count, 0);
  const facts = [
    techniqueById(technique)?.title ?? technique,
    `step ${number(moment.step)}`,
    `cycle ${number(moment.cycle)}`,
    moment.place,
  ];
  return (
    <section class="title">
      <div>
        <h1>{title}</h1>
        {note !== "" && <p class="note">{note}</p>}
        <p class="facts">
          {[...facts, ...(moment.ended ? ["the guest had ended"] : []), counted(exits, "exit")].join(" · ")}
          {trace.actions > 0 && ` · ${counted(trace.actions, "intervention")} from outside`} · Ringside {product}
        </p>
      </div>
      <span class="buttons">
        <button type="button" class="primary" onClick={() => actions.debug(undefined)}>
          Debug at this moment
        </button>
        {state.selected !== undefined && (
          <button type="button" onClick={() => actions.debug(state.selected)}>
            Debug at event {state.selected}
          </button>
        )}
      </span>
    </section>
  );
}

function Toolbar({ state, actions, shown }: Props & { shown: number }) {
  const { events } = state.trace!.summary;
  const part = shown === events.length ? "" : `${number(shown)} of `;
  const earlier = (events[0]?.sequence ?? 1) - 1;
  return (
    <header>
      <Filter label="Filter events by kind, reason, text or line" value={state.filter} change={actions.filter} />
      <span class="summary" role="status">
        {part}
        {counted(events.length, "event")} up to the moment
        {earlier > 0 ? ` · ${counted(earlier, "earlier one")} not in the file` : ""}
      </span>
    </header>
  );
}

/** Marks along virtual time; the line is the moment. */
function Timeline({ state, actions, events }: Props & { events: readonly TracedEvent[] }) {
  const all = marks(state, events);
  const tallest = Math.max(1, ...all.map(({ count }) => count));
  const selected = events.find(({ sequence }) => sequence === state.selected);
  const now = xOf(state, state.trace!.moment.cycle);
  return (
    <svg
      class="timeline"
      viewBox={`0 0 ${width + 4} 40`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`${counted(events.length, "event")} over virtual time, up to the moment`}
    >
      <line class="axis" x1="0" y1="38" x2={width + 4} y2="38" />
      {all.map(({ x, colour, first, count }) => {
        const height = 10 + (26 * count) / tallest;
        return (
          <rect
            key={`${x} ${colour}`}
            class={`mark ${colour}`}
            x={x}
            y={38 - height}
            width="3"
            height={height}
            onClick={() => actions.select(first.sequence)}
          >
            <title>{`${group(first)}${count > 1 ? ` and ${count - 1} more` : ""} at cycle ${number(first.cycle)}`}</title>
          </rect>
        );
      })}
      {selected && (
        <line class="cursor" x1={xOf(state, selected.cycle)} y1="0" x2={xOf(state, selected.cycle)} y2="40" />
      )}
      <line class="now" x1={now} y1="0" x2={now} y2="40" />
    </svg>
  );
}

function Histogram({ state, actions }: Props) {
  const all = bars(state);
  const most = all[0]?.count ?? 1;
  return (
    <section class="histogram" aria-label="Events by kind">
      {all.map((bar) => (
        <button
          type="button"
          class="bar-row"
          key={bar.group}
          aria-pressed={state.filter === bar.group}
          title={`${number(bar.count)} × ${bar.group}. Click to ${state.filter === bar.group ? "show all" : "show only these"}.`}
          onClick={() => actions.filter(state.filter === bar.group ? "" : bar.group)}
        >
          <span class="reason">{bar.group}</span>
          <span class="track">
            <span class={`fill ${bar.colour}`} style={{ width: `${(100 * bar.count) / most}%` }} />
          </span>
          <span class="count">{number(bar.count)}</span>
        </button>
      ))}
    </section>
  );
}

function Row({ event, selected, actions }: { event: TracedEvent; selected: boolean; actions: Actions }) {
  return (
    <tr
      class={selected ? "selected" : ""}
      aria-selected={selected}
      data-sequence={event.sequence}
      title="Double-click to debug at this event"
      onClick={() => {
        actions.select(event.sequence);
        actions.open(event);
      }}
      onDblClick={() => actions.debug(event.sequence)}
    >
      <td class="number">{event.sequence}</td>
      <td class="number">{number(event.cycle)}</td>
      <td>{`${event.vm}/${event.vcpu}`}</td>
      <td>
        <span class={`dot ${colourOf(event)}`} />
        {group(event)}
      </td>
      <td class="what">{event.text}</td>
      <td>{place(event)}</td>
      <td class="number">{event.cost ? cycles(event.cost) : ""}</td>
    </tr>
  );
}

/** The moment itself, after all that happened before. */
function MomentRow({ trace }: { trace: TraceShown }) {
  const { moment } = trace;
  return (
    <tr class="moment">
      <td class="number">▶</td>
      <td class="number">{number(moment.cycle)}</td>
      <td />
      <td>the moment</td>
      <td class="what">{moment.ended ? "the guest has ended" : `step ${number(moment.step)}`}</td>
      <td>{moment.place}</td>
      <td />
    </tr>
  );
}

const columns: readonly Column[] = [
  { title: "#", numeric: true },
  { title: "at cycle", numeric: true, hint: "Virtual time of the event, in cycles" },
  { title: "vCPU" },
  { title: "kind" },
  { title: "what" },
  { title: "line" },
  { title: "cost", numeric: true, hint: "Cycles from the exit to the entry that ended it" },
];

function Table({ state, actions, events }: Props & { events: readonly TracedEvent[] }) {
  return (
    <EventRows
      events={events}
      name="Events"
      enter="debugs at the event"
      columns={columns}
      selected={events.findIndex(({ sequence }) => sequence === state.selected)}
      live={state.selected === undefined}
      select={({ sequence }) => actions.select(sequence)}
      go={({ sequence }) => actions.debug(sequence)}
      row={(event, selected) => <Row key={event.sequence} event={event} selected={selected} actions={actions} />}
      last={<MomentRow trace={state.trace!} />}
    />
  );
}

function Problems({ problems }: { problems: readonly string[] }) {
  return (
    <section class="empty" role="alert">
      <p>This trace cannot be opened.</p>
      {problems.map((problem) => (
        <p key={problem}>{problem}</p>
      ))}
    </section>
  );
}

export function View({ state, actions }: Props) {
  const { trace, problems } = state;
  if (problems.length > 0) return <Problems problems={problems} />;
  if (!trace) return <p role="status">Reading the trace …</p>;
  const events = visible(state);
  const selected = trace.summary.events.find(({ sequence }) => sequence === state.selected);
  return (
    <>
      <Title trace={trace} state={state} actions={actions} />
      <Toolbar state={state} actions={actions} shown={events.length} />
      <div class="over-time">
        <Timeline state={state} actions={actions} events={events} />
        <TimeTicks {...timesOf(state)} wide={width + 4} />
      </div>
      <div class="columns">
        <Histogram state={state} actions={actions} />
        <div class="list">
          <Table state={state} actions={actions} events={events} />
          {selected && (
            <section class="detail" aria-label={`Event ${selected.sequence}`}>
              <p>
                <b>{selected.kind}</b> {selected.text}
              </p>
              {selected.why && (
                <p>
                  <b>Why</b> {selected.why}
                </p>
              )}
            </section>
          )}
        </div>
      </div>
    </>
  );
}
