import { render } from "preact";
import { Link } from "../shared/messaging.ts";
import { openPage } from "../shared/page.ts";
import { TimeBar } from "../shared/time-bar.tsx";
import { type Action, initial, order, reduce } from "./model.ts";
import css from "./view.css";
import { type Actions, View } from "./view.tsx";

let state = initial;

const root = openPage(css);

function act(action: Action): void {
  state = reduce(state, action);
  render(<View state={state} actions={actions} />, root);
}

const link = new Link({ session: act, begin: () => void compare() });

new TimeBar(link);

/** One technique after the other, so that what is known already shows. */
async function compare(): Promise<void> {
  if (state.busy !== undefined) return;
  const { session } = state;
  act({ kind: "start" });
  try {
    for (const technique of order) {
      act({ kind: "busy", technique });
      const run = await link.request("ringside/compare", { technique });
      if (state.session !== session) return;
      act({ kind: "run", run });
    }
    act({ kind: "done" });
  } catch (error) {
    act({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}

const actions: Actions = {
  compare: () =>
    state.session === undefined ? link.send({ kind: "command", command: "ringside.compare" }) : compare(),
  select: (technique) => act({ kind: "select", technique }),
  open: ({ uri, line }) => link.send({ kind: "open", uri, line }),
};

act({ kind: "done" });
