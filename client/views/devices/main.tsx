import xterm from "@xterm/xterm/css/xterm.css";
import { render } from "preact";
import { Feed } from "../shared/feed.ts";
import { follow } from "../shared/follow.ts";
import { openPage } from "../shared/page.ts";
import { type Action, initial, reduce } from "./model.ts";
import css from "./view.css";
import { type Actions, View } from "./view.tsx";

let state = initial();
const root = openPage(xterm + css);

function act(action: Action): void {
  state = reduce(state, action);
  render(<View state={state} actions={actions} />, root);
}

const chosen = () => (state.vm === undefined ? {} : { vm: state.vm });

const { link, again } = follow({
  request: "ringside/devices",
  args: chosen,
  session: act,
  advanced: ({ last, running }) => {
    act({ kind: "present", last, running });
    void feed.catchUp(last);
  },
  answer: (now) => act({ kind: "devices", now }),
  failed: act,
});

const feed = new Feed(
  link,
  ["output"],
  { last: () => state.last, learn: (news) => act({ kind: "events", ...news }) },
  true,
);

async function type(text: string, device: "serial" | "keyboard"): Promise<void> {
  try {
    await link.request("ringside/input", { text, device, ...chosen() });
    act({ kind: "typed" });
    again(state.running);
  } catch (error) {
    act({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}

const actions: Actions = {
  vm(name) {
    act({ kind: "vm", name });
    again(state.running);
  },
  tab: (tab) => act({ kind: "tab", tab }),
  type: (text, device) => void type(text, device),
  debug: (sample) => link.start(sample),
};

act({ kind: "present", last: 0, running: false });
