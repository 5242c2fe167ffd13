import { render } from "preact";
import { follow } from "../shared/follow.ts";
import { openPage } from "../shared/page.ts";
import { type Action, initial, reduce } from "./model.ts";
import css from "./view.css";
import { type Actions, View } from "./view.tsx";

/** Milliseconds for which each reference is shown while they play. */
const pace = 700;

let state = initial;
let timer: ReturnType<typeof setInterval> | undefined;
const root = openPage(css);

function act(action: Action): void {
  state = reduce(state, action);
  render(<View state={state} actions={actions} />, root);
  if (state.playing && timer === undefined) timer = setInterval(() => act({ kind: "next" }), pace);
  else if (!state.playing && timer !== undefined) {
    clearInterval(timer);
    timer = undefined;
  }
}

const { link, again } = follow({
  request: "ringside/translation",
  args: () => ({ address: state.address }),
  session: act,
  advanced: ({ running }) => act({ kind: "running", running }),
  answer: (now) => act("problem" in now ? { kind: "failed", message: now.problem } : { kind: "translation", now }),
  failed: act,
});

const actions: Actions = {
  ask: (text) => {
    act({ kind: "address", text });
    again(state.running);
  },
  at: (at) => act({ kind: "at", at }),
  play: (on) => act({ kind: "play", on }),
  warm: (on) => act({ kind: "warm", on }),
  debug: (sample) => link.start(sample),
};

act({ kind: "running", running: false });
