import { render } from "preact";
import events from "../shared/events.css";
import { Feed } from "../shared/feed.ts";
import { Link } from "../shared/messaging.ts";
import { openPage } from "../shared/page.ts";
import { painter } from "../shared/painter.ts";
import { TimeBar } from "../shared/time-bar.tsx";
import type { Exit } from "./exit-log.ts";
import { type Action, initial, reduce } from "./model.ts";
import css from "./view.css";
import { type Actions, View } from "./view.tsx";

let state = initial();

const root = openPage(events + css);

const paint = painter(() => render(<View state={state} actions={actions} />, root));

function act(action: Action): void {
  const { selected } = state;
  state = reduce(state, action);
  if (state.selected !== selected && action.kind === "select") time.move(state.log.at(action.sequence)?.cycle);
  if (action.kind === "events" || action.kind === "present") paint.soon();
  else paint.now();
}

const link = new Link({
  session: act,
  advanced: (body) => {
    act({ kind: "present", ...body });
    void feed.catchUp(body.last);
  },
});

const time = new TimeBar(link, (cycle) => act({ kind: "cursor", cycle }));

const feed = new Feed(link, ["exit", "entry"], {
  last: () => state.last,
  learn: (news) => act({ kind: "events", ...news }),
});

async function go(exit: Exit): Promise<void> {
  act({ kind: "select", sequence: exit.sequence });
  if (exit.source) link.send({ kind: "open", uri: exit.source.uri, line: exit.source.line });
  await link.request("ringside/goToEvent", { sequence: exit.sequence });
  time.move(undefined);
}

const actions: Actions = {
  filter: (text) => act({ kind: "filter", text }),
  select: (sequence) => act({ kind: "select", sequence }),
  point: (cycle) => time.move(cycle),
  live: (on) => act({ kind: "live", on }),
  go,
  debug: (sample) => link.start(sample),
};

act({ kind: "live", on: true });
