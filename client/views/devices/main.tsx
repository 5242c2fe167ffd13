import xterm from "@xterm/xterm/css/xterm.css";
import { render } from "preact";
import { Feed } from "../shared/feed.ts";
import { Latest } from "../shared/latest.ts";
import { Link } from "../shared/messaging.ts";
import { openPage } from "../shared/page.ts";
import { TimeBar } from "../shared/time-bar.tsx";
import { type Action, initial, reduce } from "./model.ts";
import css from "./view.css";
import { type Actions, View } from "./view.tsx";

let state = initial();
const root = openPage(xterm + css);

function act(action: Action): void {
  state = reduce(state, action);
  render(<View state={state} actions={actions} />, root);
}

const link = new Link({
  session: act,
  advanced: ({ last, running }) => {
    act({ kind: "present", last, running });
    void feed.catchUp(last);
    void latest.want(running);
  },
});

new TimeBar(link);

const feed = new Feed(
  link,
  ["output"],
  { last: () => state.last, learn: (news) => act({ kind: "events", ...news }) },
  true,
);

const chosen = () => (state.vm === undefined ? {} : { vm: state.vm });

const latest = new Latest(
  () => link.request("ringside/devices", chosen()),
  (now) => act({ kind: "devices", now }),
  (message) => act({ kind: "failed", message }),
);

async function type(text: string, device: "serial" | "keyboard"): Promise<void> {
  try {
    await link.request("ringside/input", { text, device, ...chosen() });
    act({ kind: "typed" });
    await latest.want(state.running);
  } catch (error) {
    act({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}

const actions: Actions = {
  vm(name) {
    act({ kind: "vm", name });
    void latest.want(state.running);
  },
  tab: (tab) => act({ kind: "tab", tab }),
  type: (text, device) => void type(text, device),
  debug: () => link.send({ kind: "command", command: "ringside.debugGuest" }),
};

act({ kind: "present", last: 0, running: false });
