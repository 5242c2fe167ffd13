import type { ComputerConfiguration } from "../emulator/configuration/machine-configuration.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import { type ArmedEvent, armed, type EventBreakpoint, type EventBreakpointStatus } from "./event-breakpoints.ts";
import { statusIn } from "./event-limits.ts";
import type { Filters } from "./event-stops.ts";
import type { EventCounts } from "./protocol.ts";

/** All breakpoints on events of a session: those set one by one, and the client's filters. A client always sends a whole list. */
export class EventBreakpointList {
  #set = new Map<string, ArmedEvent>();
  #told = "[]";
  /** In which they are to come true; undefined: no guest has begun yet. */
  #computer: ComputerConfiguration | undefined;
  filters: Filters = { armed: [], atEnd: true };

  get armed(): readonly ArmedEvent[] {
    return [...this.#set.values(), ...this.filters.armed];
  }

  /** The computer in which a guest has begun. */
  get computer(): ComputerConfiguration | undefined {
    return this.#computer;
  }

  /**
   * A guest begins: nothing has been counted. Gives what of the breakpoints that it begins with can do nothing, a line for each reason.
   *
   * @param breakpoints instead of those that are set
   */
  begin(breakpoints: readonly EventBreakpoint[] | undefined, computer: ComputerConfiguration): string {
    this.#computer = computer;
    const given = breakpoints ?? [...this.#set.keys()].map((identity) => JSON.parse(identity) as EventBreakpoint);
    const byReason = new Map<string, string[]>();
    for (const { event, verified, message = "" } of this.set(given, true))
      if (!verified) byReason.set(message, [...(byReason.get(message) ?? []), `"${event}"`]);
    return [...byReason]
      .map(([reason, events]) =>
        events.length === 1
          ? `The event breakpoint ${events[0]} is not in force. ${reason}\n`
          : `The event breakpoints ${events.join(", ")} are not in force. ${reason}\n`,
      )
      .join("");
  }

  /**
   * A breakpoint that was in the list before keeps its hits, unless `anew`. Those that can never stop the guest are looked for all the same:
   * a person may write into a control block what the VMM would not.
   */
  set(breakpoints: readonly EventBreakpoint[], anew = false): readonly EventBreakpointStatus[] {
    const old = anew ? new Map<string, ArmedEvent>() : this.#set;
    this.#set = new Map();
    for (const breakpoint of breakpoints) {
      const identity = JSON.stringify(breakpoint);
      const one = old.get(identity) ?? armed(breakpoint);
      if (one) this.#set.set(identity, one);
    }
    return breakpoints.map((breakpoint) => statusIn(this.#computer, breakpoint));
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
