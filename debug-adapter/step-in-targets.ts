/** Where a step into the instruction at hand may lead. */
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { instructionAt, isCall } from "./code.ts";
import type { Debugger } from "./debugger.ts";
import { placeOf, placeText } from "./program.ts";
import type { Halt } from "./run.ts";

/** What a step goes over; undefined leaves it to the program. */
export const stepsBy = (granularity: P.SteppingGranularity | undefined): "instruction" | undefined =>
  granularity === "instruction" ? granularity : undefined;

/** Ids of targets: the VMM, the guest's function or handler past any VM exit on the way, and the next instruction. */
const stepTarget = { monitor: 1, guest: 2, over: 3 } as const;

/** The label of the function that a call leads to; undefined where only running tells. */
function calledLabel({ machine, program }: Debugger): string | undefined {
  const decoded = instructionAt(machine, machine.linearRip, machine.bits);
  if (!decoded || !isCall(decoded)) return undefined;
  const [operand] = decoded.operands;
  if (operand?.kind !== "relative") return "the function that is called";
  const base = machine.linearRip - machine.rip;
  const offset = BigInt.asUintN(machine.bits, machine.rip + BigInt(decoded.length + operand.distance));
  const place = placeOf(program, base + offset);
  return place ? placeText(place) : `${(base + offset).toString(16)}h`;
}

/** What can be stepped into now; nothing where a step into is a step. */
export function stepInTargets(target: Debugger): P.StepInTargetsResponse["body"] {
  const { machine } = target;
  const outlook = machine.pendingExit ? undefined : machine.why();
  const called = outlook?.outcome === "runs" ? calledLabel(target) : undefined;
  const over = { id: stepTarget.over, label: "Past it, to the next instruction" };
  if (outlook?.outcome === "leaves")
    return { targets: [{ id: stepTarget.monitor, label: `The VMM: ${outlook.what}` }, over] };
  if (outlook?.outcome === "faults")
    return { targets: [{ id: stepTarget.guest, label: "The guest's exception handler" }, over] };
  return { targets: called === undefined ? [] : [{ id: stepTarget.guest, label: called }, over] };
}

/** Steps to one of them. */
export function stepTo(target: Debugger, id: number): Promise<Halt> {
  if (id === stepTarget.over) return target.next("instruction");
  return id === stepTarget.guest ? target.stepIntoGuest() : target.stepIn("instruction");
}
