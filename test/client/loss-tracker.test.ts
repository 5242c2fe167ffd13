import { expect, it } from "vitest";
import { lossTracker } from "../../client/loss-tracker.ts";

/** What VS Code tells a tracker of a session, in order, and whether the session was lost. */
const stories: readonly (readonly [string, readonly string[], boolean])[] = [
  ["killed while the guest runs", ["continue", "exit"], true],
  ["killed, and the pipe broke as well", ["continue", "error", "exit"], true],
  ["stopped by a person", ["terminate", "disconnect", "stop", "exit"], false],
  ["ended by VS Code, which kills a process that does not answer", ["stop", "exit"], false],
  ["gone after it was asked to", ["disconnect", "exit", "stop"], false],
  ["going on", ["launch", "continue", "next"], false],
];

it.each(stories)("a debug adapter that is %s", (_, story, isLost) => {
  let lost = 0;
  const tracker = lossTracker(() => {
    lost++;
  });
  for (const event of story) {
    if (event === "exit") tracker.onExit?.(undefined, "SIGKILL");
    else if (event === "error") tracker.onError?.(new Error("write EPIPE"));
    else if (event === "stop") tracker.onWillStopSession?.();
    else tracker.onWillReceiveMessage?.({ type: "request", command: event });
  }
  expect(lost).toBe(isLost ? 1 : 0);
});
