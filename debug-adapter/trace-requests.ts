/** A session's run as a trace, and a trace as the beginning of a session. */
import { type Trace, TraceTooLarge, toBase64, writeTrace } from "../trace-file/index.ts";
import type { Debugger } from "./debugger.ts";
import type { Subject } from "./inspection.ts";
import type { Loaded, ReadFile } from "./place.ts";
import { recordingOf, replay } from "./recording.ts";
import { type Answers, Refusal } from "./requests.ts";
import type { Halt } from "./run.ts";

/** What a person may write into a trace. */
const mostText = 10_000;

/** @param still the subject, if the guest stands still */
export const traceAnswers = (
  present: () => Pick<Loaded, "origin" | "programs">,
  still: () => Subject,
  readFile: ReadFile,
): Pick<Answers, "ringside/saveTrace"> => ({
  "ringside/saveTrace": async ({ title, note = "" }) => {
    if (typeof title !== "string" || typeof note !== "string" || title.length + note.length > mostText)
      throw new Refusal(`A trace has a title and maybe a note, texts of at most ${mostText} characters together.`);
    const { origin, programs } = present();
    const { machine } = still().debugger;
    const { now } = machine;
    const texts = { title, ...(note === "" ? {} : { note }) };
    try {
      const trace = await recordingOf({ machine, programs, origin }, readFile, texts);
      // Files were read, and other requests have come in.
      const { machine: present } = still().debugger;
      if (present !== machine || machine.now !== now)
        throw new Refusal("The guest has moved meanwhile, and no trace was saved: save it again.");
      return { file: toBase64(await writeTrace(trace)) };
    } catch (error) {
      if (error instanceof TraceTooLarge) throw new Refusal(error.message);
      throw error;
    }
  },
});

/** Where a session that begins with a trace stops, and what is to be said of it. */
export interface Entered {
  readonly halt: Halt;
  readonly warning: string;
}

/** To the moment of the trace, or to an event before it. */
export async function enterTrace(target: Debugger, trace: Trace, event: number | undefined): Promise<Entered> {
  const difference = await replay(target.past, trace);
  if (difference === "given up") return { halt: { kind: "pause" }, warning: "" };
  const warning = difference && `${difference}\n`;
  const gone = event === undefined ? undefined : target.goToEvent(event);
  if (gone) return { halt: gone, warning };
  const missing = event === undefined ? "" : `Event ${event} is not in the recorded past of this trace.\n`;
  return { halt: haltAt(target), warning: `${warning}${missing}` };
}

/** What a guest that stands still stands at. */
function haltAt({ machine: { stopped, pendingExit } }: Debugger): Halt {
  if (stopped) return { kind: "end", reason: stopped.reason, text: stopped.text };
  return { kind: "goto", ...(pendingExit?.kind === "exit" && { exit: pendingExit }) };
}
