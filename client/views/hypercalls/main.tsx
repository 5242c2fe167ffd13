import { render } from "preact";
import { Feed } from "../shared/feed.ts";
import { Latest } from "../shared/latest.ts";
import { Link } from "../shared/messaging.ts";
import { openPage } from "../shared/page.ts";
import { painter } from "../shared/painter.ts";
import { TimeBar } from "../shared/time-bar.tsx";
import type { Hypercall } from "./call-log.ts";
import { type Action, initial, reduce } from "./model.ts";
import css from "./view.css";
import { type Actions, View } from "./view.tsx";

let state = initial();
/** What comes while the guest runs. */
const soon: ReadonlySet<Action["kind"]> = new Set(["events", "present", "domains", "failed"]);
const root = openPage(css);

const paint = painter(() => render(<View state={state} actions={actions} />, root));

function act(action: Action): void {
  const { selected } = state;
  state = reduce(state, action);
  if (state.selected !== selected && action.kind === "select") time.move(state.log.at(action.sequence)?.cycle);
  if (soon.has(action.kind)) paint.soon();
  else paint.now();
}

const link = new Link({
  session: act,
  advanced: (body) => {
    act({ kind: "present", ...body });
    void feed.catchUp(body.last);
    void latest.want(body.running);
  },
});

const time = new TimeBar(link, (cycle) => act({ kind: "cursor", cycle }));

const feed = new Feed(link, ["hypercall"], {
  last: () => state.last,
  learn: (news) => act({ kind: "events", ...news }),
});

const latest = new Latest(
  () => link.request("ringside/domains", {}),
  (now) => act({ kind: "domains", now }),
  (message) => act({ kind: "failed", message }),
);

async function go(call: Hypercall): Promise<void> {
  act({ kind: "select", sequence: call.sequence });
  if (call.source) link.send({ kind: "open", ...call.source });
  await link.request("ringside/goToEvent", { sequence: call.sequence });
  time.move(undefined);
}

const actions: Actions = {
  filter: (text) => act({ kind: "filter", text }),
  refusals: (on) => act({ kind: "refusals", on }),
  select: (sequence) => act({ kind: "select", sequence }),
  below: (below) => act({ kind: "below", below }),
  go,
  debug: (sample) => link.start(sample),
};

act({ kind: "filter", text: "" });
