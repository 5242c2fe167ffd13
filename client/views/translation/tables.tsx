import { useEffect, useRef } from "preact/hooks";
import type { ShadowState } from "../../../debug-adapter/protocol.ts";
import { bitMeanings, columns, hex, indexOf, type Numbered, type State } from "./model.ts";
import type { Actions } from "./view.tsx";

interface Props {
  readonly state: State;
  readonly actions: Actions;
}

export function Steps({ state, actions }: Props) {
  const rows = useRef<HTMLElement>(null);
  const { at } = state;
  useEffect(() => rows.current?.querySelector("tr.selected")?.scrollIntoView({ block: "nearest" }), [at]);
  const walk = state.now?.walk;
  if (!walk || walk.steps.length === 0) return null;
  const numbers = columns(walk).flatMap(({ entry, nested, shadow }) => [...nested, entry, shadow]);
  const numberOf = (step: Numbered["step"]) => numbers.find((each) => each?.step === step)?.number;
  return (
    <section class="rows" ref={rows} tabIndex={0} aria-label="The entries on the way, in their order">
      <table aria-label="The entries on the way">
        <thead>
          <tr>
            <th class="number">#</th>
            <th>table</th>
            <th>at</th>
            <th>entry</th>
            <th title={bitMeanings(walk.steps).join(", ")}>bits</th>
            <th title="What the processor still reads when its caches are warm, and what spares it the rest">
              once warm
            </th>
          </tr>
        </thead>
        <tbody>
          {walk.steps.map((step, n) => {
            const number = numberOf(step);
            const selected = number !== undefined && number === state.at;
            const index = indexOf(walk, step);
            return (
              <tr
                key={`${n} ${step.address}`}
                class={`${selected ? "selected" : ""} ${step.of ?? "guest"}`}
                aria-selected={selected}
                onClick={() => number !== undefined && actions.at(number)}
              >
                <td class="number">{number ?? "–"}</td>
                <td>
                  {step.table} <span class="index">{index === undefined ? "" : `[${index}]`}</span>
                </td>
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
    </section>
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

const pageOf = (linear: string): number => Number.parseInt(linear.slice(0, -3) || "0", 16);

/** The guest's table beside its shadow, page by page; the one that is asked for in sight. */
export function Shadow({ state, actions }: Props) {
  const rows = useRef<HTMLElement>(null);
  const { linear: asked = "" } = state.now?.walk ?? {};
  useEffect(() => {
    const row = rows.current?.querySelector<HTMLElement>("tr.selected");
    // `scrollIntoView` would move the page as well.
    if (rows.current && row)
      rows.current.scrollTop = row.offsetTop - (rows.current.clientHeight - row.offsetHeight) / 2;
  }, [asked]);
  const pages = state.now?.pages ?? [];
  if (pages.length === 0) return null;
  const page = pageOf(state.now?.walk.linear ?? "0");
  return (
    <section class="rows shadow-pages" ref={rows} tabIndex={0} aria-label="Pages and their shadow">
      <table aria-label="Pages by the guest's tables and by the shadow">
        <thead>
          <tr>
            <th>page</th>
            <th>how they stand</th>
            <th>guest's entry</th>
            <th>shadow's entry</th>
          </tr>
        </thead>
        <tbody>
          {pages.map(({ linear, guest, shadow, state: how }) => (
            <tr
              key={linear}
              class={`${pageOf(linear) === page ? "selected" : ""} ${how.replace(" ", "-")}`}
              onClick={() => actions.ask(`0x${linear}`)}
            >
              <td class="mono">{hex(linear)}</td>
              <td>
                <span class={`dot state-${how.replace(" ", "-")}`} />
                {meanings[how]}
              </td>
              <td class="mono">
                {hex(guest.entry)} {guest.bits.join(" ")}
              </td>
              <td class="mono">
                {hex(shadow.entry)} {shadow.bits.join(" ")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
