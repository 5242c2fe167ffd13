import { render } from "preact";
import { Feed } from "../shared/feed.ts";
import { Link } from "../shared/messaging.ts";
import { openPage } from "../shared/page.ts";
import { painter } from "../shared/painter.ts";
import { TimeBar } from "../shared/time-bar.tsx";
import { type Action, initial, reduce } from "./model.ts";
import css from "./view.css";
import { type Actions, View } from "./view.tsx";

let state = initial();
const root = openPage(css);
const paint = painter(() => render(<View state={state} actions={actions} />, root));

function act(action: Action): void {
  const { selected } = state;
  state = reduce(state, action);
  if (state.selected !== selected && (action.kind === "select" || action.kind === "along")) moveCursor();
  if (action.kind === "select") paint.now();
  else paint.soon();
}

/** To the selected event. */
function moveCursor(): void {
  const n = state.selected === undefined ? undefined : state.trace.placeOf(state.selected);
  if (n !== undefined) time.move(state.trace.cycleOf(n));
}

const link = new Link({
  session: act,
  advanced: (body) => {
    act({ kind: "present", ...body });
    void feed.catchUp(body.last);
  },
});

const time = new TimeBar(link, (cycle) => act({ kind: "cursor", cycle }));

const feed = new Feed(link, ["schedule"], {
  last: () => state.last,
  learn: (news) => act({ kind: "events", ...news }),
});

async function go(sequence: number): Promise<void> {
  act({ kind: "select", sequence });
  const n = state.trace.placeOf(sequence);
  const source = n === undefined ? undefined : state.trace.row(n).source;
  if (source) link.send({ kind: "open", ...source });
  await link.request("ringside/goToEvent", { sequence });
  time.move(undefined);
}

const actions: Actions = {
  filter: (text) => act({ kind: "filter", text }),
  select: (sequence) => act({ kind: "select", sequence }),
  point: (sequence) => act({ kind: "point", sequence }),
  lane: (by) => act({ kind: "lane", by }),
  along: (by) => act({ kind: "along", by }),
  zoom: (factor, centre) => act({ kind: "zoom", factor, ...(centre !== undefined && { centre }) }),
  pan: (part) => act({ kind: "pan", part }),
  all: () => act({ kind: "all" }),
  live: (on) => act({ kind: "live", on }),
  go: (sequence) => void go(sequence),
  debug: (sample) => link.start(sample),
};

act({ kind: "live", on: true });
