import { render } from "preact";
import { follow } from "../shared/follow.ts";
import { openPage } from "../shared/page.ts";
import { type Action, initial, reduce } from "./model.ts";
import css from "./view.css";
import { type Actions, View } from "./view.tsx";

let state = initial;
const root = openPage(css);

function act(action: Action): void {
  state = reduce(state, action);
  render(<View state={state} actions={actions} />, root);
}

const { link } = follow({
  request: "ringside/translations",
  args: () => ({}),
  session: act,
  advanced: ({ running }) => act({ kind: "running", running }),
  answer: (now) => act({ kind: "units", now }),
  failed: act,
});

const actions: Actions = {
  filter: (text) => act({ kind: "filter", text }),
  dead: (on) => act({ kind: "dead", on }),
  select: (unit) => act({ kind: "select", unit }),
  open: ({ source }) => source && link.send({ kind: "open", ...source }),
  debug: (sample) => link.start(sample),
};

act({ kind: "running", running: false });
