import type { Cpu } from "../cpu/cpu.ts";
import type { Later, Why } from "../trace/event.ts";
import type { ExitData } from "./exit.ts";
import type { Decision } from "./exit-decision.ts";
import type { Attempt } from "./exit-rules.ts";
import type { HostMemory } from "./host-memory.ts";
import type { Vmcs } from "./vmcs.ts";

/** An exit as it is about to be recorded. */
export interface Exit extends ExitData {
  /** One line for lists. */
  readonly what: Later<string>;
  readonly why: Later<Why>;
  /** Numbers for `what` and `why` (see `ExitNumbers`). */
  readonly first?: number | undefined;
  readonly second?: number | undefined;
  /** Vector of an exception, which decides how the qualification reads. */
  readonly vector?: number;
  /** It comes ahead of the debug traps of the instruction before: a single step that is due stays pending. */
  readonly beforeTraps?: true;
}

/** The guest in VMX non-root operation as its features see it, each in a file of its own. */
export interface NonRootGuest {
  readonly cpu: Cpu;
  readonly vmcs: Vmcs;
  readonly memory: HostMemory;
  decide(attempt: Attempt): Decision;
  /** Leaves the guest: saves its state, writes the exit information. The caller throws where an instruction is abandoned. */
  leave(exit: Exit): void;
  /** Leaves the guest in the middle of an instruction or a delivery. */
  abandon(exit: Exit): never;
}
