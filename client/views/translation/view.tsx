import { useEffect, useState } from "preact/hooks";
import { techniqueById } from "../../../isa/technique.ts";
import { Empty, type Start } from "../shared/empty.tsx";
import { hex, permissions, references, type State, spentOn } from "./model.ts";
import { Legend, Picture } from "./picture.tsx";
import { Shadow, Steps } from "./tables.tsx";

export interface Actions {
  /** An expression, or nothing for the instruction about to run. */
  readonly ask: (address: string) => void;
  readonly at: (reference: number) => void;
  readonly play: (on: boolean) => void;
  readonly warm: (on: boolean) => void;
  readonly debug: Start;
}

interface Props {
  readonly state: State;
  readonly actions: Actions;
}

function Nothing({ state, actions }: Props) {
  return (
    <Empty
      look="walk"
      text={
        state.failed ??
        "How an address becomes one of memory: every entry on the way, the guest's and the hypervisor's, and how many of them the processor must read."
      }
      {...{ start: actions.debug, hasSession: state.session !== undefined }}
      sample={state.session === undefined ? "long-mode.asm" : undefined}
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
        {walk && `${techniqueById(state.now!.technique)?.title} · ${spentOn(walk)}`}
      </span>
    </header>
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
      <Legend state={state} />
      <div class="columns">
        <Steps state={state} actions={actions} />
        <Shadow state={state} actions={actions} />
      </div>
    </>
  );
}
