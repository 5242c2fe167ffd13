import type { SavedRegister } from "./places.ts";

/** Instructions of a unit at most (Adams and Agesen, ASPLOS 2006, section 3.2). */
export const mostInstructions = 12;

/** How the guest's state is told from the processor's where that is about to execute an instruction of the cache. */
export interface GuestState {
  /** Offset in the guest's CS; `target`: the one that the VMM's data hold. */
  readonly rip: number | "target";
  /** Registers whose values the VMM's data hold. */
  readonly saved?: readonly SavedRegister[];
  /** To be added to ESP. */
  readonly stack?: number;
  /** The guest's IF and IOPL are in AL, not in the VMM's data yet. */
  readonly flagsInAl?: true;
}

/** What an instruction of the cache is about. Plain JSON. */
export interface Site extends GuestState {
  /** Linear address in the cache. */
  readonly at: number;
  /** Begins what stands for a guest instruction. */
  readonly starts: boolean;
  /** Executing it retires the guest instruction. */
  readonly retires: boolean;
  /** No interrupt may come here: STI has just been executed. */
  readonly shadowed: boolean;
  /** It traps into the VMM: to emulate the instruction, to go where an exit leads, or to look an address up. */
  readonly trap?: "callout" | "exit" | "lookup";
}

/** How a guest instruction was translated. */
export type TranslationKind = "identical" | "in-cache" | "callout";

export interface GuestInstruction {
  /** Offset in CS. */
  readonly rip: number;
  readonly bytes: readonly number[];
  readonly kind: TranslationKind;
}

/** A way out of a unit to a guest address that is known. */
export interface Exit {
  readonly kind: "taken" | "fall-through" | "jump";
  /** Offset in CS. */
  readonly target: number;
  /** Linear address of the jump; of the stub itself for a fall-through. */
  readonly at: number;
  /** Where it leads as long as it is not chained: an instruction that traps. Names the exit. */
  readonly stub: number;
}

/** A translated unit: a basic block or a part of one. Plain JSON that never changes. */
export interface Unit {
  readonly id: number;
  /** Number of the code segment and IOPL it is good for. */
  readonly context: number;
  readonly rip: number;
  /** Linear address of its guest code. */
  readonly linear: number;
  /** Guest-physical bytes it was made from: two ranges if it crosses a page. */
  readonly source: readonly { readonly physical: number; readonly bytes: number }[];
  readonly guest: readonly GuestInstruction[];
  /** Linear addresses of its code in the cache. */
  readonly start: number;
  readonly end: number;
  readonly sites: readonly Site[];
  readonly exits: readonly Exit[];
}
