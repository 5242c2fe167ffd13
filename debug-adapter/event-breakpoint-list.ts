import type { MachineInterface } from "../emulator/machine-interface.ts";
import {
  type ArmedEvent,
  armed,
  type EventBreakpoint,
  type EventBreakpointStatus,
  statusOf,
} from "./event-breakpoints.ts";
import type { Filters } from "./event-stops.ts";
import type { EventCounts } from "./protocol.ts";

/** All breakpoints on events of a session: those set one by one, and the client's filters. A client always sends a whole list. */
export class EventBreakpointList {
  #set = new Map<string, ArmedEvent>();
  #told = "[]";
  filters: Filters = { armed: [], atEnd: true };

  get armed(): readonly ArmedEvent[] {
    return [...this.#set.values(), ...this.filters.armed];
  }

  /** A guest begins: nothing has been counted. Gives what of the breakpoints that it begins with is not in force, a line each. */
  begin(breakpoints: readonly EventBreakpoint[] | undefined): string {
    const given = breakpoints ?? [...this.#set.keys()].map((identity) => JSON.parse(identity) as EventBreakpoint);
    const refused = this.set(given, true).filter(({ verified }) => !verified);
    return refused
      .map(({ event, message = "" }) => `The event breakpoint "${event}" is not in force. ${message}\n`)
      .join("");
  }

  /** A breakpoint that was in the list before keeps its hits, unless `anew`. */
  set(breakpoints: readonly EventBreakpoint[], anew = false): readonly EventBreakpointStatus[] {
    const old = anew ? new Map<string, ArmedEvent>() : this.#set;
    this.#set = new Map();
    for (const breakpoint of breakpoints) {
      const identity = JSON.stringify(breakpoint);
      const one = old.get(identity) ?? armed(breakpoint);
      if (one) this.#set.set(identity, one);
    }
    return breakpoints.map(statusOf);
  }

  /** What has been counted up to the present, if that is not what was told last. */
  newCounts(machine: MachineInterface): EventCounts | undefined {
    const counting = [...this.#set.values()].filter(({ action }) => action === "count");
    const counts = counting.map(({ event, hits }) => ({ event: String(event), count: hits.upTo(machine) ?? null }));
    const text = JSON.stringify(counts);
    if (text === this.#told) return undefined;
    this.#told = text;
    return { counts };
  }
}
