/** The threads of the protocol: all vCPUs of all VMs, numbered from 1 in the order of the configuration. */
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import type { MachineInterface, VcpuPlace, VcpuView } from "../emulator/machine-interface.ts";
import { techniqueById } from "../isa/technique.ts";
import type { Debugger } from "./debugger.ts";
import { Refusal } from "./requests.ts";

/** Frames and variables of a thread have numbers of their own, by this much apart. */
const numbersOfThread = 2 ** 16;

/** The number that something of a thread has for the client; in the first thread its own. */
export const numberIn = (thread: number, own: number): number => (own === 0 ? 0 : (thread - 1) * numbersOfThread + own);
export const ownNumber = (number: number): number => number % numbersOfThread;
/** The thread that a frame or a variable belongs to. */
export const threadOfNumber = (number: number): number => Math.floor(number / numbersOfThread) + 1;

export const samePlace = (a: VcpuPlace, b: VcpuPlace): boolean => a.vm === b.vm && a.vcpu === b.vcpu;

/** The thread of the vCPU about to run, or looked at. */
export const presentThread = (machine: MachineInterface): number =>
  machine.vcpus().findIndex((view) => samePlace(view, machine)) + 1;

/** The vCPU of a thread; undefined if there is none. */
export function placeOfThread(machine: MachineInterface, thread: number): VcpuPlace | undefined {
  const view = machine.vcpus()[thread - 1];
  return view && { vm: view.vm, vcpu: view.vcpu };
}

/** Does something with the machine seen from a vCPU, and goes back to the one it was seen from. */
export function seenFrom<T>(machine: MachineInterface, place: VcpuPlace | undefined, look: () => T): T {
  const before = { vm: machine.vm, vcpu: machine.vcpu };
  if (!place || samePlace(place, before)) return look();
  machine.look(place);
  try {
    return look();
  } finally {
    machine.look(before);
  }
}

/** What is asked from now on is about the vCPU of an event or an access, which may not be the one about to run. */
export function lookAt(machine: MachineInterface, { vm, vcpu }: VcpuPlace): void {
  if (!samePlace(machine, { vm, vcpu })) machine.look({ vm, vcpu });
}

/** What a vCPU that does not run is doing, in words; empty for one that runs. */
export function waitText({ state, pcpu }: Pick<VcpuView, "state" | "pcpu">): string {
  switch (state) {
    case "running":
      return "";
    case "runnable":
      return `waits for a physical CPU${pcpu === undefined ? "" : `, last on pCPU ${pcpu}`}`;
    case "parked":
      return "parked: its cap or budget is used up";
    case "blocked":
      return "halted, or waiting to be started";
    case "offline":
      return "unplugged";
  }
}

function nameOf(machine: MachineInterface, view: VcpuView): string {
  const { cpl, bits } = machine;
  const state = waitText(view);
  const where = machine.schedule() && view.state === "running" ? `, pCPU ${view.pcpu}` : "";
  return `${view.vm}/${view.vcpu} (ring ${cpl}, ${bits}-bit${where}${state && `, ${state}`})`;
}

export function threadList(machine: MachineInterface): P.Thread[] {
  const views = machine.vcpus();
  if (views.length > 1)
    return views.map((view, n) => ({ id: n + 1, name: seenFrom(machine, view, () => nameOf(machine, view)) }));
  const technique = techniqueById(machine.configuration.technique)?.id;
  return [{ id: 1, name: `vCPU ${machine.vcpu} (${technique}, ring ${machine.cpl}, ${machine.bits}-bit)` }];
}

/** Which vCPU a request lets go on, and how. */
export interface Wanted {
  readonly threadId?: number;
  /** The others stand still. */
  readonly singleThread?: boolean;
  /** It is a step. */
  readonly steps?: boolean;
}

/** Where there are several vCPUs, tells the debugger which one the next operation is about. @throws Refusal if there is no such one */
export function attend(
  target: Debugger,
  { threadId, singleThread, steps = false }: Wanted,
  others: "scheduled" | "frozen" = "scheduled",
): void {
  const { machine } = target;
  const named = threadId === undefined ? undefined : placeOfThread(machine, threadId);
  if (threadId !== undefined && !named) throw new Refusal(`There is no thread ${threadId}.`);
  const place = machine.vcpus().length > 1 ? named : undefined;
  target.attend(steps || singleThread ? place : undefined, singleThread ?? (steps && others === "frozen"));
}
