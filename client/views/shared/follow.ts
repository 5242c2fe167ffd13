import type { Events, RequestName, Requests } from "../../../debug-adapter/protocol.ts";
import { Latest } from "./latest.ts";
import { Link } from "./messaging.ts";
import { TimeBar } from "./time-bar.tsx";

/** What a view asks for wherever the present moves, and what it does with what it is told. */
interface Following<K extends RequestName> {
  readonly request: K;
  readonly args: () => Requests[K]["args"];
  readonly session: (message: { readonly kind: "session"; readonly name: string | undefined }) => void;
  readonly advanced: (body: Events["ringside/advanced"]) => void;
  readonly answer: (answer: Requests[K]["result"]) => void;
  readonly failed: (action: { readonly kind: "failed"; readonly message: string }) => void;
}

/** A view of how things are now: it follows the present. @returns its link, and how it asks again where what it asks for has changed */
export function follow<K extends RequestName>(
  view: Following<K>,
): { readonly link: Link; readonly again: (running: boolean) => void } {
  const again = (running: boolean) => void latest.want(running);
  const link = new Link({
    session: view.session,
    advanced: (body) => {
      view.advanced(body);
      again(body.running);
    },
  });
  new TimeBar(link);
  const latest = new Latest<Requests[K]["result"]>(
    () => link.request(view.request, view.args()),
    view.answer,
    (message) => view.failed({ kind: "failed", message }),
  );
  return { link, again };
}
