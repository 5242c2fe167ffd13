/** The requests that go to a moment which a person describes. */
import type { Branch } from "./branch.ts";
import { spotsOfLine } from "./breakpoints.ts";
import { dataBreakpointInfo, watchOf } from "./data-breakpoints.ts";
import type { Debugger } from "./debugger.ts";
import { returnTo } from "./history.ts";
import { lookFrom, type Subject } from "./inspection.ts";
import { readRegisters, registerPart } from "./registers.ts";
import { type Deeds, Refusal } from "./requests.ts";
import type { Halt } from "./run.ts";
import { callStack } from "./stack.ts";
import { ownNumber } from "./threads.ts";

/** Moves the guest while it stands still; the title is for those who wait. */
export type Travel = (title: string, operation: (target: Debugger) => Promise<Halt>) => () => Promise<void>;

/** What `expression` names, to look for its last write: memory, or a register. @throws Refusal if it is neither */
function written(subject: Subject, expression: string) {
  const name = expression.trim();
  if (registerPart(readRegisters(subject.debugger.machine), name)) {
    if (/^[re]?ip$/i.test(name)) throw new Refusal("The instruction pointer changes with every instruction.");
    return name;
  }
  const { dataId, description } = dataBreakpointInfo(subject, { name, asAddress: /^(0x|\d)/i.test(name) });
  const watch = dataId === null ? undefined : watchOf({ dataId, accessType: "write" });
  if (!watch) throw new Refusal(`${description.charAt(0).toUpperCase()}${description.slice(1)}.`);
  return watch;
}

/** Number of a frame among the guest's own, 0 the newest. @throws Refusal if it is none of them */
function guestFrameNumber(subject: Subject, id: number): number {
  lookFrom(subject, id);
  const { machine, program } = subject.debugger;
  const frameId = ownNumber(id);
  const frames = callStack(machine, program);
  const frame = frames[frameId - 1];
  if (!frame) throw new Refusal("There is no such frame on the call stack now.");
  if (frame.kind !== "guest") throw new Refusal("Only code of the guest can be restarted, not the VMM.");
  return frames.slice(0, frameId - 1).filter(({ kind }) => kind === "guest").length;
}

type TimeRequest =
  | "restartFrame"
  | "ringside/lastWrite"
  | "ringside/reverse"
  | "ringside/runBack"
  | "ringside/goToMoment"
  | "ringside/toPresent";

/** What the guest stands at after a return to the present. */
function presentHalt({ machine: { stopped, pendingExit } }: Debugger): Halt {
  if (stopped) return { kind: "end", reason: stopped.reason, text: stopped.text };
  return { kind: "goto", ...(pendingExit?.kind === "exit" ? { exit: pendingExit } : {}) };
}

export const timeDeeds = (still: () => Subject, branch: () => Branch, travel: Travel): Pick<Deeds, TimeRequest> => ({
  restartFrame: ({ frameId }) => {
    const number = guestFrameNumber(still(), frameId);
    return travel("Going back to where the frame began", (target) => target.restartFrame(number));
  },
  "ringside/lastWrite": ({ expression }) => {
    const place = written(still(), expression);
    return travel(`Looking for the last write of ${expression}`, (target) => target.lastWrite(place, expression));
  },
  "ringside/reverse": ({ step }) => {
    const { debugger: target } = still();
    if (step === "into") return travel("Stepping back", () => target.stepBack(true));
    if (!target.canStepOut || target.machine.pendingExit)
      throw new Refusal(
        target.machine.pendingExit
          ? "While a VM exit is pending, step back leads out of the VMM."
          : "No caller is known: the stack holds no return address.",
      );
    return travel("Stepping back out", () => target.reverseOut());
  },
  "ringside/runBack": ({ file, line }) => {
    const { debugger: there, coordinates } = still();
    const spots = spotsOfLine(there.programs, file, coordinates.lineFrom(line));
    if (spots.addresses.length === 0) throw new Refusal("There is no instruction in this line.");
    return travel("Running back to the cursor", (target) => target.reverseContinue(spots));
  },
  "ringside/toPresent": () => {
    still();
    if (branch().past === 0) throw new Refusal("The guest is in the present: it has not been further yet.");
    return travel("Returning to the present", async (target) => {
      returnTo(target.machine, branch().latest);
      return presentHalt(target);
    });
  },
  "ringside/goToMoment": ({ measure, value }) => {
    still();
    if (!["step", "instruction", "cycle"].includes(measure) || !Number.isSafeInteger(value) || value < 0)
      throw new Refusal(`A moment is a number of steps, instructions or cycles, not "${measure} ${value}".`);
    return travel(`Going to ${measure} ${value.toLocaleString("en")}`, (target) => target.goToMoment(measure, value));
  },
});
