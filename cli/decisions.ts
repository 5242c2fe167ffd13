import { outlookText } from "../debug-adapter/outlook-text.ts";
import { type Ending, limitText, type MachineEvent, type MachineInterface, type Outlook } from "../emulator/index.ts";

/** The outlook of an instruction at the moment when it was about to run. */
export interface Decision {
  readonly kind: "why";
  readonly cycle: number;
  readonly step: number;
  readonly rip: string;
  readonly outlook: Outlook;
}

export const decisionText = ({ cycle, rip, outlook }: Decision): string =>
  `${"".padStart(7)} ${String(cycle).padStart(10)} ${`${rip}h`.padStart(9)}  ${"why".padEnd(9)}  ${outlookText(outlook)}\n`;

/** Exits that come between instructions, or as the instruction at hand is fetched: it has not begun, and comes again. */
const asynchronous = new Set([
  "EXTERNAL_INTERRUPT",
  "INTERRUPT_WINDOW",
  "NMI_WINDOW",
  "VMX_PREEMPTION_TIMER_EXPIRED",
  "INTR",
  "NMI",
  "EPT_VIOLATION",
  "EPT_MISCONFIGURATION",
  "#PF",
]);
const between = (event: MachineEvent): boolean =>
  event.kind === "interrupt" || (event.kind === "exit" && asynchronous.has(event.reason));

function about({ machine, last }: { machine: MachineInterface; last: string | undefined }): Decision | undefined {
  if (machine.pendingExit !== undefined) return undefined;
  const rip = machine.linearRip.toString(16);
  const outlook = machine.why();
  // A repeated instruction is decided on at every iteration; one line is enough where nothing changes.
  if (!outlook?.sensitive || last === `${rip} ${outlook.what}`) return undefined;
  return { kind: "why", cycle: machine.cycle, step: machine.now, rip, outlook };
}

/** As `follow`, one step at a time: `tell` is given what was decided of each sensitive instruction executed, before its events. */
export function runExplained(
  machine: MachineInterface,
  steps: number,
  see: (event: MachineEvent) => void,
  tell: (decision: Decision) => void,
): Ending {
  let seen = 0;
  let last: string | undefined;
  const end = machine.now + steps;
  while (machine.now < end) {
    const decision = about({ machine, last });
    const rip = machine.linearRip.toString(16);
    const stop = machine.step();
    const events = machine.events(seen, Number.MAX_SAFE_INTEGER);
    if (decision && !events.some((event) => event.sequence > seen && between(event))) {
      tell(decision);
      last = `${decision.rip} ${decision.outlook.what}`;
    } else if (last !== undefined && !last.startsWith(`${rip} `)) last = undefined;
    const ready = machine.pendingExit?.sequence ?? Number.POSITIVE_INFINITY;
    for (const event of events) {
      if (event.sequence >= ready && stop.kind !== "stopped") break;
      see(event);
      seen = event.sequence;
    }
    if (stop.kind === "stopped") return { reason: stop.reason, text: stop.text };
  }
  return { reason: "limit", text: limitText(steps) };
}
