import { render } from "preact";
import events from "../shared/events.css";
import { Feed } from "../shared/feed.ts";
import { Link } from "../shared/messaging.ts";
import { openPage } from "../shared/page.ts";
import { type Action, type Exit, initial, reduce } from "./model.ts";
import css from "./view.css";
import { type Actions, View } from "./view.tsx";

let state = initial;

const root = openPage(events + css);

function act(action: Action): void {
  state = reduce(state, action);
  render(<View state={state} actions={actions} />, root);
}

const link = new Link((message) => {
  if (message.kind === "session") return act(message);
  if (message.kind === "begin") return;
  act({ kind: "present", ...message.body });
  void feed.catchUp(message.body.last);
});

const feed = new Feed(link, ["exit", "entry"], {
  last: () => state.last,
  learn: (news) => act({ kind: "events", ...news }),
});

async function go(exit: Exit): Promise<void> {
  act({ kind: "select", sequence: exit.sequence });
  if (exit.source) link.send({ kind: "open", uri: exit.source.uri, line: exit.source.line });
  await link.request("ringside/goToEvent", { sequence: exit.sequence });
}

const actions: Actions = {
  filter: (text) => act({ kind: "filter", text }),
  select: (sequence) => act({ kind: "select", sequence }),
  live: (on) => act({ kind: "live", on }),
  go,
  debug: () => link.send({ kind: "command", command: "ringside.debugGuest" }),
};

act({ kind: "live", on: true });
