import type { ScheduleBody, Stamp } from "../trace/event.ts";
import type { NoteKind } from "./scheduler.ts";
import type { Parameters, RunState, VmState } from "./vcpu.ts";

/** What can happen to scheduling. */
export type ScheduleKind =
  | NoteKind
  | ("switch" | "keep" | "idle" | "wake" | "block" | "yield" | "plug" | "unplug" | "adjust");

/** The number by which a scheduler orders a vCPU. */
export interface StandingValue {
  /** What is counted: "credit", "virtual time had, µs". The same for all vCPUs of a scheduler. */
  readonly measure: string;
  readonly value: number;
  /** The class that counts before the number: "UNDER", "BOOST"; empty where there is none. */
  readonly band: string;
}

export interface Standing extends StandingValue {
  readonly vcpu: string;
  /** The value at this moment before the scheduler's timer changed it, if it did: what was handed out is the difference. */
  readonly before?: number;
}

/** What is otherwise after an event, as data. */
export interface ScheduleOutcome {
  /** vCPUs that entered another run state since the event before, in this order; the last word on each is the state it is in. */
  readonly states: readonly { readonly vcpu: string; readonly state: RunState }[];
  /** VMs that as a whole entered another state. */
  readonly vms: readonly { readonly vm: string; readonly state: VmState }[];
  /** How those stand that it is about, and who gave way; where all are accounted, all. */
  readonly standings: readonly Standing[];
  /** Of a vCPU that is plugged in or adjusted: what holds for it from now on. */
  readonly parameters?: Parameters;
  /** Of a vCPU that is put on another physical CPU than it last ran on: that one. */
  readonly movedFrom?: number;
}

/** What happened to scheduling, with the reason in words. Times are microseconds of virtual time. */
export interface ScheduleEvent extends ScheduleOutcome {
  readonly sequence: number;
  readonly time: number;
  readonly kind: ScheduleKind;
  readonly pcpu: number | null;
  readonly vcpu: string | null;
  /** Who ran there before, if a decision took the pCPU away from it. */
  readonly from: string | null;
  readonly reason: string;
}

/** The same as the event stream has it. */
export function scheduleBody({ sequence: _, kind: what, vcpu: subject, ...rest }: ScheduleEvent): ScheduleBody {
  return { kind: "schedule", what, subject, ...rest };
}

/** What `scheduleBody` made of it. */
export function scheduleEventOf({ sequence, ...event }: Stamp & ScheduleBody): ScheduleEvent {
  const { what, subject, time, pcpu, from, reason, states, vms, standings, parameters, movedFrom } = event;
  const outcome = {
    ...{ states, vms, standings },
    ...(parameters && { parameters }),
    ...(movedFrom !== undefined && { movedFrom }),
  };
  return { sequence, time, kind: what, pcpu, vcpu: subject, from, reason, ...outcome };
}
