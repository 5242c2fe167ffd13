import { Empty, type Start } from "../shared/empty.tsx";
import { type Column, EventRows } from "../shared/event-rows.tsx";
import { Filter } from "../shared/filter.tsx";
import { cycles } from "../shared/format.ts";
import { Marks, markAt, tell, unitsOf } from "../shared/marks.tsx";
import { marksWidth } from "../shared/time-marks.ts";
import { TimeTicks } from "../shared/time-ticks.tsx";
import { type Hypercall, isRefused, type Lane } from "./call-log.ts";
import { DomainLists } from "./lists.tsx";
import { argument, type Below, callInDetail, place, type State } from "./model.ts";

export interface Actions {
  readonly filter: (text: string) => void;
  readonly refusals: (on: boolean) => void;
  readonly select: (sequence: number) => void;
  readonly below: (below: Below) => void;
  /** Travel to just before a call and show its line. */
  readonly go: (call: Hypercall) => void;
  readonly debug: Start;
}

interface Props {
  readonly state: State;
  readonly actions: Actions;
}

const number = (value: number): string => value.toLocaleString("en");
const accent = (refused: boolean): string => (refused ? "red" : "green");

function Nothing({ state, actions }: Props) {
  const example = [
    ["console_io", "cmd = 0h, count = 5h → 0", "green"],
    ["mmu_update", "req = 1F000h, count = 2h → 0", "green"],
    ["update_va_mapping", "-1 (EPERM): the frame is a page table", "red"],
  ] as const;
  return (
    <Empty
      text={
        state.session === undefined
          ? "What a guest asks of its hypervisor by name: each call with its arguments, its result, and why it was refused. Of a guest under Xen's interface, its event channels and grants as well."
          : "No hypercall yet. Guests that know their hypervisor make them: Xen's under paravirtualization, KVM's under VT-x and AMD-V."
      }
      {...{ start: actions.debug, hasSession: state.session !== undefined }}
      sample={"xen-hello.asm"}
    >
      {example.map(([name, what, colour]) => (
        <div class="sample" key={name}>
          <span class={`dot ${colour}`} />
          <span>{name}</span>
          <span>{what}</span>
        </div>
      ))}
    </Empty>
  );
}

const look = { base: 17, least: 7, most: 16 } as const;
/** A mark may begin at the end. */
const wide = marksWidth + 4;

interface LaneProps extends Props {
  readonly lane: Lane;
  /** Virtual time at the right. */
  readonly end: number;
  readonly selected: Hypercall | undefined;
}

function LaneRow({ lane, end, selected, state, actions }: LaneProps) {
  const { name, count, refused } = lane;
  const only = state.filter === name;
  return (
    <div class="lane">
      <button
        type="button"
        class="name"
        aria-pressed={only}
        title={`${number(count)} × ${name}${refused > 0 ? `, ${number(refused)} refused` : ""}. Click to ${only ? "show all" : "show only these"}.`}
        onClick={() => actions.filter(only ? "" : name)}
      >
        {name}
      </button>
      <LanePicture {...{ lane, end, selected, state, actions }} />
      <span class="count">{number(count)}</span>
      <span class="count refused">{refused > 0 ? `${number(refused)} ✗` : ""}</span>
    </div>
  );
}

function LanePicture({ lane, end, selected, state, actions }: LaneProps) {
  const { name, count, refused, marks } = lane;
  const at = (cycle: number) => (cycle / end) * marksWidth;
  const { cursor, now } = state;
  return (
    <div class="marks">
      <svg
        viewBox={`0 0 ${wide} 18`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${count} calls, ${refused} refused`}
        onClick={(event) => {
          const mark = markAt(marks, unitsOf(event, wide));
          if (mark) actions.select(mark.first.sequence);
        }}
        onPointerMove={(event) => {
          const mark = markAt(marks, unitsOf(event, wide));
          const more = mark && mark.count > 1 ? ` and ${mark.count - 1} more` : "";
          tell(
            event.currentTarget,
            mark ? `${name}${more} at cycle ${number(mark.first.cycle)}: ${mark.first.result}` : "",
          );
        }}
      >
        <line class="axis" x1="0" y1="17" x2={wide} y2="17" />
        <Marks
          {...{ marks, look }}
          tallest={marks.reduce((most, mark) => Math.max(most, mark.count), 1)}
          colours={[accent(false), accent(true)]}
          selected={selected?.name === name ? at(selected.cycle) : undefined}
        />
        {cursor !== undefined && <line class="cursor" x1={at(cursor)} y1="0" x2={at(cursor)} y2="18" />}
        <line class="now" x1={at(now.cycle)} y1="0" x2={at(now.cycle)} y2="18" />
      </svg>
    </div>
  );
}

function Lanes({ state, actions }: Props) {
  const { log, now } = state;
  const selected = log.at(state.selected);
  return (
    <section class="lanes" aria-label="Calls by name over time">
      {log.lanes(now.cycle).map((lane) => (
        <LaneRow key={lane.name} {...{ lane, selected, state, actions }} end={log.end(now.cycle)} />
      ))}
      <div class="lane scale">
        <span class="name" />
        <TimeTicks end={log.end(now.cycle)} wide={wide} />
        <span class="count" />
        <span class="count" />
      </div>
    </section>
  );
}

function Row({ call, selected, actions }: { call: Hypercall; selected: boolean; actions: Actions }) {
  const refused = isRefused(call);
  return (
    <tr
      class={selected ? "selected" : ""}
      aria-selected={selected}
      data-sequence={call.sequence}
      title="Click to go to this line and this moment"
      onClick={() => actions.go(call)}
    >
      <td class="number">{call.sequence}</td>
      <td class="number">{number(call.cycle)}</td>
      <td>
        <span class={`dot ${accent(refused)}`} />
        {call.name}
      </td>
      <td class="what">{call.arguments.join(", ")}</td>
      <td class={`result ${refused ? "refused" : ""}`} title={call.result}>
        {call.result}
      </td>
      <td>{place(call)}</td>
    </tr>
  );
}

const columns: readonly Column[] = [
  { title: "#", numeric: true },
  { title: "at cycle", numeric: true, hint: "Virtual time of the call, in cycles" },
  { title: "call" },
  { title: "arguments" },
  { title: "result" },
  { title: "line" },
];

function Table({ calls, state, actions }: Props & { calls: readonly Hypercall[] }) {
  const { log, cursor } = state;
  return (
    <EventRows
      events={calls}
      name="Hypercalls"
      enter="goes to the moment"
      columns={columns}
      selected={log.rowOf(callInDetail(state)?.sequence)}
      live={state.selected === undefined}
      cursor={state.selected === undefined ? undefined : cursor}
      select={({ sequence }) => actions.select(sequence)}
      go={actions.go}
      row={(call, selected) => <Row key={call.sequence} call={call} selected={selected} actions={actions} />}
    >
      {calls.length === 0 && <p class="none">No hypercall matches.</p>}
    </EventRows>
  );
}

/** The selected call as the guest and the hypervisor see it. */
function Detail({ call }: { call: Hypercall }) {
  return (
    <section class="call" aria-label={`Hypercall ${call.sequence}`}>
      <h2>
        {call.name} <span class="source">number {call.number}</span>
      </h2>
      <div class="exchange">
        <span class="side">guest</span>
        <ul>
          {call.arguments.map((text, n) => {
            const { name, value } = argument(text);
            return (
              <li key={`${n} ${text}`}>
                {name && <span class="parameter">{name}</span>}
                <span class="mono">{value}</span>
              </li>
            );
          })}
          {call.arguments.length === 0 && <li>no arguments</li>}
        </ul>
        <span class="way" aria-hidden="true">
          ⟶
        </span>
        <span class="side">hypervisor</span>
        <span class={`mono answer ${isRefused(call) ? "refused" : ""}`}>{call.result}</span>
        <span class="way" aria-hidden="true">
          ⟵
        </span>
      </div>
    </section>
  );
}

const belows: readonly (readonly [Below, string])[] = [
  ["calls", "calls"],
  ["lists", "channels and grants"],
];

function Toolbar({ calls, state, actions }: Props & { calls: readonly Hypercall[] }) {
  const { total, refused, all } = state.log;
  const shown = calls.length === all.length ? "" : `${number(calls.length)} of `;
  const rate = state.now.cycle > 0 ? ` · one every ${cycles(Math.round(state.now.cycle / total))} cycles` : "";
  return (
    <header>
      <Filter
        label="Filter hypercalls by name, argument, result or line"
        value={state.filter}
        change={actions.filter}
      />
      <label>
        <input
          type="checkbox"
          checked={state.refusals}
          onChange={(event) => actions.refusals(event.currentTarget.checked)}
        />{" "}
        refused only
      </label>
      {state.lists.now?.absent === undefined &&
        belows.map(([below, text]) => (
          <label class="below" key={below}>
            <input type="radio" name="below" checked={state.below === below} onChange={() => actions.below(below)} />{" "}
            {text}
          </label>
        ))}
      <span class="summary" role="status">
        {state.running ? "running · " : ""}
        {shown}
        {number(total)} {total === 1 ? "hypercall" : "hypercalls"} · {number(refused)} refused{rate}
        {state.dropped > 0 && ` · ${number(state.dropped)} events no longer kept`}
      </span>
    </header>
  );
}

export function View({ state, actions }: Props) {
  const lists = (
    <DomainLists
      lists={state.lists}
      aside={state.below === "calls" && state.log.all.length > 0}
      elsewhere={state.cursor !== undefined}
    />
  );
  if (state.log.all.length === 0)
    return (
      <>
        <Nothing state={state} actions={actions} />
        {lists}
      </>
    );
  const calls = state.log.sought;
  const call = callInDetail(state);
  return (
    <>
      <Toolbar calls={calls} state={state} actions={actions} />
      <Lanes state={state} actions={actions} />
      <div class={`columns ${state.below === "lists" ? "aside" : ""}`}>
        <div class="list">
          <Table calls={calls} state={state} actions={actions} />
        </div>
        {call && <Detail call={call} />}
      </div>
      {lists}
    </>
  );
}
