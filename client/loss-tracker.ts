import type { DebugAdapterTracker } from "vscode";

/** Sees a debug adapter that is a process of its own end while its session goes on. */
export function lossTracker(lost: () => void): DebugAdapterTracker {
  let ending = false;
  const ends = () => {
    if (!ending) lost();
    ending = true;
  };
  return {
    onWillReceiveMessage: ({ command }: { readonly command?: string }) => {
      // Asked to, it ends.
      if (command === "disconnect") ending = true;
    },
    onWillStopSession: () => {
      ending = true;
    },
    onExit: ends,
    onError: ends,
  };
}
