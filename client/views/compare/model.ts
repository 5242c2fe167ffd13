/** What the Compare view knows, and how it changes: pure, so that tests need no page. */
import type { ComparedRun } from "../../../debug-adapter/protocol.ts";
import { type TechniqueId, techniques } from "../../../isa/technique.ts";
import { accent } from "../shared/format.ts";

/** A technique that ran. */
export type Ran = Extract<ComparedRun, { refused?: undefined }>;

export interface State {
  /** Name of the debug session; undefined without one. */
  readonly session: string | undefined;
  readonly runs: readonly ComparedRun[];
  /** The technique that is being run now. */
  readonly busy: TechniqueId | undefined;
  /** Why the comparison could not go on. */
  readonly failed: string | undefined;
  readonly selected: TechniqueId | undefined;
}

export const initial: State = { session: undefined, runs: [], busy: undefined, failed: undefined, selected: undefined };

export type Action =
  | { readonly kind: "session"; readonly name: string | undefined }
  | { readonly kind: "start" }
  | { readonly kind: "busy"; readonly technique: TechniqueId }
  | { readonly kind: "run"; readonly run: ComparedRun }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "done" }
  | { readonly kind: "select"; readonly technique: TechniqueId };

/** In the order in which they run: the bare machine first, all others are seen against it. */
export const order: readonly TechniqueId[] = techniques.map(({ id }) => id);

export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case "session":
      return action.name === state.session ? state : { ...initial, session: action.name };
    case "start":
      return { ...state, runs: [], failed: undefined, selected: undefined };
    case "busy":
      return { ...state, busy: action.technique };
    case "run":
      return { ...state, runs: [...state.runs, action.run], selected: state.selected ?? firstDifferent(action.run) };
    case "failed":
      return { ...state, busy: undefined, failed: action.message };
    case "done":
      return { ...state, busy: undefined };
    case "select":
      return { ...state, selected: action.technique };
  }
}

/** The first technique that makes a difference is what a person wants to see. */
const firstDifferent = (run: ComparedRun): TechniqueId | undefined =>
  run.refused === undefined && run.divergence ? run.technique : undefined;

export const ran = (run: ComparedRun): run is Ran => run.refused === undefined;

export type Verdict = "reference" | "same" | "differs" | "refused";

export function verdictOf(run: ComparedRun): Verdict {
  if (!ran(run)) return "refused";
  if (run.technique === "bare-metal") return "reference";
  return run.divergence ? "differs" : "same";
}

/** A part of a run's cycles: in the guest, or outside of it for one reason. */
export interface Part {
  readonly name: string;
  readonly accent: string;
  readonly cycles: number;
  readonly count: number;
}

/** Where a run's cycles went: the guest first, then exits by reason, the dearest first. */
export function parts({ totals }: Ran): readonly Part[] {
  const outside = totals.exits
    .map(({ name, count, cost }) => ({ name, accent: accent(name), cycles: cost, count }))
    .sort((a, b) => b.cycles - a.cycles);
  const guest = totals.cycles - outside.reduce((sum, { cycles }) => sum + cycles, 0);
  return [{ name: "guest", accent: "guest", cycles: Math.max(0, guest), count: totals.instructions }, ...outside];
}

/** The most cycles of any run: the full width of the picture. */
export const mostCycles = (runs: readonly ComparedRun[]): number =>
  Math.max(1, ...runs.filter(ran).map(({ totals }) => totals.cycles));
