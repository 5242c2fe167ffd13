import type { Start } from "../shared/empty.tsx";
import { Nothing } from "./empty.tsx";
import { logOf, type State, serialPort, type Tab, tabInSight, tabs } from "./model.ts";
import { Interrupts, Registers, Timers } from "./registers.tsx";
import { Screen } from "./screen.tsx";
import { Terminal } from "./terminal.tsx";

export interface Actions {
  readonly vm: (name: string) => void;
  readonly tab: (tab: Tab) => void;
  readonly type: (text: string, device: "serial" | "keyboard") => void;
  readonly debug: Start;
}

export interface Props {
  readonly state: State;
  readonly actions: Actions;
}

const nameOf = (tab: Tab): string =>
  tab.kind === "screen" ? "Screen" : tab.device === serialPort ? "Serial port" : tab.device;

const sameTab = (a: Tab, b: Tab): boolean => nameOf(a) === nameOf(b);

function Toolbar({ state, actions }: Props) {
  const { now, problem } = state;
  const inSight = tabInSight(state);
  return (
    <header>
      {now && now.vms.length > 1 && (
        <select aria-label="VM" value={now.vm} onChange={(event) => actions.vm(event.currentTarget.value)}>
          {now.vms.map((vm) => (
            <option key={vm}>{vm}</option>
          ))}
        </select>
      )}
      <fieldset class="tabs" aria-label="Consoles">
        {tabs(state).map((tab) => (
          <button type="button" key={nameOf(tab)} aria-pressed={sameTab(tab, inSight)} onClick={() => actions.tab(tab)}>
            {nameOf(tab)}
          </button>
        ))}
      </fieldset>
      <span class={problem ? "problem" : "hint"} role="status">
        {problem ?? hint(inSight, state.lost)}
      </span>
    </header>
  );
}

function hint(tab: Tab, lost: boolean): string {
  if (tab.kind === "screen") return "Click the screen and type: keys go to the guest's keyboard.";
  if (lost) return "More was printed than is kept for views; the debug console has it all.";
  if (tab.device === serialPort) return "Click the terminal and type: keys go into the serial port.";
  return "What the guest printed here.";
}

function Console({ state, actions }: Props) {
  const tab = tabInSight(state);
  if (tab.kind === "screen")
    return state.now ? <Screen screen={state.now.screen} type={(text) => actions.type(text, "keyboard")} /> : null;
  const name = nameOf(tab);
  const type = tab.device === serialPort ? (text: string) => actions.type(text, "serial") : () => undefined;
  return <Terminal key={`${state.now?.vm} ${name}`} log={logOf(state, tab.device)} label={name} type={type} />;
}

export function View({ state, actions }: Props) {
  const { now } = state;
  if (!now) return <Nothing state={state} actions={actions} />;
  const others = now.devices.filter(({ registers }) => registers.length > 0);
  return (
    <>
      <Toolbar state={state} actions={actions} />
      <div class="columns">
        <Console state={state} actions={actions} />
        <section class="state" aria-label="State of the devices">
          <Interrupts now={now} />
          <Timers now={now} />
          {others.map((device) => (
            <Registers key={device.name} state={state} device={device} />
          ))}
        </section>
      </div>
    </>
  );
}
