import { useEffect, useRef } from "preact/hooks";
import type { ControlBits, ControlBlock, ControlField } from "../../../debug-adapter/protocol.ts";
import { Empty, type Start } from "../shared/empty.tsx";
import { Filter } from "../shared/filter.tsx";
import { rowByKey } from "../shared/keys.ts";
import {
  baseline,
  bitState,
  changes,
  exitsOf,
  fieldInDetail,
  isAtFault,
  type Naming,
  named,
  type Show,
  type State,
  visible,
} from "./model.ts";

export interface Actions {
  readonly show: (show: Show) => void;
  readonly name: (naming: Naming) => void;
  readonly open: (group: string) => void;
  readonly filter: (text: string) => void;
  readonly select: (place: string) => void;
  readonly debug: Start;
}

const shows: readonly (readonly [Show, string])[] = [
  ["main", "main fields"],
  ["changed", "changed"],
  ["all", "all"],
];

/** Of a bit or a field that has no counterpart. */
const unknown = "—";
const hex = (value: string): string => (value === "" ? unknown : `${value.toUpperCase()}h`);
const times = (count: number): string => `${count.toLocaleString("en")} ${count === 1 ? "exit" : "exits"}`;

function Nothing({ state, actions }: { state: State; actions: Actions }) {
  const example = [
    ["4402h", "Exit reason", "CPUID"],
    ["681Eh", "Guest RIP", "100 02Ah"],
    ["4002h", "Primary controls", "HLT exiting = 1"],
  ] as const;
  return (
    <Empty
      text={
        state.failed ??
        state.now?.absent ??
        "The control block of a guest: what makes it exit, what the last exit said, and how it will be entered again."
      }
      {...{ start: actions.debug, hasSession: state.session !== undefined }}
      sample={state.now?.absent === undefined && state.session !== undefined ? undefined : "hypervisor.asm"}
    >
      {example.map(([place, name, value]) => (
        <div class="sample" key={place}>
          <span>{place}</span>
          <span>{name}</span>
          <span>{value}</span>
        </div>
      ))}
    </Empty>
  );
}

/** Every field as a cell: where something changed lights up. */
function Picture({ state, actions }: { state: State; actions: Actions }) {
  const changed = changes(state);
  const block = named(state);
  const detail = fieldInDetail(state)?.place;
  const values: Readonly<Record<string, string>> = { "": "unknown", "0": "zero" };
  const look = (field: ControlField): string =>
    isAtFault(state, field) ? "failed" : changed.has(field.place) ? "changed" : (values[field.value] ?? "set");
  return (
    <section class="picture" aria-label="Map of the fields">
      <p class="legend">
        <span class="cell changed" /> changed <span class="cell set" /> set <span class="cell zero" /> zero
        {state.naming === "other" && (
          <>
            {" "}
            <span class="cell unknown" /> no counterpart
          </>
        )}
        {state.now?.block?.failure && (
          <>
            {" "}
            <span class="cell failed" /> fails a check
          </>
        )}
      </p>
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
    </section>
  );
}

/** What a field says in a few words: what it made exit, bits that are on, or what its parts are. */
function summary(field: ControlField): string {
  const { bits, note } = field;
  const exits = exitsOf(field);
  const on = bits.filter(({ value }) => bitState(value) === "on").map(({ name }) => name);
  const parts = bits
    .filter(({ value }) => bitState(value) === "value" && value !== unknown)
    .map(({ name, value }) => `${name}: ${value}`);
  const all = [...(exits ? [`made ${times(exits)}`] : []), ...parts, ...on];
  return all.length > 0 ? all.join(" · ") : (note ?? "");
}

interface RowProps {
  readonly field: ControlField;
  readonly before: string | undefined;
  readonly failure: ControlBlock["failure"];
  readonly selected: boolean;
  readonly actions: Actions;
}

function Row({ field, before, failure, selected, actions }: RowProps) {
  const look = failure ? "failed" : before === undefined ? "" : "changed";
  return (
    <>
      <tr
        class={`${selected ? "selected" : ""} ${look}`}
        aria-selected={selected}
        data-place={field.place}
        onClick={() => actions.select(field.place)}
      >
        <td class="mono">{field.place}h</td>
        <td title={field.name}>{field.name}</td>
        <td class="mono">
          <span class="value">{hex(field.value)}</span>
          {before !== undefined && <span class="before">was {hex(before)}</span>}
        </td>
        <td class="what" title={summary(field)}>
          {summary(field)}
        </td>
      </tr>
      {failure && (
        <tr class="rule-line" onClick={() => actions.select(field.place)}>
          <td />
          <td colSpan={3} class="failure">
            {failure.sentence} <span class="rule">check {failure.check}</span>
          </td>
        </tr>
      )}
    </>
  );
}

interface HeadingProps {
  readonly group: ReturnType<typeof visible>[number];
  readonly state: State;
  readonly actions: Actions;
}

/** The name of a group, which opens it to all its fields. */
function Heading({ group: { group, fields, total }, state, actions }: HeadingProps) {
  const opened = state.opened.includes(group);
  const foldable = state.filter === "" && state.show !== "all";
  const count = fields.length === total ? `${total}` : `${fields.length} of ${total}`;
  return (
    <tr class="heading">
      <th colSpan={4} scope="rowgroup">
        {foldable ? (
          <button type="button" class="fold" aria-expanded={opened} onClick={() => actions.open(group)}>
            <span aria-hidden="true">{opened ? "▾" : "▸"}</span> {group} <span class="count">{count}</span>
          </button>
        ) : (
          <>
            {group} <span class="count">{count}</span>
          </>
        )}
      </th>
    </tr>
  );
}

function Table({ state, actions }: { state: State; actions: Actions }) {
  const changed = changes(state);
  const groups = visible(state);
  const fields = groups.flatMap((group) => group.fields);
  const detail = fieldInDetail(state)?.place;
  const failure = state.now?.block?.failure;
  const onKeyDown = (event: KeyboardEvent) => {
    const index = fields.findIndex(({ place }) => place === detail);
    const target = fields[rowByKey(event.key, index, fields.length) ?? -1];
    if (!target) return;
    event.preventDefault();
    actions.select(target.place);
  };
  const rows = useRef<HTMLDivElement>(null);
  // What is in detail is in sight, whoever chose it: a key, the map, or a check that fails.
  useEffect(() => {
    const show = () => rows.current?.querySelector(`[data-place="${detail}"]`)?.scrollIntoView({ block: "nearest" });
    show();
    // While another view has the panel, there is nowhere to scroll.
    addEventListener("resize", show);
    return () => removeEventListener("resize", show);
  }, [detail]);
  return (
    <div
      ref={rows}
      class="rows"
      role="application"
      aria-label="Fields: arrow keys select"
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <table aria-label={`Fields of the ${named(state)?.kind}`}>
        <thead>
          <tr>
            <th>{named(state)?.kind === "VMCB" ? "offset" : "encoding"}</th>
            <th>field</th>
            <th>value</th>
            <th>what it says</th>
          </tr>
        </thead>
        {groups.map((group) => (
          <tbody key={group.group}>
            <Heading group={group} state={state} actions={actions} />
            {group.fields.map((field) => (
              <Row
                key={field.place}
                field={field}
                before={changed.get(field.place)}
                failure={isAtFault(state, field) ? failure : undefined}
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
      <td class="number made">{bit.exits ? times(bit.exits) : bit.exits === 0 && look === "on" ? "0" : ""}</td>
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
      {failure && isAtFault(state, field) && (
        <p class="failure" role="alert">
          {failure.sentence} <span class="rule">check {failure.check}</span>
        </p>
      )}
      {field.note && <p class="source">{field.note}</p>}
      {field.bits.length > 0 ? (
        <table aria-label={`Bits of ${field.name}`}>
          <tbody>
            {field.bits.map((bit) => (
              <Bit key={`${bit.bits} ${bit.name}`} bit={bit} before={bitBefore(before, bit)} />
            ))}
          </tbody>
        </table>
      ) : (
        !field.note && <p class="source">{field.width} bits, without named parts.</p>
      )}
    </section>
  );
}

/** Whose names: those of the control block that there is, or the other vendor's. */
function Names({ state, actions }: { state: State; actions: Actions }) {
  const block = state.now?.block;
  if (!block) return null;
  const names: readonly (readonly [Naming, string])[] =
    block.kind === "VMCS"
      ? [
          ["own", "VMCS"],
          ["other", "VMCB"],
        ]
      : [
          ["other", "VMCS"],
          ["own", "VMCB"],
        ];
  return (
    <fieldset class="names" title="The same state under the names of VT-x (VMCS) or AMD-V (VMCB): key N">
      <legend class="unseen">Names</legend>
      {names.map(([naming, kind]) => (
        <label key={naming}>
          <input type="radio" name="naming" checked={state.naming === naming} onChange={() => actions.name(naming)} />{" "}
          {kind} names
        </label>
      ))}
    </fieldset>
  );
}

function Toolbar({ state, actions }: { state: State; actions: Actions }) {
  const now = state.now;
  const before = baseline(state);
  const changed = changes(state);
  const fields = named(state)?.groups.flatMap((group) => group.fields) ?? [];
  const since = before
    ? `${fields.filter(({ place }) => changed.has(place)).length} changed since ${before.exit > 0 ? `exit #${before.exit} ${before.reason}` : `cycle ${before.step}`}`
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
      <Names state={state} actions={actions} />
      <span class="summary" role="status">
        {state.running ? "running · " : ""}
        {last} · {since}
      </span>
    </header>
  );
}

const nameOf = (block: ControlBlock, place: string): string => {
  const field = block.groups.flatMap(({ fields }) => fields).find((found) => found.place === place);
  return `${field?.name} (${place}h)`;
};

export function View({ state, actions }: { state: State; actions: Actions }) {
  const block = state.now?.block;
  if (!block) return <Nothing state={state} actions={actions} />;
  const field = fieldInDetail(state);
  return (
    <>
      <Toolbar state={state} actions={actions} />
      <p class="state">
        <b>{block.kind}</b> at <span class="mono">{hex(block.address)}</span>
        {state.naming === "other" && `, under the names of the ${block.other.kind}`}. {block.state}{" "}
        {block.failure && (
          <span class="failure" role="alert">
            An entry fails by {nameOf(block, block.failure.place)}.
          </span>
        )}
        {state.now?.missed !== undefined && (
          <span class="source">
            Exits are not counted of the oldest {state.now.missed.toLocaleString("en")} events, which are no longer
            kept.{" "}
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
