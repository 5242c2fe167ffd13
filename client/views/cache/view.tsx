import { techniqueById } from "../../../isa/technique.ts";
import { Empty, type Start } from "../shared/empty.tsx";
import { Filter } from "../shared/filter.tsx";
import { rowByKey } from "../shared/keys.ts";
import {
  type Arrow,
  arrows,
  type Kind,
  mostUnits,
  place,
  type State,
  summary,
  type Unit,
  unitAt,
  unitInDetail,
  visible,
} from "./model.ts";

export interface Actions {
  readonly filter: (text: string) => void;
  readonly dead: (on: boolean) => void;
  readonly select: (unit: number) => void;
  /** Shows the source line of a guest instruction, where it has one. */
  readonly open: (instruction: Unit["guest"][number]) => void;
  readonly debug: Start;
}

interface Props {
  readonly state: State;
  readonly actions: Actions;
}

const kinds: readonly (readonly [Kind, string, string])[] = [
  ["identical", "identical", "copied as it is"],
  ["in-cache", "rewritten", "other instructions do the same on the guest's state"],
  ["callout", "callout", "traps to the VMM, which does it"],
];
const rowHeight = 22;
/** Width of the picture of arrows, and how much further out an arrow over one more row goes. */
const arrowsWidth = 96;
const arrowStep = 9;

const number = (value: number): string => value.toLocaleString("en");
const hex = (value: string): string => `${value.toUpperCase()}h`;

function Nothing({ state, actions }: Props) {
  const example = [
    ["cli", "and byte [IF], 0", "in-cache"],
    ["mov eax, ebx", "mov eax, ebx", "identical"],
    ["out 20h, al", "int3", "callout"],
  ] as const;
  const other =
    state.now &&
    (state.now.technique === "binary-translation"
      ? "Nothing has been translated yet. Step or continue: the guest's kernel code is translated as it comes to run. In real mode it is interpreted instead."
      : `Under ${techniqueById(state.now.technique)?.title} nothing is translated. Choose Binary Translation in the status bar and start again.`);
  return (
    <Empty
      text={
        state.failed ??
        other ??
        "Binary translation runs the guest's kernel from a cache of translated code: each block of the guest beside its translation, and how they are chained."
      }
      {...{ start: actions.debug, hasSession: state.session !== undefined }}
      sample={state.now?.technique === "binary-translation" ? undefined : "is-prime.asm"}
    >
      {example.map(([guest, code, kind]) => (
        <div class={`sample ${kind}`} key={guest}>
          <span>{guest}</span>
          <span>→</span>
          <span>{code}</span>
        </div>
      ))}
    </Empty>
  );
}

function Toolbar({ state, actions, matching }: Props & { matching: number }) {
  const { units, dead, kinds: of, bytes, exits, chained } = summary(state.now ?? { units: [] });
  const shown = matching > mostUnits ? `the ${mostUnits} hottest of ${number(matching)} · ` : "";
  return (
    <header>
      <Filter
        label="Filter units by number, line, address, instruction or kind"
        value={state.filter}
        change={actions.filter}
      />
      <label>
        <input type="checkbox" checked={state.dead} onChange={(event) => actions.dead(event.currentTarget.checked)} />{" "}
        invalidated ({number(dead)})
      </label>
      <span class="legend">
        {kinds.map(([kind, name, doc]) => (
          <span key={kind} title={doc}>
            <span class={`square ${kind}`} /> {name} {number(of[kind])}
          </span>
        ))}
      </span>
      <span class="summary" role="status">
        {state.running ? "running · " : ""}
        {shown}
        {number(units)} {units === 1 ? "unit" : "units"} · {number(bytes)} bytes · {number(chained)} of {number(exits)}{" "}
        exits chained
        {state.failed && <span class="failure"> {state.failed}</span>}
      </span>
    </header>
  );
}

interface RowProps {
  readonly unit: Unit;
  readonly most: number;
  readonly selected: boolean;
  readonly here: boolean;
  readonly actions: Actions;
}

function Row({ unit, most, selected, here, actions }: RowProps) {
  const first = unit.guest[0];
  return (
    <tr
      class={`${selected ? "selected" : ""} ${unit.alive ? "" : "dead"}`}
      aria-selected={selected}
      data-unit={unit.id}
      onClick={() => {
        actions.select(unit.id);
        if (first) actions.open(first);
      }}
    >
      <td class="here">{here ? "▶" : ""}</td>
      <td class="number">{unit.id}</td>
      <td>{first ? place(first) : hex(unit.linear)}</td>
      <td class="strip" aria-label={`${unit.guest.length} instructions`}>
        {unit.guest.map(({ address, kind, text }) => (
          <span key={address} class={`square ${kind}`} title={`${text}: ${kind}`} />
        ))}
      </td>
      <td class="number">{number(unit.hits)}</td>
      <td class="heat">
        <span class="bar" style={{ width: `${(100 * unit.hits) / most}%` }} />
      </td>
    </tr>
  );
}

function ArrowPath({ arrow, lit }: { arrow: Arrow; lit: boolean }) {
  const { from, to, kind, elided } = arrow;
  // Leaves the lower and reaches the upper half of the rows, so that arrows of both directions can be told apart.
  const start = (from + 0.7) * rowHeight;
  const end = (to + 0.3) * rowHeight;
  const out = Math.min(arrowsWidth - 6, 14 + arrowStep * Math.abs(to - from));
  return (
    <path
      class={`arrow ${kind} ${elided ? "elided" : ""} ${lit ? "lit" : ""}`}
      d={`M 0 ${start} C ${out * 1.3} ${start} ${out * 1.3} ${end} 6 ${end}`}
      marker-end={lit ? "url(#head-lit)" : "url(#head)"}
    >
      <title>{`unit ${arrow.unit} → unit ${arrow.target}: ${kind}${elided ? ", the code simply follows" : ""}`}</title>
    </path>
  );
}

function Arrows({ units, detail }: { units: readonly Unit[]; detail: number | undefined }) {
  const drawn = arrows(units);
  const lit = ({ unit, target }: Arrow) => unit === detail || target === detail;
  return (
    <svg
      class="arrows"
      width={arrowsWidth}
      height={units.length * rowHeight}
      role="img"
      aria-label={`${drawn.length} chained exits between the units`}
    >
      <defs>
        {["head", "head-lit"].map((id) => (
          <marker key={id} id={id} viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6" orient="auto">
            <path class={id} d="M 0 0 L 6 3 L 0 6 z" />
          </marker>
        ))}
      </defs>
      {[...drawn.filter((arrow) => !lit(arrow)), ...drawn.filter(lit)].map((arrow) => (
        <ArrowPath key={`${arrow.unit} ${arrow.kind}`} arrow={arrow} lit={lit(arrow)} />
      ))}
    </svg>
  );
}

/** The units in the order of the guest's code, with the arrows that chaining makes between them. */
function Units({ state, actions, units }: Props & { units: readonly Unit[] }) {
  const detail = unitInDetail(state);
  const here = unitAt(state)?.id;
  const most = Math.max(1, ...units.map(({ hits }) => hits));
  const onKeyDown = (event: KeyboardEvent & { readonly currentTarget: HTMLElement }) => {
    const index = units.findIndex(({ id }) => id === detail?.id);
    const to = rowByKey(event.key, index, units.length);
    const target = units[to ?? index];
    if (to !== undefined && target) {
      event.preventDefault();
      actions.select(target.id);
      event.currentTarget.querySelector(`[data-unit="${target.id}"]`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && target?.guest[0]) actions.open(target.guest[0]);
  };
  return (
    <div
      class="units"
      role="application"
      aria-label="Units: arrow keys select, Enter shows the source"
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <table aria-label="Units of the translation cache">
        <thead>
          <tr>
            <th>
              <span class="unseen">next</span>
            </th>
            <th class="number">unit</th>
            <th>guest</th>
            <th>instructions</th>
            <th class="number">hits</th>
            <th class="heat">
              <span class="unseen">bar</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {units.map((unit) => (
            <Row
              key={unit.id}
              unit={unit}
              most={most}
              selected={unit.id === detail?.id}
              here={unit.id === here}
              actions={actions}
            />
          ))}
        </tbody>
      </table>
      <Arrows units={units} detail={detail?.id} />
      {units.length === 0 && <p class="none">No unit matches.</p>}
    </div>
  );
}

function Exits({ unit, actions }: { unit: Unit; actions: Actions }) {
  return (
    <ul class="exits" aria-label="Where the unit leaves to">
      {unit.exits.map((exit) => {
        const { unit: to } = exit;
        return (
          <li key={`${exit.kind} ${exit.target}`}>
            {exit.kind} to {hex(exit.target)}:{" "}
            {to === null ? (
              "through the VMM, not chained yet"
            ) : (
              <button type="button" class="link" onClick={() => actions.select(to)}>
                unit {to}
                {exit.elided ? ", which simply follows" : ""}
              </button>
            )}
          </li>
        );
      })}
      {unit.exits.length === 0 && <li>Leaves to an address that is looked up each time, or not at all.</li>}
    </ul>
  );
}

/** Guest code left, its translation right. */
function Detail({ unit, state, actions }: Props & { unit: Unit }) {
  return (
    <section class="code" aria-label={`Unit ${unit.id}`}>
      <h2>
        Unit {unit.id}: {hex(unit.linear)} → {hex(unit.cache)}, {unit.bytes} bytes{unit.alive ? "" : ", invalidated"}
      </h2>
      <table aria-label="Guest code and its translation">
        <thead>
          <tr>
            <th>guest</th>
            <th>line</th>
            <th>translation</th>
          </tr>
        </thead>
        <tbody>
          {unit.guest.map((instruction) => (
            <tr
              key={instruction.address}
              class={`${instruction.kind} ${instruction.address === state.now?.at ? "next" : ""}`}
              title="Click to show the source line"
              onClick={() => actions.open(instruction)}
            >
              <td class="mono guest">
                <span class={`square ${instruction.kind}`} title={instruction.kind} /> {instruction.text}
              </td>
              <td>{place(instruction)}</td>
              <td class="mono">
                {instruction.code.map(({ address, text, retires }) => (
                  <div
                    key={address}
                    class={retires ? "retires" : ""}
                    title={`${hex(address)}${retires ? ": here the guest instruction is done" : ""}`}
                  >
                    {text}
                  </div>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <Exits unit={unit} actions={actions} />
    </section>
  );
}

export function View({ state, actions }: Props) {
  if (!state.now || state.now.units.length === 0) return <Nothing state={state} actions={actions} />;
  const { units, matching } = visible(state);
  const unit = unitInDetail(state);
  return (
    <>
      <Toolbar state={state} actions={actions} matching={matching} />
      <div class="columns">
        <Units state={state} actions={actions} units={units} />
        {unit && <Detail unit={unit} state={state} actions={actions} />}
      </div>
    </>
  );
}
