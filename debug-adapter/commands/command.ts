import type { TechniqueId } from "../../isa/technique.ts";
import type { ComparedRun } from "../compare.ts";
import type { Subject } from "../evaluate.ts";

/** What a command works on. */
export interface Context extends Subject {
  readonly compare: (technique: TechniqueId) => Promise<ComparedRun>;
}

/** A command of the debug console. */
export interface Command {
  readonly name: string;
  /** What may follow the name: capitals for what a person fills in, brackets around what may be left out. */
  readonly parameters: string;
  /** One sentence. */
  readonly what: string;
  /** It changes the machine. */
  readonly changes?: boolean;
  /** Words that may follow the name now. */
  readonly words?: (context: Subject) => readonly string[];
  /** The answer, without a line feed at its end. @throws Refusal if there is none */
  readonly run: (context: Context, argument: string) => string | Promise<string>;
}
