import type { StopReason } from "../emulator/trace/event.ts";
import { exitFields, exitQualification } from "../emulator/trace/exit-qualification.ts";
import { ends } from "./event-catalogue.ts";
import { describeEvent, kindTitles } from "./event-text.ts";
import type { ExceptionEvent, ExitEvent, Halt } from "./run.ts";

/** What a person is told when the guest stops: the fields of the protocol's `stopped` event. */
export interface Announcement {
  readonly reason: string;
  /** Heads the call stack; left out where the reason says enough, which clients translate. */
  readonly description?: string;
  readonly text?: string;
  readonly hitBreakpointIds?: number[];
}

/** The fields of the protocol's answer to `exceptionInfo`. */
export interface Explanation {
  readonly exceptionId: string;
  readonly description: string;
  readonly breakMode: "always";
  readonly details: { readonly message: string; readonly typeName: string; readonly stackTrace?: string };
}

/** Ways to stop that a guest or the configuration intends. */
const intended: readonly StopReason[] = ["halted", "debug-exit", "shutdown", "reset", "time-limit"];

const breakpointReasons = {
  line: "breakpoint",
  label: "function breakpoint",
  address: "instruction breakpoint",
  listed: "breakpoint",
  data: "data breakpoint",
} as const;

/** Without virtualization hardware the guest does not exit, it traps. */
export const exitTitle = ({ reason, number }: ExitEvent): string => `${number < 0 ? "Trap" : "VM exit"}: ${reason}`;

const manualHex = (value: number): string => `${value.toString(16).toUpperCase()}h`;

function exceptionName({ name, errorCode }: ExceptionEvent): string {
  return errorCode === undefined ? name : `${name}(${errorCode === 0 ? "0" : manualHex(errorCode)})`;
}

export function announce(halt: Halt): Announcement {
  switch (halt.kind) {
    case "entry":
      return { reason: "entry", description: "Before the first instruction" };
    case "start":
      return { reason: "entry", description: "At the beginning of the run" };
    case "step":
      return { reason: "step" };
    case "pause":
      return { reason: "pause" };
    case "stay":
      return { reason: "pause", description: "Not moved", text: halt.text };
    case "goto":
      return { reason: "goto", description: halt.exit ? exitTitle(halt.exit) : "Moved in time" };
    case "jump":
      return { reason: "goto", description: "Execution was moved here" };
    case "breakpoint":
      return {
        reason: breakpointReasons[halt.breakpoints[0]?.wish.kind ?? "line"],
        hitBreakpointIds: halt.breakpoints.map(({ id }) => id),
        ...(halt.text === undefined ? {} : { text: halt.text }),
      };
    case "exit":
      return { reason: "exception", description: exitTitle(halt.event), text: saying(halt.by, halt.event.what) };
    case "exception":
      return {
        reason: "exception",
        description: `Exception: ${exceptionName(halt.event)}`,
        text: saying(halt.by, exceptionSentence(halt.event)),
      };
    case "event":
      return {
        reason: "exception",
        description: eventTitle(halt),
        text: saying(halt.by, describeEvent(halt.event)),
        ...(halt.breakpoints ? { hitBreakpointIds: halt.breakpoints.map(({ id }) => id) } : {}),
      };
    case "end":
      return {
        reason: intended.includes(halt.reason) ? "pause" : "exception",
        description: ends[halt.reason],
        text: saying(halt.by, halt.text),
      };
  }
}

/** With the event breakpoints that have stopped the guest. */
const saying = (by: readonly string[] | undefined, text: string): string =>
  by?.length ? `Event breakpoint ${by.join(", ")}. ${text}` : text;

/** An event at which the guest is stopped, and whether it has been acted upon. */
const eventTitle = ({ event, stage }: Halt & { kind: "event" }): string =>
  `${event.kind === "exit" ? exitTitle(event) : kindTitles[event.kind]}${stage === "before" ? ", about to happen" : event.kind === "exit" ? ", handled" : ""}`;

function exceptionSentence(event: ExceptionEvent): string {
  const address = event.address === undefined ? "" : ` for linear address ${event.address.toUpperCase()}h`;
  return `The next instruction raises ${exceptionName(event)} (vector ${event.vector})${address}.`;
}

function explainExit(event: ExitEvent): Explanation {
  const { reason, number, what, why } = event;
  const qualification = exitQualification(event);
  const lines = [
    `Rule: ${why.rule}`,
    ...(qualification
      ? [`${qualification.title}: ${qualification.value}${qualification.none ? ", none for this reason" : ""}`]
      : []),
    ...exitFields(event).map(({ name, value, bits }) => `  bits ${bits}: ${name} = ${value}`),
    `Source: ${why.source}`,
  ];
  return {
    exceptionId: exitTitle(event),
    description: `${what}\n${why.sentence}`,
    breakMode: "always",
    details: {
      message: why.sentence,
      typeName: number < 0 ? reason : `${reason} (${number})`,
      stackTrace: lines.join("\n"),
    },
  };
}

/** Why the guest is stopped, at length; undefined where there is nothing to explain. */
export function explain(halt: Halt): Explanation | undefined {
  if (halt.kind === "exit") return explainExit(halt.event);
  if (halt.kind === "goto" && halt.exit) return explainExit(halt.exit);
  if (halt.kind === "exception") {
    const message = exceptionSentence(halt.event);
    const exceptionId = exceptionName(halt.event);
    return { exceptionId, description: message, breakMode: "always", details: { message, typeName: halt.event.name } };
  }
  if (halt.kind === "event") {
    const message = describeEvent(halt.event);
    const exceptionId = eventTitle(halt);
    const description = saying(halt.by, message);
    return { exceptionId, description, breakMode: "always", details: { message, typeName: halt.event.kind } };
  }
  if (halt.kind !== "end") return undefined;
  const details = { message: halt.text, typeName: halt.reason };
  return { exceptionId: ends[halt.reason], description: halt.text, breakMode: "always", details };
}

/** Why the guest cannot run on after its end. */
export const cannotGoOn = (halt: Halt & { kind: "end" }): string =>
  `The guest cannot go on. ${halt.text} Step back, or restart.`;
