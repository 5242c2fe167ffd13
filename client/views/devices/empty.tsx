import type { Props } from "./view.tsx";

/** A pale picture of what will be here, and how to get it. */
export function Empty({ state, actions }: Props) {
  return (
    <section class="empty">
      <div class="pale sample" aria-hidden="true">
        <pre>{"login: root\n# uname\nRingside\n# ▂"}</pre>
        <pre>{"IRQ          0 1 2 3 4\nrequested    · · · · ●\nin service   ● · · · ·\nmasked       · × · × ·"}</pre>
      </div>
      <p role="status">
        {state.problem ??
          (state.session === undefined
            ? "The guest's screen and serial port, to look at and to type into, and what its interrupt controllers, timers and other devices hold."
            : "The guest has not been asked yet: its screen, serial port and devices appear here.")}
      </p>
      {state.session === undefined && (
        <button type="button" onClick={actions.debug}>
          Debug the guest in the editor
        </button>
      )}
    </section>
  );
}
