import type { DevicesNow } from "../../../debug-adapter/protocol.ts";
import { nextText, type State, valueBefore } from "./model.ts";

type Device = DevicesNow["devices"][number];
type Interrupt = NonNullable<Device["interrupts"]>[number];

export const hex = (value: number, bits: number): string =>
  `${value
    .toString(16)
    .toUpperCase()
    .padStart(Math.ceil(bits / 4), "0")}h`;

const sentence = (one: Interrupt): string =>
  [
    one.input,
    one.vector === undefined ? "" : `vector ${hex(one.vector, 8)}`,
    one.line && "its line is asserted",
    one.requested && "requested",
    one.inService && "in service",
    one.masked && "masked",
    one.text,
  ]
    .filter(Boolean)
    .join(", ");

const aspects = [
  ["line", ({ line }: Interrupt) => line === true, "green"],
  ["requested", ({ requested }: Interrupt) => requested, "orange"],
  ["in service", ({ inService }: Interrupt) => inService, "blue"],
  ["masked", ({ masked }: Interrupt) => masked, "quiet"],
] as const;

/** A column for each input, a row for each thing that may be said of it. */
function Grid({ name, interrupts }: { name: string; interrupts: readonly Interrupt[] }) {
  return (
    <table class="grid" aria-label={name}>
      <thead>
        <tr>
          <th scope="col">{interrupts[0]!.input.split(" ")[0]}</th>
          {interrupts.map((one) => (
            <th scope="col" key={one.input} title={sentence(one)}>
              {one.input.split(" ")[1]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {aspects.map(([label, is, colour]) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            {interrupts.map((one) => (
              <td key={one.input} title={sentence(one)}>
                {is(one) ? <span class={`mark ${colour}`}>{label === "masked" ? "×" : "●"}</span> : "·"}
              </td>
            ))}
          </tr>
        ))}
        <tr>
          <th scope="row">vector (hex)</th>
          {interrupts.map((one) => (
            <td key={one.input} title={sentence(one)}>
              {one.vector === undefined ? "" : hex(one.vector, 8).slice(0, -1)}
            </td>
          ))}
        </tr>
      </tbody>
    </table>
  );
}

function List({ name, interrupts }: { name: string; interrupts: readonly Interrupt[] }) {
  return (
    <table class="list-of-interrupts" aria-label={name}>
      <thead>
        <tr>
          <th>interrupt</th>
          <th>vector</th>
          <th>state</th>
          <th>how</th>
        </tr>
      </thead>
      <tbody>
        {interrupts.map((one) => (
          <tr key={one.input}>
            <td>{one.input}</td>
            <td>{one.vector === undefined ? "" : hex(one.vector, 8)}</td>
            <td>
              {aspects
                .filter(([, is]) => is(one))
                .map(([label, , colour]) => (
                  <span key={label} class={`mark ${colour}`}>
                    {label === "masked" ? "× " : "● "}
                    {label}{" "}
                  </span>
                ))}
            </td>
            <td>{one.text}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Nothing is under way there, and nothing can come by a vector. */
const isIdle = ({ masked, requested, inService, vector = 0 }: Interrupt): boolean =>
  !requested && !inService && (masked || vector < 16);

/** Interrupt controllers: those with input lines as grids. One that is idle is folded. */
export function Interrupts({ now }: { now: DevicesNow }) {
  const controllers = now.devices.filter(({ interrupts }) => interrupts !== undefined);
  return controllers.map(({ name, interrupts = [] }) => {
    const lines = interrupts.every(({ line }) => line !== undefined);
    const idle = interrupts.every(isIdle);
    return (
      <details key={name} open={!idle}>
        <summary>
          {name}
          {idle && <span class="note"> · idle</span>}
        </summary>
        {lines ? <Grid name={name} interrupts={interrupts} /> : <List name={name} interrupts={interrupts} />}
      </details>
    );
  });
}

const countText = (count: number | undefined, initial: number | undefined): string =>
  count === undefined || initial === undefined || initial === 0
    ? ""
    : `${count.toLocaleString("en")} of ${initial.toLocaleString("en")}`;

function Next({ now, next }: { now: DevicesNow; next: number | undefined }) {
  if (next === undefined) return <td class="number">–</td>;
  const { time, cycles } = nextText(now, next);
  return (
    <td class="number" title={`in ${cycles}`}>
      {time}
    </td>
  );
}

export function Timers({ now }: { now: DevicesNow }) {
  const timers = now.devices.flatMap((device) => device.timers ?? []);
  return (
    <details open>
      <summary>Timers</summary>
      <table aria-label="Timers">
        <thead>
          <tr>
            <th>timer</th>
            <th>count</th>
            <th title="In virtual time">acts in</th>
            <th>what it does</th>
          </tr>
        </thead>
        <tbody>
          {timers.map(({ name, text, count, initial, next }) => (
            <tr key={name}>
              <td>{name}</td>
              <td class="number">{countText(count, initial)}</td>
              <Next now={now} next={next} />
              <td>{text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

export function Registers({ state, device }: { state: State; device: Device }) {
  return (
    <details>
      <summary>{device.name}</summary>
      <table aria-label={device.name}>
        <tbody>
          {device.registers.map(({ name, value, bits, text }) => {
            const before = valueBefore(state, device.name, name);
            const changed = before !== undefined && before !== value;
            return (
              <tr key={name} class={changed ? "changed" : ""}>
                <td>{name}</td>
                <td class="value" title={changed ? `was ${hex(before, bits)} at the stop before` : ""}>
                  {hex(value, bits)}
                  {changed && " ◂"}
                </td>
                <td>{text}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </details>
  );
}
