import type { TechniqueId } from "../isa/technique.ts";
import type { ComparedRun } from "./compare.ts";
import * as inspection from "./inspection.ts";
import type { MemoryViews } from "./memory-views.ts";
import type { Answers } from "./requests.ts";
import type { Halt } from "./run.ts";
import { presentThread } from "./threads.ts";

/** What a session lets a person look at and change. */
interface Surroundings {
  readonly subject: () => inspection.Subject;
  /** The subject while the guest stands still. @throws Refusal while it runs */
  readonly still: () => inspection.Subject;
  readonly halt: () => Halt;
  readonly memoryViews: MemoryViews;
  readonly compare: (technique: TechniqueId) => Promise<ComparedRun>;
  /** A person has turned to another vCPU. */
  readonly turned: () => void;
  /** Before the guest's state is changed. @throws Refusal if that is not wanted */
  readonly mayChange: () => Promise<void>;
  /** After it; gives the answer. */
  readonly changed: <T>(body: T) => T;
}

type InspectionRequest =
  | ("threads" | "stackTrace" | "scopes" | "variables" | "setVariable" | "setExpression" | "evaluate" | "completions")
  | ("exceptionInfo" | "readMemory" | "writeMemory" | "disassemble" | "locations" | "ringside/walk" | "ringside/input");

/** The requests that look at the guest and change it. */
export const inspectionAnswers = (surroundings: Surroundings): Pick<Answers, InspectionRequest> => {
  const { subject, still, halt, memoryViews, compare, turned, mayChange, changed } = surroundings;
  return {
    threads: () => inspection.threads(subject()),
    stackTrace: (args) => inspection.stackTrace(still(), args),
    scopes: (args) => {
      const { machine } = still().debugger;
      const before = presentThread(machine);
      const body = inspection.scopes(still(), args);
      if (presentThread(machine) !== before) turned();
      return body;
    },
    variables: (args) => inspection.variables(still(), args),
    setVariable: async (args) => {
      await mayChange();
      return changed(inspection.setVariableTo(still(), args));
    },
    setExpression: async (args) => {
      await mayChange();
      return changed(inspection.setExpression(still(), args));
    },
    evaluate: async (args) => {
      if (inspection.changes(args)) await mayChange();
      const answer = await inspection.command(still(), args, compare);
      if (answer) return answer.changes ? changed(answer.body) : answer.body;
      const body = inspection.evaluate(still(), args);
      return inspection.assigns(args) ? changed(body) : body;
    },
    completions: (args) => inspection.complete(still(), args),
    exceptionInfo: () => inspection.exceptionInfo(still(), halt()),
    readMemory: (args) => {
      const body = inspection.readMemory(still(), args);
      memoryViews.note(args.memoryReference, args.offset ?? 0, args.count);
      return body;
    },
    writeMemory: async (args) => {
      await mayChange();
      const body = inspection.writeMemory(still(), args);
      memoryViews.note(args.memoryReference, args.offset ?? 0, body?.bytesWritten ?? 0);
      return changed(body);
    },
    disassemble: (args) => inspection.disassembly(still(), args),
    locations: (args) => inspection.locationAt(subject(), args),
    "ringside/walk": ({ linear }) => ({ event: inspection.walk(still(), linear) }),
    "ringside/input": async (args) => {
      await mayChange();
      return changed(inspection.typeInput(subject(), args));
    },
  };
};
