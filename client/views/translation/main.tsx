import { render } from "preact";
import { Latest } from "../shared/latest.ts";
import { Link } from "../shared/messaging.ts";
import { openPage } from "../shared/page.ts";
import { TimeBar } from "../shared/time-bar.tsx";
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

const link = new Link({
  session: act,
  advanced: ({ running }) => {
    act({ kind: "running", running });
    void latest.want(running);
  },
});

new TimeBar(link);

const latest = new Latest(
  () => link.request("ringside/translation", { address: state.address }),
  (now) => act("problem" in now ? { kind: "failed", message: now.problem } : { kind: "translation", now }),
  (message) => act({ kind: "failed", message }),
);

const actions: Actions = {
  ask: (text) => {
    act({ kind: "address", text });
    void latest.want(state.running);
  },
  at: (at) => act({ kind: "at", at }),
  play: (on) => act({ kind: "play", on }),
  warm: (on) => act({ kind: "warm", on }),
  debug: () => link.send({ kind: "command", command: "ringside.debugGuest" }),
};

act({ kind: "running", running: false });
