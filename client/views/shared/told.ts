import type { Events } from "../../../debug-adapter/protocol.ts";
import type { News } from "./feed.ts";

/** What every view of events is told: the session it shows, how far that has come, and what happened. */
export type Told =
  | { readonly kind: "session"; readonly name: string | undefined }
  | ({ readonly kind: "present" } & Readonly<Pick<Events["ringside/advanced"], "last" | "now" | "running">>)
  | ({ readonly kind: "events" } & News);
