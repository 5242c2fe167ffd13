import { render } from "preact";
import { Link } from "../shared/messaging.ts";
import { openPage } from "../shared/page.ts";
import { type Action, type Exit, initial, reduce } from "./model.ts";
import css from "./view.css";
import { type Actions, View } from "./view.tsx";

const limit = 5000;
let state = initial;
let asking = false;

const root = openPage(css);

function act(action: Action): void {
  state = reduce(state, action);
  render(<View state={state} actions={actions} />, root);
}

const link = new Link((message) => {
  if (message.kind === "session") return act(message);
  if (message.kind === "begin") return;
  act({ kind: "present", ...message.body });
  void catchUp(message.body.last);
});

/** Asks for what has happened since; the session tells only that something has. */
async function catchUp(last: number): Promise<void> {
  if (asking) return;
  asking = true;
  try {
    while (state.last < last) {
      const after = state.last;
      const { events, dropped } = await link.request("ringside/events", { after, limit, kinds: ["exit", "entry"] });
      // A step back while we were asking: what came is about a future that is gone.
      if (state.last !== after) continue;
      const complete = events.length < limit;
      act({ kind: "events", events, dropped, last: complete ? last : (events.at(-1)?.sequence ?? last) });
    }
  } finally {
    asking = false;
  }
}

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
