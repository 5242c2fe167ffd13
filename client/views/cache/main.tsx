import { render } from "preact";
import { Latest } from "../shared/latest.ts";
import { Link } from "../shared/messaging.ts";
import { openPage } from "../shared/page.ts";
import { TimeBar } from "../shared/time-bar.tsx";
import { type Action, initial, reduce } from "./model.ts";
import css from "./view.css";
import { type Actions, View } from "./view.tsx";

let state = initial;
const root = openPage(css);

function act(action: Action): void {
  state = reduce(state, action);
  render(<View state={state} actions={actions} />, root);
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
  () => link.request("ringside/translations", {}),
  (now) => act({ kind: "units", now }),
  (message) => act({ kind: "failed", message }),
);

const actions: Actions = {
  filter: (text) => act({ kind: "filter", text }),
  dead: (on) => act({ kind: "dead", on }),
  select: (unit) => act({ kind: "select", unit }),
  open: ({ source }) => source && link.send({ kind: "open", ...source }),
  debug: () => link.send({ kind: "command", command: "ringside.debugGuest" }),
};

act({ kind: "running", running: false });
