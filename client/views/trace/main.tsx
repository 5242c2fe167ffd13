import { render } from "preact";
import events from "../shared/events.css";
import { openPage } from "../shared/page.ts";
import type { FromTracePage, ToTracePage } from "./messages.ts";
import { type Action, initial, reduce } from "./model.ts";
import css from "./view.css";
import { type Actions, View } from "./view.tsx";

declare function acquireVsCodeApi(): { postMessage(message: FromTracePage): void };

const webview = acquireVsCodeApi();
let state = initial;
const root = openPage(events + css);

function act(action: Action): void {
  state = reduce(state, action);
  render(<View state={state} actions={actions} />, root);
}

window.addEventListener("message", ({ data }: MessageEvent<ToTracePage>) => act(data));

const actions: Actions = {
  filter: (text) => act({ kind: "filter", text }),
  select: (sequence) => act({ kind: "select", sequence }),
  open: ({ source }) => {
    if (source && state.trace?.files.includes(source.file)) webview.postMessage({ kind: "open", ...source });
  },
  debug: (event) => webview.postMessage({ kind: "debug", ...(event !== undefined && { event }) }),
};

act({ kind: "filter", text: "" });
webview.postMessage({ kind: "ready" });
