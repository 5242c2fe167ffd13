/** Ways to go to a moment of the past, or of virtual time, that a person describes. Each ends at rest and says where. */
import type { MachineInterface, Watch } from "../emulator/machine-interface.ts";
import { stackTop } from "./code.ts";
import { type Found, lastBefore, type Present, presentOf, previousStart, returnTo } from "./history.ts";
import { Pace } from "./pace.ts";
import type { Program } from "./program.ts";
import { readRegisters, registerPart } from "./registers.ts";
import type { Halt } from "./run.ts";
import { guestFrames } from "./stack.ts";

export interface Past {
  readonly machine: MachineInterface;
  readonly program: Program;
  /** Runs on, at most so many steps; where that leads beyond what has happened already, events are counted. */
  readonly run: (steps: number) => void;
  /** Lets other work come in; false gives the search up. */
  readonly breathe: () => Promise<boolean>;
}

const moved: Halt = { kind: "goto" };

/** Goes on from what a search has found, or back to the present. */
function conclude(
  { machine }: Past,
  present: Present,
  found: Found,
  { at, otherwise }: { readonly at: (moment: number) => number; readonly otherwise: string },
): Halt {
  const moment = found === "given up" ? undefined : found.moment;
  if (moment === undefined) returnTo(machine, present);
  else machine.goTo(at(moment));
  if (found === "given up") return { kind: "pause" };
  return moment === undefined ? { kind: "stay", text: otherwise } : moved;
}

/** Where the instruction that ended at a moment began. */
const before =
  ({ machine }: Past) =>
  (moment: number): number =>
    previousStart(machine, moment);

/** To the instruction that last wrote watched memory. */
export async function lastWriteTo(past: Past, watch: Watch, name: string): Promise<Halt> {
  const { machine, breathe } = past;
  const present = presentOf(machine);
  const found = await lastBefore(machine, present.now, {
    addresses: new Set(),
    accept: () => false,
    watches: [watch],
    touched: () => true,
    breathe,
  });
  return conclude(past, present, found, { at: before(past), otherwise: `Nothing has written ${name} up to now.` });
}

/** Steps between two chances to give up. */
const between = 5000;
const firstStretch = 4096;

/** The last moment up to which `value` was another, of the stretch from the present to `end`. */
async function lastChangeWithin(
  { machine, breathe }: Past,
  end: number,
  value: () => bigint | undefined,
): Promise<Found> {
  let moment: number | undefined;
  let last = value();
  for (let n = 1; machine.now < end; n++) {
    const { now } = machine;
    machine.step();
    if (machine.now === now) break;
    const current = value();
    if (current !== undefined && last !== undefined && current !== last) moment = machine.now;
    last = current ?? last;
    if (n % between === 0 && !(await breathe())) return "given up";
  }
  return { moment };
}

/** The last moment up to which `value` was another. */
async function lastChange(past: Past, value: () => bigint | undefined): Promise<Found> {
  const { machine } = past;
  let end = machine.now;
  for (let stretch = firstStretch; end > 0; stretch *= 4) {
    const start = Math.max(0, end - stretch);
    machine.goTo(start);
    const found = await lastChangeWithin(past, end, value);
    if (found === "given up" || found.moment !== undefined) return found;
    end = start;
  }
  return { moment: undefined };
}

/** To the instruction that last gave a register of this processor another value. */
export async function lastChangeOf(past: Past, name: string): Promise<Halt> {
  const { machine } = past;
  const present = presentOf(machine);
  const { vm, vcpu } = machine;
  const part = registerPart(readRegisters(machine), name);
  if (!part) return { kind: "stay", text: `There is no register ${name} in this mode.` };
  const mask = (1n << BigInt(part.width)) - 1n;
  // Registers of another mode or another processor are others.
  const value = () => {
    const whole = machine.vm === vm && machine.vcpu === vcpu ? machine.register(part.view.name) : undefined;
    return whole === undefined ? undefined : (whole >> part.shift) & mask;
  };
  const found = await lastChange(past, value);
  const otherwise = `${part.name} has had this value from the start.`;
  return conclude(past, present, found, { at: before(past), otherwise });
}

/** Most bytes that a call or an interrupt pushes. */
const mostPushed = 64n;

/** The last moment before the frame with a number (0 the newest) was entered: at the call, or where the interrupt struck. */
async function entryOf(past: Past, number: number): Promise<Found> {
  const { machine, program, breathe } = past;
  const present = machine.now;
  const caller = guestFrames(machine, program)[number + 1];
  const { slot } = caller ?? {};
  if (!caller || slot === undefined) return { moment: undefined };
  const { cpl } = machine;
  const found = await lastBefore(machine, present, {
    addresses: new Set([caller.within]),
    accept: () => {
      const above = stackTop(machine).pointer - slot;
      // Another ring has another stack.
      return machine.cpl !== cpl || (above > 0n && above <= mostPushed);
    },
    breathe,
  });
  if (found === "given up" || found.moment !== undefined) return found;
  // A handler may have changed where it returns to: then only the depth of the stack tells.
  machine.goTo(present);
  const entered = await lastChange(past, () => BigInt(machine.cpl !== cpl || stackTop(machine).pointer > slot));
  if (entered === "given up" || entered.moment === undefined) return entered;
  return { moment: previousStart(machine, entered.moment) };
}

/** Back to the call of the present function, or to where the interrupt of the present handler struck. */
export async function reverseOut(past: Past): Promise<Halt> {
  const present = presentOf(past.machine);
  const found = await entryOf(past, 0);
  return conclude(past, present, found, { at: (moment) => moment, otherwise: "No caller is known." });
}

/** Back to the first instruction of a frame (0 the newest); of the oldest, to the start of the run. */
export async function restartFrame(past: Past, number: number): Promise<Halt> {
  const { machine, program } = past;
  const present = presentOf(machine);
  const { slot } = guestFrames(machine, program)[number + 1] ?? {};
  if (slot === undefined) {
    machine.goTo(0);
    return moved;
  }
  const found = await entryOf(past, number);
  const halt = conclude(past, present, found, {
    at: (moment) => moment,
    otherwise: "Where this frame began is not in the past of this run.",
  });
  if (halt !== moved) return halt;
  const caller = machine.linearRip;
  const entered = () => !machine.pendingExit && machine.linearRip !== caller && stackTop(machine).pointer <= slot;
  while (!entered() && machine.now < present.now) machine.step();
  return moved;
}

/** What moments are counted in. */
export type Measure = "step" | "instruction" | "cycle";

const readings: Readonly<Record<Measure, (machine: MachineInterface) => number>> = {
  step: ({ now }) => now,
  instruction: ({ instructions }) => instructions,
  cycle: ({ cycle }) => cycle,
};

interface Reading {
  readonly step: number;
  readonly value: number;
}

/** To the first moment at which a count has been reached, backwards or forwards; forwards, nothing but its end stops the guest. */
export async function goToMoment(past: Past, measure: Measure, wanted: number): Promise<Halt> {
  const { machine, breathe } = past;
  const read = (): Reading => ({ step: machine.now, value: readings[measure](machine) });
  const present = presentOf(machine);
  let low: Reading = { step: 0, value: 0 };
  const pace = new Pace();
  for (let at = read(); at.value < wanted; at = read()) {
    if (machine.stopped) return { kind: "end", reason: machine.stopped.reason, text: machine.stopped.text };
    low = at;
    const { lastSequence } = machine;
    past.run(measure === "step" ? Math.min(pace.left, wanted - at.step) : pace.left);
    if (pace.spend(machine.now - at.step, machine.lastSequence - lastSequence) && !(await breathe()))
      return { kind: "pause" };
  }
  let high = read();
  for (let n = 0; high.step - low.step > 1; n++) {
    machine.goTo(stepBetween(low, high, wanted, n));
    const at = read();
    if (at.value < wanted) low = at;
    else high = at;
    if (await breathe()) continue;
    returnTo(machine, present);
    return { kind: "pause" };
  }
  machine.goTo(wanted <= 0 ? 0 : high.step);
  return moved;
}

/** A step between two: where the count would be reached if it grew evenly, and now and then the middle. */
function stepBetween(low: Reading, high: Reading, wanted: number, n: number): number {
  const share = n % 3 === 2 ? 0.5 : (wanted - low.value) / Math.max(1, high.value - low.value);
  const guess = low.step + Math.round(share * (high.step - low.step));
  return Math.min(high.step - 1, Math.max(low.step + 1, guess));
}
