import type { Disk } from "../devices/disk-image.ts";
import type { Devices } from "../devices/index.ts";
import type { Caller } from "./caller.ts";

/** A disk as INT 13h counts them: floppies from 0, hard disks from 80h. */
export interface Drive {
  readonly number: number;
  readonly disk: Disk;
  /** Kind of floppy drive as in CMOS, 1–6; 0 for hard disks. */
  readonly floppyType: number;
}

/** What the services work with. */
export interface Environment {
  readonly devices: Devices;
  readonly drives: readonly Drive[];
  /** Bytes of the guest's memory. */
  readonly memoryBytes: number;
  /** Virtual time in cycles. */
  readonly clock: () => number;
  readonly setA20: (enabled: boolean) => void;
  readonly isA20: () => boolean;
  /** A byte of an I/O port, without an event for the trace. */
  readonly inPort: (port: number) => number;
  readonly outPort: (port: number, value: number) => void;
  /** Resets the machine; `by` says by what. */
  readonly reset: (by: string) => void;
  /** The guest waits for a key in INT 16h, or does so no longer. */
  readonly waitForKey: (waiting: boolean) => void;
  /** Changes a byte of the ROM, which the guest cannot. */
  readonly setRomByte: (offset: number, value: number) => void;
}

/** What an interrupt routine wants. */
export type Outcome =
  /** Return to the guest. */
  | undefined
  /** Wait for an interrupt, and call it again. */
  | "again";

export type Service = (caller: Caller, environment: Environment) => Outcome;

/** The routines of an interrupt by AH. */
export type Functions = Readonly<Record<number, Service>>;

/** AH = 86h and CF: there is no such function. */
export function refuse(caller: Caller): undefined {
  caller.ah = 0x86;
  caller.carry = true;
}
