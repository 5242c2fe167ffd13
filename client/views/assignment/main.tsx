import { render } from "preact";
import { openPage } from "../shared/page.ts";
import type { FromAssignmentPage, ToAssignmentPage } from "./messages.ts";
import css from "./view.css";
import { View } from "./view.tsx";

declare function acquireVsCodeApi(): { postMessage(message: FromAssignmentPage): void };

const webview = acquireVsCodeApi();
const root = openPage(css);

window.addEventListener("message", ({ data }: MessageEvent<ToAssignmentPage>) =>
  render(<View page={data} say={(message) => webview.postMessage(message)} />, root),
);
webview.postMessage({ kind: "ready" });
