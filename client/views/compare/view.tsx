import type { Place } from "../../../debug-adapter/protocol.ts";
import { type TechniqueId, techniqueById } from "../../../isa/technique.ts";
import { cycles, percent } from "../shared/format.ts";
import { Legend } from "../shared/legend.tsx";
import { mostCycles, parts, type Ran, ran, type State, type Verdict, verdictOf } from "./model.ts";

export interface Actions {
  readonly compare: () => void;
  readonly select: (technique: TechniqueId) => void;
  readonly open: (place: Place) => void;
}

const signs: Readonly<Record<Verdict, readonly [sign: string, text: string]>> = {
  reference: ["●", "the reference"],
  same: ["✓", "no difference"],
  differs: ["✗", "the guest can tell"],
  refused: ["–", "cannot run this guest"],
};

const number = (value: number): string => value.toLocaleString("en");
const total = (tallies: Ran["totals"]["exits"]): number => tallies.reduce((sum, { count }) => sum + count, 0);

/** A pale picture of what will be here, and how to get it. */
function Empty({ state, actions }: { state: State; actions: Actions }) {
  const example = [
    ["Bare metal", 8, 0],
    ["Trap and emulate", 8, 40],
    ["VT-x with EPT", 8, 64],
  ] as const;
  return (
    <section class="empty">
      <div class="pale" aria-hidden="true">
        {example.map(([title, guest, outside]) => (
          <div class="sample" key={title}>
            <span>{title}</span>
            <span class="track">
              <span class="fill guest" style={{ width: `${guest}%` }} />
              <span class="fill blue" style={{ width: `${outside}%` }} />
            </span>
          </div>
        ))}
      </div>
      <p>
        The same guest under every technique, beside the bare machine: where it could first tell the difference, and
        where its cycles go.
      </p>
      {state.failed && (
        <p class="failed" role="alert">
          {state.failed}
        </p>
      )}
      <button type="button" onClick={actions.compare}>
        {state.session === undefined ? "Compare the guest in the editor" : `Compare ${state.session}`}
      </button>
    </section>
  );
}

function Bar({ run, most }: { run: Ran; most: number }) {
  const shares = parts(run);
  const label = shares.map(({ name, cycles: spent }) => `${name} ${cycles(spent)}`).join(", ");
  return (
    <span class="track" role="img" aria-label={`${number(run.totals.cycles)} cycles: ${label}`}>
      {shares.map((part) => (
        <span
          class={`fill ${part.accent}`}
          key={part.name}
          style={{ width: `${(100 * part.cycles) / most}%` }}
          title={`${part.name}: ${cycles(part.cycles)} cycles${part.name === "guest" ? "" : `, ${number(part.count)} times`}`}
        />
      ))}
    </span>
  );
}

interface Measure {
  readonly title: string;
  /** What it is, in a sentence. */
  readonly hint: string;
  /** Cycles on the bare machine; undefined where it did not run. */
  readonly text: (totals: Ran["totals"], bare: number | undefined) => string;
  /** Left out where it is 0 of all runs. */
  readonly count?: (totals: Ran["totals"]) => number;
}

const hypercallsOf = ({ hypercalls }: Ran["totals"]): number => total(hypercalls);
const translatedOf = ({ translated }: Ran["totals"]): number => translated;
const walkReferencesOf = ({ walkReferences }: Ran["totals"]): number => walkReferences;

const measures: readonly Measure[] = [
  { title: "cycles", hint: "Virtual time of the whole run", text: (totals) => cycles(totals.cycles) },
  {
    title: "× bare",
    hint: "How many times as long as on the bare machine",
    text: (totals, bare) => (bare ? (totals.cycles / bare).toFixed(totals.cycles < 10 * bare ? 1 : 0) : ""),
  },
  { title: "exits", hint: "How often the guest left to the hypervisor", text: ({ exits }) => number(total(exits)) },
  {
    title: "hypercalls",
    hint: "Calls of the guest to its hypervisor",
    text: (totals) => number(hypercallsOf(totals)),
    count: hypercallsOf,
  },
  {
    title: "translated",
    hint: "Guest instructions in the translation cache",
    text: (totals) => number(translatedOf(totals)),
    count: translatedOf,
  },
  {
    title: "direct",
    hint: "Instructions that the processor executed as the guest has them, without the hypervisor",
    text: ({ direct, instructions }) => percent(direct, instructions),
  },
  {
    title: "walk refs",
    hint: "Paging-structure entries read to fill the TLB",
    text: (totals) => number(walkReferencesOf(totals)),
    count: walkReferencesOf,
  },
];

/** Those that say something of one of the runs. */
const measuresOf = (runs: State["runs"]): readonly Measure[] =>
  measures.filter(({ count }) => !count || runs.filter(ran).some(({ totals }) => count(totals) > 0));

function Cells({ run, most, bare, shown }: Pick<RowProps, "most" | "bare" | "shown"> & { run: Ran }) {
  return (
    <>
      <td class="picture">
        <Bar run={run} most={most} />
      </td>
      {shown.map(({ title, text }) => (
        <td class="number" key={title}>
          {text(run.totals, bare)}
        </td>
      ))}
    </>
  );
}

function Row({ run, state, most, bare, shown, actions }: RowProps) {
  const [sign, text] = signs[verdictOf(run)];
  const chosen = state.selected === run.technique;
  return (
    <tr class={chosen ? "selected" : ""} data-technique={run.technique} onClick={() => actions.select(run.technique)}>
      <th scope="row">
        <button type="button" aria-pressed={chosen} onClick={() => actions.select(run.technique)}>
          {run.title}
        </button>
      </th>
      <td class={`verdict ${verdictOf(run)}`}>
        <span aria-hidden="true">{sign}</span> <span class="words">{text}</span>
      </td>
      {ran(run) ? (
        <Cells {...{ run, most, bare, shown }} />
      ) : (
        <td class="refusal" colSpan={1 + shown.length} title={run.refused}>
          {run.refused}
        </td>
      )}
    </tr>
  );
}

interface RowProps {
  readonly run: State["runs"][number];
  readonly state: State;
  readonly most: number;
  readonly bare: number | undefined;
  readonly shown: readonly Measure[];
  readonly actions: Actions;
}

function Difference({ run, actions }: { run: Ran; actions: Actions }) {
  const { divergence, place } = run;
  if (!divergence) return null;
  const { registers, memory, ends } = divergence;
  return (
    <>
      <p>
        After {number(divergence.instructions)} equal instructions, at{" "}
        {place ? (
          <button type="button" class="link" onClick={() => actions.open(place)}>
            line {place.line + 1}: <code>{place.text}</code>
          </button>
        ) : (
          <code>{divergence.address}h</code>
        )}
      </p>
      <table class="difference" aria-label="What differs">
        <thead>
          <tr>
            <th>
              <span class="unseen">what</span>
            </th>
            <th>bare metal</th>
            <th>{run.title}</th>
          </tr>
        </thead>
        <tbody>
          {registers.map(({ name, bare, hosted }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{bare}h</td>
              <td class="wrong">{hosted}h</td>
            </tr>
          ))}
          {memory.map(({ address, bare, hosted }) => (
            <tr key={address}>
              <th scope="row">memory {address}h</th>
              <td>{bare}</td>
              <td class="wrong">{hosted}</td>
            </tr>
          ))}
          {ends && (
            <tr>
              <th scope="row">end</th>
              <td>{ends.bare ?? "goes on"}</td>
              <td class="wrong">{ends.hosted ?? "goes on"}</td>
            </tr>
          )}
        </tbody>
      </table>
    </>
  );
}

/** Popek and Goldberg's three conditions. */
function Scorecard({ run }: { run: Ran }) {
  const { instructions, direct, writableOutside } = run.totals;
  return (
    <p class="scorecard">
      <span class={run.divergence ? "wrong" : ""}>equivalence: {run.divergence ? "no" : "yes"}</span>
      <span class={writableOutside > 0 ? "wrong" : ""}>
        resource control: {writableOutside > 0 ? `no, ${number(writableOutside)} pages outside` : "yes"}
      </span>
      <span title="Instructions that the processor executed as the guest has them">
        efficiency: {percent(direct, instructions)} direct
      </span>
    </p>
  );
}

function Detail({ run, actions }: { run: Ran; actions: Actions }) {
  const { exits, hypercalls, injected, shadow, exceptions } = run.totals;
  const lists = [
    ["exits", exits],
    ["hypercalls", hypercalls],
    ["exceptions in the guest", exceptions],
    ["injected", injected],
    ["shadow page tables", shadow],
  ] as const;
  return (
    <section class="detail" aria-label={run.title}>
      <h2>{run.title}</h2>
      {run.technique !== "bare-metal" && <Scorecard run={run} />}
      <Difference run={run} actions={actions} />
      {!run.divergence && run.technique !== "bare-metal" && (
        <p>The guest could not tell the difference in {number(run.compared)} instructions.</p>
      )}
      {lists.map(([title, tallies]) =>
        tallies.length === 0 ? null : (
          <p key={title}>
            <b>{title}</b>{" "}
            {tallies.map(({ name, count }) => (
              <span class="tally" key={name}>
                {number(count)} {name}
              </span>
            ))}
          </p>
        ),
      )}
    </section>
  );
}

/** The colours of the bars: those that there are. */
const accentsOf = (runs: State["runs"]): ReadonlySet<string> =>
  new Set(runs.filter(ran).flatMap((run) => parts(run).map(({ accent }) => accent)));

function Refusal({ run }: { run: State["runs"][number] }) {
  return (
    <section class="detail" aria-label={run.title}>
      <h2>{run.title}</h2>
      <p>{run.refused}</p>
    </section>
  );
}

export function View({ state, actions }: { state: State; actions: Actions }) {
  const { runs, busy } = state;
  if (runs.length === 0 && busy === undefined) return <Empty state={state} actions={actions} />;
  const most = mostCycles(runs);
  const reference = runs.find(({ technique }) => technique === "bare-metal");
  const bare = reference && ran(reference) ? reference.totals.cycles : undefined;
  const selected = runs.find(({ technique }) => technique === state.selected);
  const shown = measuresOf(runs);
  return (
    <>
      <header>
        <button type="button" disabled={busy !== undefined} onClick={actions.compare}>
          Compare again
        </button>
        <Legend accents={accentsOf(runs)} others={[["guest", "in the guest"]]} />
        <span class="summary" role="status">
          {busy === undefined ? "" : `running under ${techniqueById(busy)?.title ?? busy} …`}
        </span>
        {state.failed && (
          <span class="failed" role="alert">
            {state.failed}
          </span>
        )}
      </header>
      <div class="columns">
        <div class="list">
          <table aria-label="The guest under each technique">
            <thead>
              <tr>
                <th>technique</th>
                <th>equivalence</th>
                <th class="picture">where its cycles go</th>
                {shown.map(({ title, hint }) => (
                  <th class="number" key={title} title={hint}>
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {runs.map((run) => (
                <Row key={run.technique} {...{ run, state, most, bare, shown, actions }} />
              ))}
            </tbody>
          </table>
        </div>
        {selected && (ran(selected) ? <Detail run={selected} actions={actions} /> : <Refusal run={selected} />)}
      </div>
    </>
  );
}
