import type { ControlBits, ControlField } from "../../../debug-adapter/protocol.ts";
import { Filter } from "../shared/filter.tsx";
import { rowByKey } from "../shared/keys.ts";
import { baseline, bitState, changes, fieldInDetail, type Show, type State, visible } from "./model.ts";

export interface Actions {
  readonly show: (show: Show) => void;
  readonly filter: (text: string) => void;
  readonly select: (place: string) => void;
  readonly debug: () => void;
}

const shows: readonly (readonly [Show, string])[] = [
  ["main", "main fields"],
  ["changed", "changed"],
  ["all", "all"],
];

const hex = (value: string): string => `${value.toUpperCase()}h`;

/** A pale picture of what will be here, and how to get it. */
function Empty({ state, actions }: { state: State; actions: Actions }) {
  const example = [
    ["4402h", "Exit reason", "CPUID"],
    ["681Eh", "Guest RIP", "100 02Ah"],
    ["4002h", "Primary controls", "HLT exiting = 1"],
  ] as const;
  return (
    <section class="empty">
      <div class="pale" aria-hidden="true">
        {example.map(([place, name, value]) => (
          <div class="sample" key={place}>
            <span>{place}</span>
            <span>{name}</span>
            <span>{value}</span>
          </div>
        ))}
      </div>
      <p role="status">
        {state.failed ??
          state.now?.absent ??
          "The control block of a guest: what makes it exit, what the last exit said, and how it will be entered again."}
      </p>
      {state.session === undefined && (
        <button type="button" onClick={actions.debug}>
          Debug the guest in the editor
        </button>
      )}
    </section>
  );
}

/** Every field as a cell: where something changed lights up. */
function Picture({ state, actions }: { state: State; actions: Actions }) {
  const changed = changes(state);
  const block = state.now?.block;
  const detail = fieldInDetail(state)?.place;
  const look = ({ place, value }: ControlField): string =>
    place === block?.failure?.place ? "failed" : changed.has(place) ? "changed" : value === "0" ? "zero" : "set";
  return (
    <section class="picture" aria-label="Map of the fields">
      {block?.groups.map(({ group, fields }) => (
        <div class="cells" key={group}>
          <span class="group">{group}</span>
          <span class="row">
            {fields.map((field) => (
              <button
                type="button"
                tabIndex={-1}
                key={field.place}
                class={`cell ${look(field)} ${field.place === detail ? "selected" : ""}`}
                title={`${field.name} ${field.place}h = ${hex(field.value)}`}
                aria-label={`${field.name}, ${look(field)}`}
                onClick={() => actions.select(field.place)}
              />
            ))}
          </span>
        </div>
      ))}
      <p class="legend">
        <span class="cell changed" /> changed <span class="cell set" /> set <span class="cell zero" /> zero
        {block?.failure && (
          <>
            {" "}
            <span class="cell failed" /> fails a check
          </>
        )}
      </p>
    </section>
  );
}

/** What a field says in a few words: bits that are on, or what its parts are. */
function summary({ bits }: ControlField): string {
  const on = bits.filter(({ value }) => bitState(value) === "on").map(({ name }) => name);
  const parts = bits.filter(({ value }) => bitState(value) === "value").map(({ name, value }) => `${name}: ${value}`);
  return [...parts, ...on].join(" · ");
}

interface RowProps {
  readonly field: ControlField;
  readonly before: string | undefined;
  readonly failure: string | undefined;
  readonly selected: boolean;
  readonly actions: Actions;
}

function Row({ field, before, failure, selected, actions }: RowProps) {
  const look = failure ? "failed" : before === undefined ? "" : "changed";
  return (
    <tr
      class={`${selected ? "selected" : ""} ${look}`}
      aria-selected={selected}
      data-place={field.place}
      onClick={() => actions.select(field.place)}
    >
      <td class="mono">{field.place}h</td>
      <td title={field.name}>{field.name}</td>
      <td class="mono value">{hex(field.value)}</td>
      <td class="mono before">{before === undefined ? "" : `was ${hex(before)}`}</td>
      <td class="what">{failure ?? summary(field)}</td>
    </tr>
  );
}

function Table({ state, actions }: { state: State; actions: Actions }) {
  const changed = changes(state);
  const groups = visible(state);
  const fields = groups.flatMap((group) => group.fields);
  const detail = fieldInDetail(state)?.place;
  const failure = state.now?.block?.failure;
  const onKeyDown = (event: KeyboardEvent & { readonly currentTarget: HTMLElement }) => {
    const index = fields.findIndex(({ place }) => place === detail);
    const target = fields[rowByKey(event.key, index, fields.length) ?? -1];
    if (!target) return;
    event.preventDefault();
    actions.select(target.place);
    event.currentTarget.querySelector(`[data-place="${target.place}"]`)?.scrollIntoView({ block: "nearest" });
  };
  return (
    <div class="rows" role="application" aria-label="Fields: arrow keys select" tabIndex={0} onKeyDown={onKeyDown}>
      <table aria-label={`Fields of the ${state.now?.block?.kind}`}>
        <thead>
          <tr>
            <th>{state.now?.block?.kind === "VMCB" ? "offset" : "encoding"}</th>
            <th>field</th>
            <th>value</th>
            <th>before</th>
            <th>what it says</th>
          </tr>
        </thead>
        {groups.map(({ group, fields: of }) => (
          <tbody key={group}>
            <tr class="heading">
              <th colSpan={5} scope="rowgroup">
                {group}
              </th>
            </tr>
            {of.map((field) => (
              <Row
                key={field.place}
                field={field}
                before={changed.get(field.place)}
                failure={field.place === failure?.place ? failure.sentence : undefined}
                selected={field.place === detail}
                actions={actions}
              />
            ))}
          </tbody>
        ))}
      </table>
      {fields.length === 0 && <p class="none">{state.filter ? "No field matches." : "No field has changed."}</p>}
    </div>
  );
}

function Bit({ bit, before }: { bit: ControlBits; before: string | undefined }) {
  const look = bitState(bit.value);
  return (
    <tr class={`${look} ${before === undefined ? "" : "changed"}`}>
      <td class="number">{bit.bits}</td>
      <td class="mono">
        {look === "value" ? bit.value : <span class={`lamp ${look}`}>{look === "on" ? "1" : "0"}</span>}
      </td>
      <td>
        <span class="name">{bit.name}</span>
        {bit.doc && <span class="doc">{bit.doc}</span>}
      </td>
    </tr>
  );
}

/** Which bit of a field was different before. */
function bitBefore(before: string | undefined, { bits, value }: ControlBits): string | undefined {
  if (before === undefined || !/^\d+$/.test(bits) || bitState(value) === "value") return undefined;
  const was = ((BigInt(`0x${before}`) >> BigInt(bits)) & 1n) === 1n ? "on" : "off";
  return was === bitState(value) ? undefined : was;
}

/** The selected field bit by bit, and what the bits do. */
function Detail({ field, state }: { field: ControlField; state: State }) {
  const before = changes(state).get(field.place);
  const failure = state.now?.block?.failure;
  return (
    <section class="bits" aria-label={field.name}>
      <h2>
        {field.name} <span class="mono">{hex(field.value)}</span>
      </h2>
      {field.place === failure?.place && (
        <p class="failure" role="alert">
          {failure.sentence} <span class="rule">check {failure.check}</span>
        </p>
      )}
      {field.bits.length > 0 ? (
        <table aria-label={`Bits of ${field.name}`}>
          <tbody>
            {field.bits.map((bit) => (
              <Bit key={`${bit.bits} ${bit.name}`} bit={bit} before={bitBefore(before, bit)} />
            ))}
          </tbody>
        </table>
      ) : (
        <p class="source">{field.width} bits, without named parts.</p>
      )}
    </section>
  );
}

function Toolbar({ state, actions }: { state: State; actions: Actions }) {
  const now = state.now;
  const before = baseline(state);
  const since = before
    ? `${changes(state).size} changed since ${before.exit > 0 ? `exit #${before.exit} ${before.reason}` : `cycle ${before.step}`}`
    : "go to the next exit to see what changes";
  const last = now?.exit ? `last exit #${now.exit.sequence} ${now.exit.reason}` : "no exit yet";
  return (
    <header>
      <Filter label="Filter fields by name, encoding, value or bit" value={state.filter} change={actions.filter} />
      {shows.map(([show, text]) => (
        <label key={show}>
          <input type="radio" name="show" checked={state.show === show} onChange={() => actions.show(show)} /> {text}
        </label>
      ))}
      <span class="summary" role="status">
        {state.running ? "running · " : ""}
        {last} · {since}
      </span>
    </header>
  );
}

export function View({ state, actions }: { state: State; actions: Actions }) {
  const block = state.now?.block;
  if (!block) return <Empty state={state} actions={actions} />;
  const field = fieldInDetail(state);
  return (
    <>
      <Toolbar state={state} actions={actions} />
      <p class="state">
        <b>{block.kind}</b> at <span class="mono">{hex(block.address)}</span>. {block.state}{" "}
        {block.failure && (
          <span class="failure" role="alert">
            An entry fails: {block.failure.sentence}
          </span>
        )}
        {state.failed && <span class="failure">{state.failed}</span>}
      </p>
      <div class="columns">
        <Picture state={state} actions={actions} />
        <div class="list">
          <Table state={state} actions={actions} />
        </div>
        {field && <Detail field={field} state={state} />}
      </div>
    </>
  );
}
