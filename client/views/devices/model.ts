/** What the Devices view knows, and how it changes. Logs of consoles grow in place; all else is replaced. */
import type { DevicesNow, LocatedEvent } from "../../../debug-adapter/protocol.ts";
import { ConsoleLog } from "./console-log.ts";

/** What the left side shows: the screen, or what a device prints. */
export type Tab = { readonly kind: "screen" } | { readonly kind: "console"; readonly device: string };

export interface State {
  /** Name of the debug session; undefined before the first. */
  readonly session: string | undefined;
  readonly now: DevicesNow | undefined;
  /** As it was at the last stop, and at the one before it or, while the guest runs, at the last: with that, registers are compared. */
  readonly stop: DevicesNow | undefined;
  readonly before: DevicesNow | undefined;
  readonly running: boolean;
  /** Why something could not be typed or looked at. */
  readonly problem: string | undefined;
  /** The VM that is shown; undefined: the one about to run. */
  readonly vm: string | undefined;
  /** As chosen; undefined: what the guest uses. */
  readonly tab: Tab | undefined;
  /** By VM and device. */
  readonly logs: ReadonlyMap<string, ConsoleLog>;
  readonly last: number;
  /** Some of what was printed was gone before it could be asked for. */
  readonly lost: boolean;
}

export const initial = (): State => ({
  session: undefined,
  now: undefined,
  stop: undefined,
  before: undefined,
  running: false,
  problem: undefined,
  vm: undefined,
  tab: undefined,
  logs: new Map(),
  last: 0,
  lost: false,
});

export type Action =
  | { readonly kind: "session"; readonly name: string | undefined }
  | { readonly kind: "present"; readonly last: number; readonly running: boolean }
  | {
      readonly kind: "events";
      readonly events: readonly LocatedEvent[];
      readonly last: number;
      readonly dropped: number;
    }
  | { readonly kind: "devices"; readonly now: DevicesNow }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "typed" }
  | { readonly kind: "vm"; readonly name: string }
  | { readonly kind: "tab"; readonly tab: Tab };

const keyOf = (vm: string, device: string): string => `${vm}/${device}`;
export const serialPort = "UART";

function learn(state: State, { events, last, dropped }: Extract<Action, { kind: "events" }>): State {
  const logs = new Map(state.logs);
  let from = state.last;
  for (const event of events) {
    if (event.kind !== "output") continue;
    const key = keyOf(event.vm, event.device);
    const log = logs.get(key) ?? new ConsoleLog();
    log.add(event.sequence, event.text, from);
    from = event.sequence;
    logs.set(key, log);
  }
  return { ...state, logs, last, lost: state.lost || dropped > 0 };
}

function rewind(state: State, last: number): State {
  if (last >= state.last) return state;
  // What was cut from one log is asked for again, and with it what others have from there on.
  let known = last;
  for (let before = Number.POSITIVE_INFINITY; known < before; ) {
    before = known;
    for (const log of state.logs.values()) known = Math.min(known, log.rewind(known));
  }
  return { ...state, last: known };
}

function told(state: State, now: DevicesNow): State {
  const stop = state.stop?.vm === now.vm ? state.stop : undefined;
  const known = { ...state, now, problem: undefined };
  if (state.running) return { ...known, before: stop };
  return { ...known, stop: now, before: stop?.step === now.step ? state.before : stop };
}

export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case "session":
      return action.name === state.session ? state : { ...initial(), session: action.name };
    case "present":
      return { ...rewind(state, action.last), running: action.running };
    case "events":
      return learn(state, action);
    case "devices":
      return told(state, action.now);
    case "failed":
      return { ...state, problem: action.message };
    case "typed":
      return { ...state, problem: undefined };
    case "vm":
      return { ...state, vm: action.name, tab: undefined };
    case "tab":
      return { ...state, tab: action.tab };
  }
}

/** What a device of the VM in sight printed. */
export const logOf = ({ logs, now }: State, device: string): ConsoleLog | undefined =>
  logs.get(keyOf(now?.vm ?? "", device));

/** All that can be shown: the screen, the serial port, and what else has printed something. */
export function tabs({ logs, now }: State): readonly Tab[] {
  const printed = [...logs.keys()]
    .filter((key) => key.startsWith(`${now?.vm}/`))
    .map((key) => key.slice(key.indexOf("/") + 1));
  const devices = [...new Set([serialPort, ...printed])];
  return [{ kind: "screen" }, ...devices.map((device) => ({ kind: "console", device }) as const)];
}

const isBlank = ({ screen }: DevicesNow): boolean =>
  screen.mode === "text" && screen.rows.every((runs) => runs.every(({ text }) => text.trim() === ""));

/** The tab in sight: the one chosen, else where the guest shows something. */
export function tabInSight(state: State): Tab {
  const { tab, now } = state;
  if (tab) return tab;
  if (now && (now.console === "keyboard" || !isBlank(now))) return { kind: "screen" };
  const used = tabs(state).find((one) => one.kind === "console" && logOf(state, one.device) !== undefined);
  return used ?? { kind: "console", device: serialPort };
}

/** What a register held at the stop before; undefined if nobody looked. */
export function valueBefore({ before }: State, device: string, register: string): number | undefined {
  const view = before?.devices.find(({ name }) => name === device);
  return view?.registers.find(({ name }) => name === register)?.value;
}

/** When a timer acts: "27 ms" of virtual time from now, and the same in cycles. */
export function nextText({ cycle, cyclesPerSecond }: DevicesNow, next: number): { time: string; cycles: string } {
  const left = Math.max(0, Math.round(next - cycle));
  const milliseconds = (1000 * left) / cyclesPerSecond;
  return {
    time: `${milliseconds.toLocaleString("en", { maximumSignificantDigits: 3 })} ms`,
    cycles: `${left.toLocaleString("en")} cycles of virtual time`,
  };
}
