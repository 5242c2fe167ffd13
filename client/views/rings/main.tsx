import { render } from "preact";
import { Feed } from "../shared/feed.ts";
import { Latest } from "../shared/latest.ts";
import { Link } from "../shared/messaging.ts";
import { openPage } from "../shared/page.ts";
import { TimeBar } from "../shared/time-bar.tsx";
import { type Action, crossingKinds, initial, reduce } from "./model.ts";
import css from "./view.css";
import { View } from "./view.tsx";

let state = initial;
const root = openPage(css);

function act(action: Action): void {
  state = reduce(state, action);
  render(<View state={state} debug={debug} />, root);
}

const link = new Link({
  session: act,
  advanced: ({ last, running }) => {
    act({ kind: "present", last, running });
    void feed.catchUp(last);
    void latest.want(running);
  },
});

new TimeBar(link);

const feed = new Feed(link, crossingKinds, {
  last: () => state.last,
  learn: ({ events, last }) => act({ kind: "events", events, last }),
});

const latest = new Latest(
  () => link.request("ringside/rings", {}),
  (now) => act({ kind: "rings", now }),
  (message) => act({ kind: "failed", message }),
);

const debug = () => link.send({ kind: "command", command: "ringside.debugGuest" });

act({ kind: "present", last: 0, running: false });
