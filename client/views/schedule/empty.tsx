import { Empty } from "../shared/empty.tsx";
import type { Props } from "./view.tsx";

const sample = [
  ["pCPU 0", ["blue", 30], ["orange", 20], ["blue", 30], ["idle", 8], ["green", 12]],
  ["pCPU 1", ["green", 22], ["blue", 30], ["orange", 34], ["green", 14]],
] as const;

export function Nothing({ state, actions }: Props) {
  return (
    <Empty
      text={
        state.session === undefined
          ? "Who runs on which physical CPU, who waits, and why: each decision of the scheduler, with the numbers that decided."
          : "Nothing is scheduled here: each virtual CPU of this machine has a physical CPU of its own. A machine file (.ringside.json) whose host has a scheduler lets several share one."
      }
      {...{ start: actions.debug, hasSession: state.session !== undefined }}
    >
      {sample.map(([name, ...runs]) => (
        <div class="sample" key={name}>
          <span>{name}</span>
          {runs.map(([colour, width], n) => (
            <span key={n} class={`fill ${colour}`} style={{ width: `${width}%` }} />
          ))}
        </div>
      ))}
    </Empty>
  );
}
