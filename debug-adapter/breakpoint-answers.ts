import type { BreakpointList } from "./breakpoint-list.ts";
import { setBreakpoints, withStaleness } from "./breakpoint-requests.ts";
import type { EventBreakpointList } from "./event-breakpoint-list.ts";
import { isBreakpointList } from "./event-breakpoints.ts";
import { readFilters } from "./event-stops.ts";
import type { Subject } from "./inspection.ts";
import type { ReadFile } from "./launch.ts";
import { type Answers, Refusal } from "./requests.ts";

/** What a session sets breakpoints on. */
interface Settings {
  readonly list: BreakpointList;
  readonly events: EventBreakpointList;
  /** @throws Refusal before a successful launch */
  readonly subject: () => Subject;
  readonly readFile: ReadFile;
  /** Puts what has been set into force, and gives the answer. */
  readonly applied: <T>(body: T) => T;
}

type BreakpointRequest =
  | "setBreakpoints"
  | "setFunctionBreakpoints"
  | "setInstructionBreakpoints"
  | "setDataBreakpoints"
  | "setExceptionBreakpoints"
  | "ringside/setEventBreakpoints";

/** The requests that set breakpoints, a list at a time. */
export const breakpointAnswers = (settings: Settings): Pick<Answers, BreakpointRequest> => {
  const { list, events, subject, readFile, applied } = settings;
  return {
    setBreakpoints: (args) => {
      const body = applied(setBreakpoints.lines(list, subject(), args));
      return withStaleness(subject(), args, body, readFile);
    },
    setFunctionBreakpoints: (args) => applied(setBreakpoints.labels(list, subject(), args)),
    setInstructionBreakpoints: (args) => applied(setBreakpoints.addresses(list, subject(), args)),
    setDataBreakpoints: (args) => applied(setBreakpoints.data(list, subject(), args)),
    setExceptionBreakpoints: (args) => {
      subject();
      const { set, breakpoints } = readFilters(args, events.computer);
      events.filters = set;
      return applied({ breakpoints });
    },
    "ringside/setEventBreakpoints": ({ breakpoints }) => {
      subject();
      if (!isBreakpointList(breakpoints))
        throw new Refusal(
          'Each of "breakpoints" needs "event", a class of events; its "condition", "message" and "vm" are texts.',
        );
      return applied({ breakpoints: events.set(breakpoints) });
    },
  };
};
