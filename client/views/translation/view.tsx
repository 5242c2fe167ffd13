import { useEffect, useRef, useState } from "preact/hooks";
import type { ShadowState } from "../../../debug-adapter/protocol.ts";
import { Empty } from "../shared/empty.tsx";
import { type Column, columns, grouped, type Numbered, permissions, references, type State } from "./model.ts";

export interface Actions {
  /** An expression, or nothing for the instruction about to run. */
  readonly ask: (address: string) => void;
  readonly at: (reference: number) => void;
  readonly play: (on: boolean) => void;
  readonly warm: (on: boolean) => void;
  readonly debug: () => void;
}

interface Props {
  readonly state: State;
  readonly actions: Actions;
}

const hex = (value: string): string => (value.startsWith("register") ? value : `${value.toUpperCase()}h`);

function Nothing({ state, actions }: Props) {
  return (
    <Empty
      look="walk"
      text={
        state.failed ??
        "How an address becomes one of memory: every entry on the way, the guest's and the hypervisor's, and how many of them the processor must read."
      }
      debug={state.session === undefined ? actions.debug : undefined}
    >
      {["PML4E", "PDPTE", "PDE", "PTE", "page"].map((title) => (
        <div class="column" key={title}>
          <div class="cell guest">{title}</div>
          <div class="under">
            {[1, 2, 3, 4].map((n) => (
              <span class="cell nested" key={n}>
                {n}
              </span>
            ))}
          </div>
        </div>
      ))}
    </Empty>
  );
}

function Address({ state, actions }: Props) {
  const [text, setText] = useState(state.address);
  useEffect(() => setText(state.address), [state.address]);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        actions.ask(text);
      }}
    >
      <input
        id="filter"
        type="search"
        placeholder="Address ( / ): esp, start+4, 7C00h"
        aria-label="Linear address: a register, a label or a number; empty for the instruction about to run"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit" class="plain">
        Translate
      </button>
    </form>
  );
}

function Picks({ state, actions }: Props) {
  return (
    <span class="picks">
      {state.now?.picks.map(({ name, linear }) => (
        <button
          type="button"
          class="plain"
          key={name}
          title={`Translate ${hex(linear)}`}
          onClick={() => actions.ask(name === "instruction" ? "" : `0x${linear}`)}
        >
          {name}
        </button>
      ))}
    </span>
  );
}

function Player({ state, actions }: Props) {
  const total = state.now ? references(state.now.walk).length : 0;
  if (total === 0) return null;
  return (
    <fieldset class="player" aria-label="The references in their order">
      <button type="button" class="plain" aria-label="Previous reference" onClick={() => actions.at(state.at - 1)}>
        ◀
      </button>
      <span class="position" role="status">
        {state.at === 0 ? `${total} reference${total === 1 ? "" : "s"}` : `${state.at} of ${total}`}
      </span>
      <button type="button" class="plain" aria-label="Next reference" onClick={() => actions.at(state.at + 1)}>
        ▶
      </button>
      <button
        type="button"
        class="plain play"
        aria-pressed={state.playing}
        onClick={() => actions.play(!state.playing)}
      >
        {state.playing ? "Pause" : "Play"}
      </button>
    </fieldset>
  );
}

function Toolbar({ state, actions }: Props) {
  const walk = state.now?.walk;
  return (
    <header>
      <Address state={state} actions={actions} />
      <Picks state={state} actions={actions} />
      <Player state={state} actions={actions} />
      <label title="Dims what the paging-structure caches, nested translations and registers spare the processor">
        <input type="checkbox" checked={state.warm} onChange={(event) => actions.warm(event.currentTarget.checked)} />{" "}
        warm
      </label>
      <span class="summary" role="status">
        {state.running ? "running · " : ""}
        {walk && `${state.now?.technique} · cold ${walk.references.cold} · warm ${walk.references.warm} · TLB `}
        {walk && (walk.cached ? "hit: none" : "miss")}
      </span>
    </header>
  );
}

/** Which look a step has: the one at hand, gone through, spared, at fault. */
function look({ step, number }: Numbered, { at, warm }: State): string {
  const bad = step.verdict === "ok" ? "" : "bad";
  const spared = warm && step.spared !== undefined ? "spared" : "";
  const place = number === undefined || at === 0 ? "" : number === at ? "here" : number < at ? "past" : "ahead";
  return `${bad} ${spared} ${place}`;
}

function Entry({ numbered, kind, state, actions }: Props & { numbered: Numbered; kind: "guest" | "shadow" }) {
  const { step, number } = numbered;
  return (
    <button
      type="button"
      tabIndex={-1}
      class={`cell ${kind} ${look(numbered, state)}`}
      title={`${step.table} at ${hex(step.address)} = ${hex(step.entry)}`}
      onClick={() => number !== undefined && actions.at(number)}
    >
      <span class="line">
        <b>{step.table.replace("shadow ", "")}</b>
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
      title={`${step.table} at ${hex(step.address)} = ${hex(step.entry)}: ${step.bits.join(" ")}`}
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
function Picture({ state, actions }: Props) {
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

/** Where it leads, and what the tables allow together. */
function Outcome({ state }: { state: State }) {
  const walk = state.now?.walk;
  if (!walk) return null;
  const { physical, host, verdict } = walk;
  const arrives = physical === undefined ? verdict : `guest-physical ${hex(physical)}`;
  return (
    <p class="outcome">
      <b>{hex(walk.linear)}</b> → {arrives}
      {host !== undefined && ` → host-physical ${hex(host)}`}
      {physical !== undefined && verdict !== "ok" && <span class="failure"> {verdict}</span>}
      {walk.steps.length === 0 && " · no paging: no entry is read"}
      {permissions(walk).map(({ of, text }) => (
        <span class="field" key={of}>
          {of}: {text}
        </span>
      ))}
      {state.failed && <span class="failure"> {state.failed}</span>}
    </p>
  );
}

function Steps({ state, actions }: Props) {
  const rows = useRef<HTMLDivElement>(null);
  const { at } = state;
  useEffect(() => rows.current?.querySelector("tr.selected")?.scrollIntoView({ block: "nearest" }), [at]);
  const walk = state.now?.walk;
  if (!walk || walk.steps.length === 0) return null;
  const numbers = columns(walk).flatMap(({ entry, nested, shadow }) => [...nested, entry, shadow]);
  const numberOf = (step: Numbered["step"]) => numbers.find((each) => each?.step === step)?.number;
  return (
    <div class="rows" ref={rows}>
      <table aria-label="The entries on the way">
        <thead>
          <tr>
            <th class="number">#</th>
            <th>table</th>
            <th>at</th>
            <th>entry</th>
            <th>bits</th>
            <th>once warm</th>
          </tr>
        </thead>
        <tbody>
          {walk.steps.map((step, n) => {
            const number = numberOf(step);
            const selected = number !== undefined && number === state.at;
            return (
              <tr
                key={`${n} ${step.address}`}
                class={`${selected ? "selected" : ""} ${step.of ?? "guest"}`}
                aria-selected={selected}
                onClick={() => number !== undefined && actions.at(number)}
              >
                <td class="number">{number ?? "–"}</td>
                <td>{step.table}</td>
                <td class="mono">{hex(step.address)}</td>
                <td class="mono">{hex(step.entry)}</td>
                <td class="mono">
                  {step.bits.join(" ")}
                  {step.verdict !== "ok" && <span class="failure"> {step.verdict}</span>}
                </td>
                <td class="what">
                  {number === undefined && step.spared !== "register"
                    ? "read by the VMM only"
                    : (step.spared ?? "read")}
                  {step.note ? ` · ${step.note}` : ""}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

const meanings: Readonly<Record<ShadowState, string>> = {
  same: "in step",
  absent: "neither",
  missing: "no shadow entry: a touch is a hidden page fault",
  stale: "out of sync: the guest changed its entry",
  traced: "writes are held back, to see them",
  "dirty pending": "the first write is held back, to set D",
};

/** The guest's table beside its shadow, page by page. */
function Shadow({ state, actions }: Props) {
  const pages = state.now?.pages ?? [];
  if (pages.length === 0) return null;
  const page = Number.parseInt(state.now?.walk.linear.slice(0, -3) || "0", 16);
  return (
    <div class="rows shadow-pages">
      <table aria-label="Pages by the guest's tables and by the shadow">
        <thead>
          <tr>
            <th>page</th>
            <th>guest's entry</th>
            <th>shadow's entry</th>
            <th>how they stand</th>
          </tr>
        </thead>
        <tbody>
          {pages.map(({ linear, guest, shadow, state: how }) => (
            <tr
              key={linear}
              class={`${Number.parseInt(linear.slice(0, -3) || "0", 16) === page ? "selected" : ""} ${how.replace(" ", "-")}`}
              onClick={() => actions.ask(`0x${linear}`)}
            >
              <td class="mono">{hex(linear)}</td>
              <td class="mono">
                {hex(guest.entry)} {guest.bits.join(" ")}
              </td>
              <td class="mono">
                {hex(shadow.entry)} {shadow.bits.join(" ")}
              </td>
              <td>
                <span class={`dot state-${how.replace(" ", "-")}`} />
                {meanings[how]}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function View({ state, actions }: Props) {
  if (!state.now)
    return (
      <>
        {state.session !== undefined && <Toolbar state={state} actions={actions} />}
        <Nothing state={state} actions={actions} />
      </>
    );
  return (
    <>
      <Toolbar state={state} actions={actions} />
      <Outcome state={state} />
      <Picture state={state} actions={actions} />
      <div class="columns">
        <Steps state={state} actions={actions} />
        <Shadow state={state} actions={actions} />
      </div>
    </>
  );
}
