import type { MachineInterface, VcpuPlace, Watch } from "../emulator/machine-interface.ts";
import type { Decoded } from "../isa/operands.ts";
import type { Breakpoint, Spots } from "./breakpoints.ts";
import { entersSystem, instructionAt, isCall, isInterruptReturn, isReturn, isSystemReturn, stackTop } from "./code.ts";
import { goJustBefore } from "./event-breakpoints.ts";
import type { EventWatch } from "./event-watch.ts";
import {
  type Found,
  goToExit,
  lastBefore,
  lastEvent,
  type Present,
  presentExit,
  presentOf,
  returnTo,
} from "./history.ts";
import { goToMoment, lastChangeOf, lastWriteTo, type Measure, type Past, restartFrame, reverseOut } from "./past.ts";
import { instructionEndingAt, type Program, toLinear } from "./program.ts";
import { type Programs, programsIn } from "./programs.ts";
import { writeRegister } from "./registers.ts";
import { reverseContinue } from "./reverse.ts";
import { type Halt, Runner, type Surroundings } from "./run.ts";
import { guestFrames } from "./stack.ts";
import { lineUnknown, untilNextLine } from "./step-line.ts";
import { overPlain, single, stepOver } from "./step-over.ts";

/** Linear addresses of all returns. */
const returnsOf = (program: Program): readonly bigint[] =>
  program.returns().map((address) => toLinear(program, address));

/**
 * Steps and runs a guest, forwards and backwards. Knows nothing of the Debug Adapter Protocol. Every operation ends with
 * the machine at rest and says why it stopped there; only one may be under way at a time.
 */
export class Debugger {
  readonly machine: MachineInterface;
  readonly programs: Programs;
  readonly #runner: Runner;
  readonly #surroundings: Surroundings;

  constructor(machine: MachineInterface, programs: ReadonlyMap<string, Program>, surroundings: Surroundings) {
    this.machine = machine;
    this.programs = programsIn(machine, programs);
    this.#surroundings = surroundings;
    this.#runner = new Runner(machine, this.programs, surroundings);
  }

  /** The program of the VM that is looked at. */
  get program(): Program {
    return this.programs.here;
  }

  /** The vCPU that the next operation steps, and whether the others stand still meanwhile. Undefined: whose turn it is. */
  attend(place: VcpuPlace | undefined, alone: boolean): void {
    this.#runner.attend(place, alone);
  }

  get breakpoints(): readonly Breakpoint[] {
    return this.#runner.breakpoints;
  }
  set breakpoints(breakpoints: readonly Breakpoint[]) {
    this.#runner.breakpoints = breakpoints;
  }

  /** The breakpoints on events that are in force. */
  get events(): EventWatch {
    return this.#runner.events;
  }

  /** Stops a running operation at the end of its slice. */
  pause(): void {
    this.#runner.pausing = true;
  }

  /** Runs from the first instruction, at which there may be a breakpoint. */
  async start(): Promise<Halt> {
    return this.#runner.hitHere() ?? this.#runner.forward();
  }

  continue(): Promise<Halt> {
    return this.#runner.forward();
  }

  /** Into calls, into handlers, and into the VMM where the instruction exits. By line, into functions that have lines. */
  async stepIn(by = this.program.stepsBy): Promise<Halt> {
    this.#runner.pausing = false;
    const one = async () => (await this.#runner.turn()) ?? single(this.#runner) ?? this.#runner.arrive();
    if (by === "instruction" || this.machine.pendingExit) return one();
    return untilNextLine(this.#runner, async () => {
      const halt = await one();
      const outside = halt.kind === "step" && lineUnknown(this.#runner) && this.canStepOut;
      return outside ? this.stepOut() : halt;
    });
  }

  /** Into the function or handler of the guest to which the next instruction leads, past VM exits on the way. */
  stepIntoGuest(): Promise<Halt> {
    return overPlain(this.#runner);
  }

  /** Over the next instruction or line with all it brings about; out of the VMM, if it is handling an exit. */
  async next(by = this.program.stepsBy): Promise<Halt> {
    if (this.machine.pendingExit) return this.stepIn("instruction");
    const one = () => stepOver(this.#runner);
    return by === "instruction" ? one() : untilNextLine(this.#runner, one);
  }

  /** Where `stepOut` would lead; undefined if no caller is known. */
  get canStepOut(): boolean {
    return this.machine.pendingExit !== undefined || guestFrames(this.machine, this.program).length > 1;
  }

  /** To the caller of the present function or handler, or out of the VMM. */
  async stepOut(): Promise<Halt> {
    const { machine } = this;
    if (machine.pendingExit) return this.stepIn("instruction");
    const caller = guestFrames(machine, this.program)[1];
    if (!caller) return { kind: "step" };
    const { address, slot = 0n } = caller;
    // A handler may change where it returns to, so that its return is waited for as well as the place.
    const returning = () => machine.linearRip !== address && stackTop(machine).pointer === slot;
    const halt = await this.#runner.forward({
      addresses: [address, ...returnsOf(this.program)],
      reached: () => returning() || (machine.linearRip === address && stackTop(machine).pointer > slot),
    });
    return halt.kind === "step" && returning() ? overPlain(this.#runner) : halt;
  }

  /** To the previous instruction or the beginning of a line; unless `into`, over a call or handler that has just returned. */
  async stepBack(into: boolean): Promise<Halt> {
    this.#runner.pausing = false;
    const one = () => this.#stepBackOne(into);
    return into || this.program.stepsBy === "instruction" ? one() : untilNextLine(this.#runner, one);
  }

  async #stepBackOne(into: boolean): Promise<Halt> {
    const { machine } = this;
    const present = machine.now;
    const back = presentOf(machine);
    if (present === 0) return { kind: "start" };
    const address = machine.linearRip;
    const { pointer } = stackTop(machine);
    let target = this.#runner.previousStart(present);
    if (!into) {
      machine.goTo(target);
      const origin = await this.#whereReturnedFrom(address, pointer);
      if (origin === "given up") return this.#giveUp(back);
      target = origin.moment ?? target;
    }
    return this.#goBackTo(target, { kind: "step" });
  }

  #giveUp(back: Present): Halt {
    returnTo(this.machine, back);
    return { kind: "pause" };
  }

  #goBackTo(moment: number, halt: Halt): Halt {
    this.machine.goTo(moment);
    this.#runner.lookAtAttended();
    return halt;
  }

  /** If the instruction at hand returns to `address`: the moment before what it returns from was entered. */
  async #whereReturnedFrom(address: bigint, pointer: bigint): Promise<Found> {
    const { machine } = this;
    const decoded = instructionAt(machine, machine.linearRip, machine.bits);
    const from = decoded && this.#entriesOf(decoded, address);
    if (!from || from.length === 0) return { moment: undefined };
    // RET n also drops the arguments that were pushed before the call.
    const [dropped] = isReturn(decoded) ? decoded.operands : [];
    const entry = pointer - (dropped?.kind === "immediate" ? dropped.value : 0n);
    const found = await lastBefore(machine, machine.now, {
      addresses: new Set(from),
      accept: () => this.#runner.attends && stackTop(machine).pointer === entry,
      breathe: () => this.#breatheBackwards(),
    });
    if (found === "given up" || found.moment === undefined) return found;
    machine.goTo(found.moment);
    // Back at the place where an interrupt struck, nothing of the program has been undone yet.
    return machine.linearRip === address ? { moment: this.#runner.previousStart(found.moment) } : found;
  }

  /** Where the code from which `decoded` returns to `address` may have been entered. */
  #entriesOf(decoded: Decoded, address: bigint): readonly bigint[] {
    const before = instructionEndingAt(this.program, address);
    const start = before && toLinear(this.program, before.address);
    if (isReturn(decoded)) return start !== undefined && isCall(before!.decoded!) ? [start] : [];
    const called = start !== undefined && entersSystem(before!.decoded!);
    if (isInterruptReturn(decoded)) return called ? [start, address] : [address];
    // Under Xen a kernel returns from a system call by a hypercall, which looks like one.
    const returns = isSystemReturn(decoded) || (entersSystem(decoded) && this.machine.linearRip !== start);
    return called && returns ? [start] : [];
  }

  async #breatheBackwards(): Promise<boolean> {
    await this.#surroundings.breathe();
    return !this.#runner.pausing;
  }

  /** What ways into the past start from. */
  get past(): Past {
    this.#runner.pausing = false;
    const { machine, program } = this;
    return {
      machine,
      program,
      run: (steps) => this.#runner.pass(steps),
      breathe: () => this.#breatheBackwards(),
    };
  }

  /** To the call of the present function, or where the interrupt of the present handler struck. */
  reverseOut(): Promise<Halt> {
    return reverseOut(this.past);
  }

  /** To the first instruction of a frame of the guest, 0 the newest. */
  restartFrame(number: number): Promise<Halt> {
    return restartFrame(this.past, number);
  }

  /** To the instruction that last wrote memory, or last changed a register. */
  lastWrite(place: Watch | string, name: string): Promise<Halt> {
    return typeof place === "string" ? lastChangeOf(this.past, place) : lastWriteTo(this.past, place, name);
  }

  goToMoment(measure: Measure, value: number): Promise<Halt> {
    return goToMoment(this.past, measure, value);
  }

  /** To the last moment at which something would have stopped the guest, or at which it was about to be at `goal`; or to the start. */
  reverseContinue(goal: Spots = { addresses: [] }): Promise<Halt> {
    this.#runner.pausing = false;
    return reverseContinue(this.#runner, goal, () => this.#breatheBackwards());
  }

  /** Number of the newest event that is quite past: an exit that the guest stands at is still the present. */
  get #lastPassed(): number {
    const exit = presentExit(this.machine);
    return exit ? exit.sequence - 1 : this.machine.lastSequence;
  }

  toNextExit(): Promise<Halt> {
    return this.#runner.forward({ addresses: [], reached: () => false, exits: true });
  }

  /** Undefined if there is no exit before this moment. */
  toPreviousExit(): Halt | undefined {
    const event = lastEvent(this.machine, this.#lastPassed, "exit", () => true);
    return event && (goToExit(this.machine, event) ? { kind: "exit", event } : { kind: "goto" });
  }

  /**
   * To the moment at which an exit is pending, or just before any other event; undefined if it is not in the past or no
   * longer recorded.
   */
  goToEvent(sequence: number): Halt | undefined {
    const [event] = this.machine.events(sequence - 1, 1);
    if (event?.sequence !== sequence) return undefined;
    if (event.kind === "exit" && goToExit(this.machine, event)) return { kind: "goto", exit: event };
    goJustBefore(this.machine, event);
    return { kind: "goto" };
  }

  /** Makes the instruction at a linear address the next one; a sentence if that cannot be. */
  moveTo(linear: bigint): string | undefined {
    const { machine } = this;
    if (machine.pendingExit) return "While a VM exit is pending, the VMM decides where the guest goes on.";
    const offset = linear - (machine.linearRip - machine.rip);
    const done = writeRegister(machine, machine.bits === 64 ? "RIP" : "EIP", offset);
    return done === true ? undefined : done;
  }
}
