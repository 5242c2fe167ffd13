import {
  bitMeanings,
  type Column,
  columns,
  grouped,
  hex,
  indexOf,
  kindsOf,
  type Numbered,
  references,
  type State,
} from "./model.ts";
import type { Actions } from "./view.tsx";

interface Props {
  readonly state: State;
  readonly actions: Actions;
}

/** Which look a step has: the one at hand, gone through, spared, at fault. */
function look({ step, number }: Numbered, { at, warm }: State): string {
  const bad = step.verdict === "ok" ? "" : "bad";
  const spared = warm && step.spared !== undefined ? "spared" : "";
  const place = number === undefined || at === 0 ? "" : number === at ? "here" : number < at ? "past" : "ahead";
  return `${bad} ${spared} ${place}`;
}

function indexText(step: Numbered["step"], { now }: State): string {
  const index = now && indexOf(now.walk, step);
  return index === undefined ? "" : `[${index}]`;
}

function Entry({ numbered, kind, state, actions }: Props & { numbered: Numbered; kind: "guest" | "shadow" }) {
  const { step, number } = numbered;
  return (
    <button
      type="button"
      tabIndex={-1}
      class={`cell ${kind} ${look(numbered, state)}`}
      title={`${step.table} ${indexText(step, state)} at ${hex(step.address)} = ${hex(step.entry)}`}
      onClick={() => number !== undefined && actions.at(number)}
    >
      <span class="line">
        <span>
          <b>{step.table.replace("shadow ", "")}</b> <span class="index">{indexText(step, state)}</span>
        </span>
        {number !== undefined && <span class="badge">{number}</span>}
      </span>
      <span class="mono">{hex(step.entry)}</span>
      <span class="bits">{step.verdict === "ok" ? step.bits.join(" ") : step.verdict}</span>
    </button>
  );
}

function Nested({ numbered, state, actions }: Props & { numbered: Numbered }) {
  const { step, number } = numbered;
  return (
    <button
      type="button"
      tabIndex={-1}
      class={`cell nested ${look(numbered, state)}`}
      title={`${step.table} ${indexText(step, state)} at ${hex(step.address)} = ${hex(step.entry)}: ${step.bits.join(" ")}`}
      onClick={() => number !== undefined && actions.at(number)}
    >
      <span class="badge">{number}</span> {step.table.replace(/^(EPT|nested) /, "")}
    </button>
  );
}

function ColumnView({ column, state, actions }: Props & { column: Column }) {
  const { title, address, entry, nested, shadow } = column;
  const host = title === "page" ? state.now?.walk.host : undefined;
  return (
    <div class="column">
      <span class="place mono">{address === undefined ? "" : title === "page" ? "" : `at ${hex(address)}`}</span>
      {entry && <Entry numbered={entry} kind="guest" state={state} actions={actions} />}
      {title === "page" && (
        <div class="cell page">
          <b>page</b>
          <span class="mono">{address === undefined ? "not reached" : hex(address)}</span>
          {host !== undefined && <span class="mono host">host {hex(host)}</span>}
        </div>
      )}
      {nested.length > 0 && (
        <div class="under">
          {nested.map((each) => (
            <Nested key={each.number} numbered={each} state={state} actions={actions} />
          ))}
        </div>
      )}
      {shadow && <Entry numbered={shadow} kind="shadow" state={state} actions={actions} />}
    </div>
  );
}

/** From left to right the guest's levels, under each what it takes to find it. */
export function Picture({ state, actions }: Props) {
  const walk = state.now?.walk;
  if (!walk) return null;
  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowRight: state.at + 1, ArrowLeft: state.at - 1, Home: 1, End: references(walk).length }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    actions.at(to);
  };
  return (
    <div
      class="walk"
      role="application"
      aria-label="The walk: left and right arrow go from reference to reference"
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div class="column start">
        <span class="place">linear</span>
        <div class="cell page mono">{grouped(walk.linear)}</div>
      </div>
      {columns(walk).map((column) => (
        <ColumnView key={`${column.title} ${column.address}`} column={column} state={state} actions={actions} />
      ))}
    </div>
  );
}

/** What the colours and the bits in the picture stand for. */
export function Legend({ state }: { state: State }) {
  const walk = state.now?.walk;
  if (!walk || walk.steps.length === 0) return null;
  return (
    <p class="legend">
      {kindsOf(walk).map(({ kind, text }) => (
        <span class="kind" key={kind}>
          <span class={`swatch ${kind}`} /> {text}
        </span>
      ))}
      <span class="meanings">{bitMeanings(walk.steps).join(" · ")}</span>
    </p>
  );
}
