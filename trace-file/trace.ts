import type { AnyConfiguration } from "../emulator/configuration/machine-configuration.ts";
import type { Intervened } from "../emulator/time/intervention.ts";
import type { EventKind } from "../emulator/trace/event.ts";

/** The end of a trace file's name. */
export const traceEnding = ".rstrace";

/**
 * A run up to a moment, complete enough to be there again elsewhere: a machine is deterministic, so how it was made and what
 * was done to it from outside is all. What else there is, is for reading without a replay and for checking one.
 */
export interface Trace {
  /** The version of Ringside that wrote it. */
  readonly product: string;
  readonly title: string;
  /** What a person says about it. */
  readonly note?: string;
  readonly configuration: AnyConfiguration;
  readonly actions: readonly Intervened[];
  readonly moment: TraceMoment;
  readonly state: TraceState;
  /** What the machine's program was loaded from; without it the guest is debugged as mere code. */
  readonly program?: ProgramFiles;
  readonly summary: TraceSummary;
}

export interface TraceMoment {
  /** Machine steps since the start. */
  readonly step: number;
  /** Number of the last event. */
  readonly sequence: number;
  /** Virtual time. */
  readonly cycle: number;
  /** The guest had come to its end there. */
  readonly ended: boolean;
  /** Where the guest was: "guest.asm:12", or an address. */
  readonly place: string;
}

/** What the machine was like at the moment. */
export interface TraceState {
  /** The processor that was looked at. */
  readonly vm: string;
  readonly vcpu: number;
  /** Its values, by the manual's names; hexadecimal without prefix. */
  readonly registers: Readonly<Record<string, string>>;
  /** `Digest` of all else. */
  readonly memory: string;
  readonly rest: string;
}

/** Everything from which a program was loaded. */
export interface ProgramFiles {
  /** The fields of the launch configuration; files in them are named as in `files`. */
  readonly arguments: Readonly<Record<string, unknown>> & { readonly program: string };
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** What happened, for reading. */
export interface TraceSummary {
  /** VM exits by reason, of all that the recorder still held, with the cycles spent outside of the guest. */
  readonly exits: readonly { readonly reason: string; readonly count: number; readonly cost: number }[];
  /** The last events up to the moment, oldest first. */
  readonly events: readonly TracedEvent[];
}

export interface TracedEvent {
  readonly sequence: number;
  readonly cycle: number;
  readonly step: number;
  readonly vm: string;
  readonly vcpu: number;
  /** Linear address, hexadecimal without prefix. */
  readonly rip: string;
  readonly kind: EventKind;
  /** What happened, on one line. */
  readonly text: string;
  /** Of VM exits. */
  readonly reason?: string;
  /** Cycles outside of the guest, of VM exits. */
  readonly cost?: number;
  /** Why a VM exit happened, in a sentence. */
  readonly why?: string;
  /** File, as in `ProgramFiles`, and line from 0. */
  readonly source?: { readonly file: string; readonly line: number };
}
