import { render } from "preact";
import { Feed } from "../shared/feed.ts";
import { Link } from "../shared/messaging.ts";
import { openPage } from "../shared/page.ts";
import { TimeBar } from "../shared/time-bar.tsx";
import { type Action, initial, reduce } from "./model.ts";
import css from "./view.css";
import { type Actions, View } from "./view.tsx";

let state = initial();
let waiting = false;
/** Until then the page rests: where drawing takes long, it must not keep what comes from being heard. */
let rest = 0;
const root = openPage(css);

/** Events come by thousands: the page is drawn once a frame at most, and for a third of the time. */
function act(action: Action): void {
  const { selected } = state;
  state = reduce(state, action);
  if (state.selected !== selected && (action.kind === "select" || action.kind === "along")) moveCursor();
  if (waiting) return;
  waiting = true;
  setTimeout(() => requestAnimationFrame(draw), Math.max(0, rest - performance.now()));
}

/** To the selected event. */
function moveCursor(): void {
  const n = state.selected === undefined ? undefined : state.trace.placeOf(state.selected);
  if (n !== undefined) time.move(state.trace.cycleOf(n));
}

function draw(): void {
  waiting = false;
  const start = performance.now();
  render(<View state={state} actions={actions} />, root);
  rest = performance.now() + 2 * (performance.now() - start);
}

const link = new Link((message) => {
  if (message.kind === "session") return act(message);
  if (message.kind === "begin") return;
  act({ kind: "present", ...message.body });
  void feed.catchUp(message.body.last);
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
  debug: () => link.send({ kind: "command", command: "ringside.debugGuest" }),
};

act({ kind: "live", on: true });
