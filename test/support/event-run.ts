import type { EventBreakpoint } from "../../debug-adapter/protocol.ts";
import { DapClient } from "./dap-client.ts";

/** A session that has these breakpoints from the start, before its first instruction. */
export const launched = async (
  source: string | Readonly<Record<string, string>>,
  breakpoints: readonly EventBreakpoint[],
  args: object = {},
): Promise<DapClient> => {
  const client = new DapClient(source);
  await client.launch({ ...args, eventBreakpoints: breakpoints });
  await client.request("setExceptionBreakpoints", { filters: ["guest-end"] });
  await client.start();
  return client;
};

/** Where and when the guest is, with all that is recorded up to now. */
async function moment(client: DapClient): Promise<string> {
  const { events, last, now } = await client.request<{
    events: readonly { sequence: number; kind: string }[];
    last: number;
    now: { step: number };
  }>("ringside/events", { after: 0, limit: 1e6 });
  const newest = events.at(-1);
  return `${now.step}: ${last} ${newest?.sequence ?? 0} ${newest?.kind ?? ""}`;
}

export interface Stops {
  readonly titles: readonly (string | undefined)[];
  readonly texts: readonly (string | undefined)[];
  readonly moments: readonly string[];
}

/** All stops on the way to the end, or back to the start. */
export async function stops(client: DapClient, way: "continue" | "reverseContinue", limit = 100): Promise<Stops> {
  const found = { titles: [] as (string | undefined)[], texts: [] as (string | undefined)[], moments: [] as string[] };
  for (let n = 0; n < limit; n++) {
    const stopped = await client.go(way);
    if (stopped.reason !== "exception") break;
    found.titles.push(stopped.description);
    found.texts.push(stopped.text);
    found.moments.push(await moment(client));
  }
  return found;
}
