import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { EventKind, MachineEvent } from "../emulator/trace/event.ts";
import { classById, type Stage } from "./event-catalogue.ts";
import { asksOnlyEvent } from "./event-fields.ts";
import { EventHits } from "./event-hits.ts";
import { parseExpression } from "./expression.ts";

/** What happens at an event: the guest stops, a line is printed, or it is counted. */
export type EventAction = (typeof eventActions)[number];
export const eventActions = ["stop", "log", "count"] as const;

/** A breakpoint on a class of events, as clients set it. */
export interface EventBreakpoint {
  /** Id of the class (`event-catalogue.ts`): "vtx/CPUID", "exception/14", "io/UART", "io/#3F8h". */
  readonly event: string;
  /** Default: stop. */
  readonly action?: EventAction;
  /** Default: of exits and exceptions before, of all others after. */
  readonly stage?: Stage;
  /** An expression of the debug console that must be true at that stage; it can ask for fields of the event: `event.port`. */
  readonly condition?: string;
  /** What `log` prints, with expressions in braces; default: the event in one line. */
  readonly message?: string;
  /** Only of this VM, this vCPU, or while the guest is in this ring as it sees it. */
  readonly vm?: string;
  readonly vcpu?: number;
  readonly ring?: number;
}

/** What became of a breakpoint that a client has set. */
export interface EventBreakpointStatus {
  readonly event: string;
  readonly verified: boolean;
  /** Why it is not in force, or can never do anything here. */
  readonly message?: string;
}

/** A breakpoint on events that is in force. */
export interface ArmedEvent extends Omit<EventBreakpoint, "event"> {
  readonly stage: Stage;
  readonly action: EventAction;
  readonly kinds: readonly EventKind[];
  /** What is called so to a person; empty where a filter of the client says it. */
  readonly title: string;
  /** The class of events, or what else accepts them. */
  readonly event: string | ((event: MachineEvent) => boolean);
  readonly hits: EventHits;
  /** `asksGuest`. */
  readonly needsState: boolean;
}

/** Does it depend on the guest's state, and not on the event alone? */
export function asksGuest({ condition, ring }: Pick<EventBreakpoint, "condition" | "ring">): boolean {
  const expression = condition === undefined ? undefined : parseExpression(condition).expression;
  return ring !== undefined || (expression !== undefined && !asksOnlyEvent(expression));
}

const whole = (value: number | undefined, most: number): boolean =>
  value === undefined || (Number.isInteger(value) && value >= 0 && value <= most);

/** What is wrong with a breakpoint in itself; undefined if nothing is. */
export function problemOf({ event, action, condition, vcpu, ring, stage }: EventBreakpoint): string | undefined {
  if (!classById(event)) return `There are no events "${event}".`;
  if (action !== undefined && !eventActions.includes(action))
    return `The action is stop, log or count, not "${action}".`;
  if (stage !== undefined && stage !== "before" && stage !== "after")
    return `The stage is before or after, not "${stage}".`;
  if (!whole(ring, 3)) return `A ring is 0 to 3, not ${ring}.`;
  if (!whole(vcpu, Number.MAX_SAFE_INTEGER)) return `A vCPU has a number from 0 on, not ${vcpu}.`;
  const problem = condition === undefined ? undefined : parseExpression(condition).problem;
  return problem === undefined ? undefined : `Condition: ${problem}.`;
}

/** Fields that are texts, where they are given; what else may be wrong is said of each breakpoint by itself. */
const texts = ["condition", "message", "vm"] as const;

function isBreakpoint(value: unknown): value is EventBreakpoint {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  const areTexts = texts.every((name) => fields[name] === undefined || typeof fields[name] === "string");
  return typeof fields["event"] === "string" && areTexts;
}

export const isBreakpointList = (value: unknown): value is readonly EventBreakpoint[] =>
  Array.isArray(value) && value.every(isBreakpoint);

/** Puts a breakpoint into force; undefined for one with a problem. */
export function armed(breakpoint: EventBreakpoint): ArmedEvent | undefined {
  const found = classById(breakpoint.event);
  if (!found || problemOf(breakpoint) !== undefined) return undefined;
  const { folder, leaf } = found;
  return {
    action: "stop",
    stage: folder.stage,
    ...breakpoint,
    kinds: folder.kinds,
    title: `${folder.label} › ${leaf.label}`,
    hits: new EventHits(folder.kinds),
    needsState: asksGuest(breakpoint),
  };
}

/** To the first of what has the number of a moment: the end of all guests may follow without a step. */
export function goAnewTo(machine: MachineInterface, step: number): void {
  if (machine.now === step && step > 0) machine.goTo(step - 1);
  machine.goTo(step);
}

/** The last moment at which an event had not happened yet. */
export function goJustBefore(machine: MachineInterface, event: MachineEvent): void {
  goAnewTo(machine, event.step);
  if (machine.lastSequence >= event.sequence && event.step > 0) machine.goTo(event.step - 1);
}
