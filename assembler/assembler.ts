import { runSteps } from "./assemble.ts";
import { ProgramAssembly } from "./assembly.ts";
import type { AssembleOptions, Assembly } from "./interface.ts";
import { Reassembly } from "./reassembly.ts";
import { finish, type Steps } from "./steps.ts";
import { Lines } from "./text-change.ts";

/** Lines of an edit; beyond that a new run is quicker. */
const mostFollowed = 500;

/**
 * Assembles the versions of a text one after the other, each from what is different. What it gives is what `assemble`
 * would give; an `Assembly` is good until the next one is asked for.
 */
export class Assembler {
  private readonly options: Omit<AssembleOptions, "text">;
  private kept: { readonly lines: Lines; readonly reassembly: Reassembly; assembly: Assembly } | undefined;
  /** Whether the last version was made from the one before it. */
  followed = false;

  /** What is read through the options must stay the same; if a file changes, a new assembler is needed. */
  constructor(options: Omit<AssembleOptions, "text">) {
    this.options = options;
  }

  assemble(text: string): Assembly {
    return finish(this.steps(text));
  }

  /** The same in steps; they may be given up, and another version begun. */
  *steps(text: string): Steps<Assembly> {
    const followed = this.follow(text);
    this.followed = followed !== undefined;
    if (followed) return followed;
    this.kept = undefined;
    return yield* this.start(text);
  }

  private follow(text: string): Assembly | undefined {
    const { kept } = this;
    if (!kept) return undefined;
    const change = kept.lines.change(text);
    if (!change) return kept.assembly;
    if (change.removed + change.lines.length > mostFollowed) return undefined;
    if (!kept.reassembly.follow(change)) return undefined;
    kept.assembly = kept.reassembly.assembly();
    return kept.assembly;
  }

  private *start(text: string): Steps<Assembly> {
    const made = yield* runSteps({ ...this.options, text }, true);
    const assembly = new ProgramAssembly(made);
    this.kept = { lines: new Lines(text), reassembly: new Reassembly(made), assembly };
    return assembly;
  }
}
