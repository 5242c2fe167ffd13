import { render } from "preact";
import { Feed } from "../shared/feed.ts";
import { follow } from "../shared/follow.ts";
import { openPage } from "../shared/page.ts";
import { type Action, crossingKinds, initial, reduce } from "./model.ts";
import css from "./view.css";
import { View } from "./view.tsx";

let state = initial;
const root = openPage(css);

function act(action: Action): void {
  state = reduce(state, action);
  render(<View state={state} debug={debug} />, root);
}

const { link } = follow({
  request: "ringside/rings",
  args: () => ({}),
  session: act,
  advanced: ({ last, running }) => {
    act({ kind: "present", last, running });
    void feed.catchUp(last);
  },
  answer: (now) => act({ kind: "rings", now }),
  failed: act,
});

const feed = new Feed(link, crossingKinds, {
  last: () => state.last,
  learn: ({ events, last }) => act({ kind: "events", events, last }),
});

const debug = (sample?: string) => link.start(sample);

act({ kind: "present", last: 0, running: false });
