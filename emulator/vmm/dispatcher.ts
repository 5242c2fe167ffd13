import { type Crossing, crossingCost } from "../../isa/costs.ts";
import type { TechniqueId } from "../../isa/technique.ts";
import { layout } from "../cpu/layout.ts";
import type { ExitForm } from "../trace/event.ts";
import type { VmmContext } from "./context.ts";

/** The `exit` event without what the dispatcher adds; see `ExitNumbers` for the numbers. */
export interface ExitBody extends Omit<ExitForm, "kind" | "technique"> {
  readonly qualification: bigint | number;
  readonly first?: number | undefined;
  readonly second?: number | undefined;
}

/** An exit between leaving the guest and resuming it. Plain JSON: part of a snapshot. */
export interface Pending {
  readonly sequence: number;
  /** Key of its handler. */
  readonly handler: string;
  /** Cycles charged so far, and those of the way back. */
  readonly cost: number;
  readonly back: number;
  /** Instruction pointer at the exit. */
  readonly rip: number;
}

/**
 * The VMM's dispatcher: every way out of the guest comes in here, is recorded and priced, goes to the handler for its
 * reason, and leaves through `resumed`.
 */
export class Dispatcher<Subject> {
  pending: Pending | undefined;
  readonly #forms = new Map<string, ExitForm>();
  readonly #context: VmmContext;
  readonly #technique: TechniqueId;
  readonly #handlers: Readonly<Record<string, (subject: Subject) => string | undefined>>;
  readonly #crossingOf: (reason: string) => Crossing;

  /** Handlers say what they did, or undefined if the guest is not to be resumed (yet). */
  constructor(
    context: VmmContext,
    technique: TechniqueId,
    handlers: Readonly<Record<string, (subject: Subject) => string | undefined>>,
    crossingOf: (reason: string) => Crossing = () => "exit",
  ) {
    this.#context = context;
    this.#technique = technique;
    this.#handlers = handlers;
    this.#crossingOf = crossingOf;
  }

  /** The guest has been left. The handler is that of the reason unless another is named. */
  left(body: ExitBody, handler = body.reason): void {
    const context = this.#context;
    const sequence = context.recordExit(this.#formOf(body), body.qualification, body.first ?? 0, body.second ?? 0);
    const { out, back } = crossingCost(context.costs, this.#crossingOf(body.reason));
    this.#spend(out);
    this.pending = { sequence, handler, cost: out, back, rip: context.cpu.rip };
    context.cpu.attention = true;
  }

  /** The form of the last exit for the reason, if this one differs in nothing but numbers. */
  #formOf({ reason, number, fields, what, why }: ExitBody): ExitForm {
    const last = this.#forms.get(reason);
    if (last && last.what === what && last.why === why && last.fields === fields && last.number === number) return last;
    const form: ExitForm = { kind: "exit", reason, number, fields, what, why, technique: this.#technique };
    this.#forms.set(reason, form);
    return form;
  }

  /** Runs the handler of the pending exit. */
  dispatch(subject: Subject): string | undefined {
    const { handler, rip } = this.pending!;
    // Whoever moves the guest while it is stopped at an exit wants it to go on there, not what it left for.
    if (this.#context.cpu.rip !== rip) return "nothing: the instruction pointer was changed meanwhile";
    const routine = this.#handlers[handler];
    if (routine) return routine(subject);
    this.#context.stop("unsupported", `The VMM has no handler for the exit ${handler}.`);
    return undefined;
  }

  /** The guest is resumed; `work` is what the VMM spent in cycles beyond the crossings. */
  resumed(handled: string, work: number): void {
    const { sequence, cost, back } = this.pending!;
    const rest = work + back;
    this.#spend(rest);
    this.#context.settle(sequence, cost + rest);
    this.#context.record({ kind: "entry", exit: sequence, handled, cost: cost + rest });
    this.pending = undefined;
  }

  /** The VMM has completed so many instructions (or iterations of a repeated one) for the guest: they count as retired. */
  completed(instructions: number): void {
    this.#context.cpu.f64[layout.emulated >> 3]! += instructions;
  }

  #spend(cycles: number): void {
    this.#context.cpu.f64[layout.extraCycles >> 3]! += cycles;
  }
}
