import type { RingsNow } from "../../../debug-adapter/protocol.ts";
import { techniqueById } from "../../../isa/technique.ts";
import { Empty, type Start } from "../shared/empty.tsx";
import { type Building, buildings, type Crossing, crossed, type State } from "./model.ts";

const number = (value: number): string => value.toLocaleString("en");

function Nothing({ state, debug }: { state: State; debug: Start }) {
  return (
    <Empty
      text={
        state.failed ??
        "Where the processor is: in the hypervisor or in the guest, in which ring it really runs, in which one the guest thinks it is, and what crosses."
      }
      {...{ start: debug, hasSession: state.session !== undefined }}
      sample={state.session === undefined ? "ring-compression.asm" : undefined}
    >
      <Tower
        building={{
          title: "One machine for both",
          floors: [
            { ring: 3, who: "processes", lit: false, seen: false },
            { ring: 1, who: "guest kernel", lit: true, seen: false },
            { ring: 0, who: "the VMM", lit: false, seen: true },
          ],
        }}
      />
    </Empty>
  );
}

function Tower({ building: { title, floors } }: { building: Building }) {
  return (
    <section class="tower" aria-label={title}>
      <h2>{title}</h2>
      <ol>
        {floors.map(({ ring, who, lit, seen }) => (
          <li key={ring} class={`floor ${lit ? "lit" : ""} ${seen ? "seen" : ""}`}>
            <span class="ring">ring {ring}</span>
            <span class="who">{who}</span>
            <span class="mark">{lit ? "● is here" : seen ? "○ the guest thinks it is here" : ""}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

const signs: Readonly<Record<Crossing["way"], string>> = { out: "⟵", in: "⟶", within: "↻" };

const mostOf = (names: Crossing["most"]): string =>
  names.map(([name, times]) => `${name} ${number(times)}`).join(" · ");

/** What has crossed between the guest and the hypervisor, or within the guest, since the last stop. */
function Crossings({ state }: { state: State }) {
  const all = crossed(state);
  const most = Math.max(1, ...all.map(({ count }) => count));
  return (
    <section class="crossings" tabIndex={0} aria-label="Crossings">
      <table aria-label="What crossed since the last stop">
        <thead>
          <tr>
            <th>
              <span class="unseen">way</span>
            </th>
            <th>since the last stop</th>
            <th class="number">
              <span class="unseen">count</span>
            </th>
            <th class="heat">
              <span class="unseen">bar</span>
            </th>
            <th>most frequent</th>
          </tr>
        </thead>
        <tbody>
          {all.map(({ kind, text, way, count, most: names }) => (
            <tr key={kind} class={count === 0 ? "idle" : ""}>
              <td class={`way ${way}`}>{signs[way]}</td>
              <td>{text}</td>
              <td class="number">{number(count)}</td>
              <td class="heat">
                <span class="bar" style={{ width: `${(100 * count) / most}%` }} />
              </td>
              <td class="what" title={mostOf(names)}>
                {mostOf(names)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="legend">⟵ to the hypervisor · ⟶ to the guest · ↻ within the guest</p>
    </section>
  );
}

/** What the guest is meant to see, beside what the processor holds. */
function Differing({ now }: { now: RingsNow }) {
  if (now.differing.length === 0)
    return <p class="differing none">The processor holds in every register what the guest sees.</p>;
  return (
    <section class="differing" tabIndex={0} aria-label="Registers that differ">
      <table aria-label="Registers as the guest sees them, and as they are">
        <thead>
          <tr>
            <th>register</th>
            <th>guest sees</th>
            <th>processor holds</th>
          </tr>
        </thead>
        <tbody>
          {now.differing.map(({ name, seen, real }) => (
            <tr key={name}>
              <td>{name}</td>
              <td class="mono">{seen}h</td>
              <td class="mono real">{real}h</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function where({ ring, mode, addressSpace, inVmm, vcpu, processors }: RingsNow): string {
  const place = inVmm ? "in the VMM; the guest was" : "in";
  const seen = ring.seen === ring.real ? "" : `, where the guest sees ring ${ring.seen}`;
  const space = addressSpace === undefined ? "the guest does not use paging" : `address space CR3 = ${addressSpace}h`;
  const cpu = processors > 1 ? `vCPU ${vcpu} of ${processors} ` : "";
  return `${cpu}${place} ${inVmm ? "in " : ""}ring ${ring.real}${seen} · ${mode} mode · ${space}`;
}

export function View({ state, debug }: { state: State; debug: Start }) {
  const { now } = state;
  if (!now) return <Nothing state={state} debug={debug} />;
  return (
    <>
      <header>
        <span role="status">
          <b>{techniqueById(now.technique)?.title}</b> · {where(now)}
        </span>
        <span class="summary">
          {state.running ? "running" : ""}
          {state.failed && <span class="failure"> {state.failed}</span>}
        </span>
      </header>
      <div class="columns">
        <div class="towers">
          {buildings(now).map((building) => (
            <Tower key={building.title} building={building} />
          ))}
        </div>
        <Crossings state={state} />
        <Differing now={now} />
      </div>
    </>
  );
}
