import { Empty } from "../shared/empty.tsx";
import type { Props } from "./view.tsx";

export function Nothing({ state, actions }: Props) {
  return (
    <Empty
      look="sample"
      text={
        state.problem ??
        (state.session === undefined
          ? "The guest's screen and serial port, to look at and to type into, and what its interrupt controllers, timers and other devices hold."
          : "The guest has not been asked yet: its screen, serial port and devices appear here.")
      }
      {...{ start: actions.debug, hasSession: state.session !== undefined }}
      sample={state.session === undefined ? "serial-echo.asm" : undefined}
    >
      <pre>{"login: root\n# uname\nRingside\n# ▂"}</pre>
      <pre>{"IRQ          0 1 2 3 4\nrequested    · · · · ●\nin service   ● · · · ·\nmasked       · × · × ·"}</pre>
    </Empty>
  );
}
