import type { Refused } from "./abi.ts";
import type { Domain } from "./domain.ts";

/** A hypercall on its way: its arguments by name, and what its event is to say beyond them. */
export interface Call {
  readonly domain: Domain;
  /** An argument, unsigned. */
  readonly arg: (name: string) => bigint;
  /** As a number of at most 32 bits. */
  readonly number: (name: string) => number;
  /** As a linear address. */
  readonly address: (name: string) => number;
  /** Adds a decoded argument to the event. */
  readonly say: (text: string) => void;
}

/**
 * What a hypercall answers: a number for rAX; why it is refused; `"resumed"` where it has set the guest's registers itself (iret);
 * where it has done a part, what the arguments for the rest are; or undefined if the guest does not go on.
 */
export type Answer = number | bigint | Refused | Ending | Continuation | "resumed" | undefined;

/** The guest makes the hypercall again, with the arguments left to do: Xen does not stay away from others for long. */
export interface Continuation {
  readonly again: readonly bigint[];
}
export const isContinuation = (answer: unknown): answer is Continuation =>
  typeof answer === "object" && answer !== null && "again" in answer;

/** The domain ends by its own wish. */
export interface Ending {
  readonly ends: "shutdown" | "reset";
  readonly text: string;
}
export const isEnding = (answer: unknown): answer is Ending =>
  typeof answer === "object" && answer !== null && "ends" in answer;

/** An argument that has 64 bits for every guest: 32-bit ones give it in two registers. */
export interface Wide {
  readonly wide: string;
}
export type Argument = string | Wide;
export const wide = (name: string): Wide => ({ wide: name });

/** A row of the table. Without a handler the hypercall is known and not there: -ENOSYS. */
export interface Hypercall {
  readonly number: number;
  readonly name: string;
  readonly arguments: readonly Argument[];
  /** Where 32-bit guests give others. */
  readonly arguments32?: readonly Argument[];
  readonly doc: string;
  readonly handler?: (call: Call) => Answer;
}

/** An operation of a hypercall that has many: its name, and its handler if it is there. */
export interface Operation {
  readonly name: string;
  readonly handler?: (call: Call) => Answer;
}
export type Operations = Readonly<Record<number, Operation>>;
