import { render } from "preact";
import { follow } from "../shared/follow.ts";
import { openPage } from "../shared/page.ts";
import { type Action, initial, reduce } from "./model.ts";
import css from "./view.css";
import { type Actions, View } from "./view.tsx";

let state = initial;
const root = openPage(css);

function act(action: Action): void {
  state = reduce(state, action);
  render(<View state={state} actions={actions} />, root);
}

const { link } = follow({
  request: "ringside/controlBlock",
  args: () => ({}),
  session: act,
  advanced: ({ running }) => act({ kind: "running", running }),
  answer: (now) => act({ kind: "block", now }),
  failed: act,
});

const actions: Actions = {
  show: (show) => act({ kind: "show", show }),
  name: (naming) => act({ kind: "naming", naming }),
  open: (group) => act({ kind: "open", group }),
  filter: (text) => act({ kind: "filter", text }),
  select: (place) => act({ kind: "select", place }),
  debug: (sample) => link.start(sample),
};

document.addEventListener("keydown", ({ key, target, ctrlKey, altKey, metaKey }) => {
  const types = target instanceof HTMLInputElement && target.type === "search";
  if (key.toLowerCase() !== "n" || types || ctrlKey || altKey || metaKey) return;
  act({ kind: "naming", naming: state.naming === "own" ? "other" : "own" });
});

act({ kind: "running", running: false });
