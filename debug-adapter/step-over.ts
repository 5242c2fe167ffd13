import { comesBack, instructionAt, stackTop, wrapLinear } from "./code.ts";
import type { Halt, Runner } from "./run.ts";

/** Retries of one instruction between two chances to pause. */
const retries = 10_000;

/** One step of the machine, or all that stands for one instruction; says so where it ended the guest or left it to the VMM. */
export function single(runner: Runner): (Halt & { kind: "end" | "exit" }) | undefined {
  const { machine } = runner;
  let stop = runner.step();
  while (stop.kind === "step" && machine.withinInstruction && !machine.pendingExit) stop = runner.step();
  if (stop.kind === "stopped") return { kind: "end", reason: stop.reason, text: stop.text };
  const exit = machine.pendingExit;
  if (exit?.kind !== "exit") return undefined;
  const { eventHit } = runner;
  return { kind: "exit", event: exit, ...(eventHit?.event.sequence === exit.sequence ? { by: eventHit.by } : {}) };
}

/** Is this where the person wants to be, rather than on the way? */
const stops = (halt: Halt): boolean => halt.kind === "end" || (halt.kind === "exit" && halt.by !== undefined);

/** Runs until `address` is reached with the stack no deeper than now: not in a deeper activation of the same code. */
function runTo(runner: Runner, address: bigint): Promise<Halt> {
  const { machine } = runner;
  const { pointer } = stackTop(machine);
  return runner.forward({ addresses: [address], reached: () => stackTop(machine).pointer >= pointer });
}

/** True if hardware interrupts, which have nothing to do with the instruction, came in after an event. */
const interruptedSince = ({ machine }: Runner, sequence: number): boolean =>
  machine.events(sequence, 1, ["interrupt"]).length > 0;

/** Over the next instruction with all it brings about: the called code, each repetition, a VM exit and its handling. */
export async function stepOver(runner: Runner): Promise<Halt> {
  const { machine } = runner;
  const decoded = instructionAt(machine, machine.linearRip, machine.bits);
  if (!decoded || !comesBack(decoded)) return overPlain(runner);
  const after = wrapLinear(machine.linearRip + BigInt(decoded.length), machine.bits);
  return decoded.row.mnemonic === "hlt" ? overHalt(runner, after) : runTo(runner, after);
}

/** Over an instruction that leads to the next one, a jump target or an exception handler. */
export async function overPlain(runner: Runner): Promise<Halt> {
  const { machine } = runner;
  const address = machine.linearRip;
  let { occurrence } = runner;
  const { pointer } = stackTop(machine);
  let handled = machine.lastSequence;
  runner.pausing = false;
  for (let n = 1; ; n++) {
    const { now } = machine;
    const waited = await runner.turn();
    // What the others have executed meanwhile is no progress of this one.
    if (machine.now !== now) occurrence = runner.occurrence;
    const halt = waited ?? single(runner);
    if (halt && (halt.kind !== "exit" || stops(halt))) return halt;
    if (!halt && interruptedSince(runner, handled)) {
      const back = await runner.forward({ addresses: [address], reached: () => stackTop(machine).pointer >= pointer });
      if (back.kind !== "step") return back;
      handled = machine.lastSequence;
    } else if (!halt && runner.occurrence !== occurrence) return runner.arrive();
    if (n % retries > 0) continue;
    await runner.surroundings.breathe();
    if (runner.pausing) return { kind: "pause" };
  }
}

/** Over HLT: the guest goes on when an interrupt has come and its handler has returned. */
async function overHalt(runner: Runner, after: bigint): Promise<Halt> {
  const { machine } = runner;
  const { pointer } = stackTop(machine);
  const halted = await runTo(runner, after);
  if (halted.kind !== "step") return halted;
  const { now, lastSequence } = machine;
  const woken = (await runner.turn()) ?? single(runner);
  if (woken && (woken.kind !== "exit" || stops(woken))) return woken;
  if (interruptedSince(runner, lastSequence))
    return runner.forward({ addresses: [after], reached: () => stackTop(machine).pointer >= pointer });
  // The guest did not halt, and this was the next instruction already.
  machine.goTo(now);
  return halted;
}
