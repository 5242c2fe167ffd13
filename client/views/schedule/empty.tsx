import type { Props } from "./view.tsx";

const sample = [
  ["pCPU 0", ["blue", 30], ["orange", 20], ["blue", 30], ["idle", 8], ["green", 12]],
  ["pCPU 1", ["green", 22], ["blue", 30], ["orange", 34], ["green", 14]],
] as const;

/** A pale picture of what will be here, and how to get it. */
export function Empty({ state, actions }: Props) {
  return (
    <section class="empty">
      <div class="pale" aria-hidden="true">
        {sample.map(([name, ...runs]) => (
          <div class="sample" key={name}>
            <span>{name}</span>
            {runs.map(([colour, width], n) => (
              <span key={n} class={`fill ${colour}`} style={{ width: `${width}%` }} />
            ))}
          </div>
        ))}
      </div>
      <p role="status">
        {state.session === undefined
          ? "Who runs on which physical CPU, who waits, and why: each decision of the scheduler, with the numbers that decided."
          : "Nothing is scheduled here: each virtual CPU of this machine has a physical CPU of its own. A machine file (.ringside.json) whose host has a scheduler lets several share one."}
      </p>
      {state.session === undefined && (
        <button type="button" onClick={actions.debug}>
          Debug the guest in the editor
        </button>
      )}
    </section>
  );
}
