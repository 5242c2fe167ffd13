/** Messages between a webview and the extension that hosts it; the extension relays requests to the debug session. */
import type { Call, Events, RequestName } from "../../../debug-adapter/protocol.ts";

export type ToView =
  /** A session is shown now, or none. */
  | { readonly kind: "session"; readonly name: string | undefined }
  /** The session that is shown has ended: what it last showed stays. */
  | { readonly kind: "ended" }
  | { readonly kind: "advanced"; readonly body: Events["ringside/advanced"] }
  /** The time cursor was moved in another view, to this cycle; undefined: to the present. */
  | { readonly kind: "cursor"; readonly cycle: number | undefined }
  /** A person asked by a command for what this view does. */
  | { readonly kind: "begin" }
  | { readonly kind: "result"; readonly id: number; readonly result: unknown }
  /** `ended`: because the session has. */
  | { readonly kind: "failed"; readonly id: number; readonly message: string; readonly ended?: boolean };

export type FromView =
  /** The view has loaded and wants to be told everything. */
  | { readonly kind: "ready" }
  | { readonly kind: "request"; readonly id: number; readonly name: RequestName; readonly args: unknown }
  /** The time cursor was moved in this view. */
  | { readonly kind: "cursor"; readonly cycle: number | undefined }
  /** Show the page that teaches what the view shows. */
  | { readonly kind: "help" }
  /** Show a source line. */
  | { readonly kind: "open"; readonly uri: string; readonly line: number }
  /** Open a guest that comes with the extension. */
  | { readonly kind: "sample"; readonly name: string }
  | { readonly kind: "command"; readonly command: "ringside.debugGuest" | "ringside.compare" };

/** Nothing more is to be had of the session. */
class SessionEnded extends Error {}

interface Webview {
  postMessage(message: FromView): void;
}
declare function acquireVsCodeApi(): Webview;

/** What a view does about what it is told. */
interface Listener {
  /** Another session is shown now, or none. */
  readonly session?: (message: Extract<ToView, { kind: "session" }>) => void;
  /** The present has moved, also backwards: what lies after it is to be dropped. */
  readonly advanced?: (body: Events["ringside/advanced"]) => void;
  /** A person asked by a command for what the view does. */
  readonly begin?: () => void;
}

/** The view's end: typed requests that are answered by promises. */
export class Link {
  readonly #webview = acquireVsCodeApi();
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #next = 1;

  constructor({ session, advanced, begin }: Listener) {
    window.addEventListener("message", ({ data }: MessageEvent<ToView>) => {
      if (data.kind === "session") return session?.(data);
      if (data.kind === "advanced") return advanced?.(data.body);
      if (data.kind === "begin") return begin?.();
      // The time bar hears these.
      if (data.kind === "cursor" || data.kind === "ended") return;
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if (data.kind === "result") waiting?.resolve(data.result);
      else waiting?.reject(data.ended ? new SessionEnded(data.message) : new Error(data.message));
    });
    // What nobody has waited for: the time bar says that the session has ended.
    window.addEventListener("unhandledrejection", (event) => {
      if (event.reason instanceof SessionEnded) event.preventDefault();
    });
    this.send({ kind: "ready" });
  }

  send(message: FromView): void {
    this.#webview.postMessage(message);
  }

  /** Starts a session with the guest in the editor, or opens a sample by its name. */
  start(sample?: string): void {
    this.send(
      sample === undefined ? { kind: "command", command: "ringside.debugGuest" } : { kind: "sample", name: sample },
    );
  }

  readonly request: Call = (name, args) => {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.send({ kind: "request", id, name, args });
    });
  };
}
